#!/usr/bin/env bash
# scim2-parse-filter 0.2.10 and SCIMMY 1.3.5 (JavaScript), UnboundID SCIM 2 SDK 5.1.0 (Java): a filter that names a core
# attribute in full, with the URN of its schema, finds nobody.
#
# Guess: urn:ietf:params:scim:schemas:core:2.0:User:userName means userName, since RFC 7644 section 3.10 has it as the full name.
# Seen: all three look for an object under that URN in the resource, where only extensions have one. None of them reports an
# unknown name, so that the answer is an empty list. UnboundID's PATCH makes such an object: it leaves userName as it was and
# adds "urn:…:core:2.0:User": {"userName": …}.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund scim2-parse-filter@0.2.10 scimmy@1.3.5
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>findings</groupId><artifactId>findings</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>com.unboundid.product.scim2</groupId><artifactId>scim2-sdk-common</artifactId><version>5.1.0</version>
  </dependency></dependencies>
</project>
XML
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=lib >log 2>&1 || { cat log; exit 1; }

cat >try.mjs <<'JS'
import {filter, parse} from "scim2-parse-filter";
import SCIMMY from "scimmy";

const user = {schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: "mia"};
for (const name of ["userName", "urn:ietf:params:scim:schemas:core:2.0:User:userName"]) {
    const text = `${name} eq "mia"`;
    console.log("scim2-parse-filter", name, filter(parse(text))(user));
    console.log("SCIMMY", name, new SCIMMY.Types.Filter(text).match([user]).length > 0);
}
JS
cat >Try.java <<'JAVA'
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.unboundid.scim2.common.GenericScimResource;
import com.unboundid.scim2.common.filters.Filter;
import com.unboundid.scim2.common.messages.PatchOperation;
import com.unboundid.scim2.common.messages.PatchRequest;
import com.unboundid.scim2.common.utils.FilterEvaluator;
import com.unboundid.scim2.common.utils.JsonUtils;

class Try {
    public static void main(String[] args) throws Exception {
        String schema = "urn:ietf:params:scim:schemas:core:2.0:User";
        JsonNode user = JsonUtils.getObjectReader().readTree("{\"schemas\":[\"" + schema + "\"],\"userName\":\"mia\"}");
        for (String name : new String[] {"userName", schema + ":userName"})
            System.out.println("UnboundID " + name + " " + FilterEvaluator.evaluate(Filter.eq(name, "mia"), user));
        GenericScimResource patched = new GenericScimResource((ObjectNode) user);
        new PatchRequest(PatchOperation.replace(schema + ":userName", "maja")).apply(patched);
        System.out.println("UnboundID, replaced " + patched.getObjectNode());
    }
}
JAVA
cat >want <<'TXT'
scim2-parse-filter userName true
SCIMMY userName true
scim2-parse-filter urn:ietf:params:scim:schemas:core:2.0:User:userName false
SCIMMY urn:ietf:params:scim:schemas:core:2.0:User:userName false
UnboundID userName true
UnboundID urn:ietf:params:scim:schemas:core:2.0:User:userName false
UnboundID, replaced {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mia","urn:ietf:params:scim:schemas:core:2.0:User":{"userName":"maja"}}
TXT
{ node try.mjs && java -cp 'lib/*' Try.java; } | tee got
diff want got
