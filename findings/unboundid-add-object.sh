#!/usr/bin/env bash
# UnboundID SCIM 2 SDK 5.1.0 (Java): an add of one member that is not in brackets removes all the others.
#
# Guess: {"op": "add", "path": "members", "value": {"value": "3"}} adds the member, as with [{"value": "3"}]. RFC 7644 section
# 3.5.2.1 says that a new value is added to a multi-valued attribute, and that a value may be a complex one.
# Seen: the object takes the place of the whole list, with a path and without, and members is an object from then on.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>findings</groupId><artifactId>findings</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>com.unboundid.product.scim2</groupId><artifactId>scim2-sdk-common</artifactId><version>5.1.0</version>
  </dependency></dependencies>
</project>
XML
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=lib >log 2>&1 || { cat log; exit 1; }

cat >Try.java <<'JAVA'
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.unboundid.scim2.common.GenericScimResource;
import com.unboundid.scim2.common.messages.PatchRequest;
import com.unboundid.scim2.common.utils.JsonUtils;

class Try {
    public static void main(String[] args) throws Exception {
        for (String operation : new String[] {
            "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"3\"}]}",
            "{\"op\":\"add\",\"path\":\"members\",\"value\":{\"value\":\"3\"}}",
            "{\"op\":\"add\",\"value\":{\"members\":{\"value\":\"3\"}}}",
        }) {
            ObjectNode group = (ObjectNode) JsonUtils.getObjectReader().readTree("{\"members\":[{\"value\":\"1\"},{\"value\":\"2\"}]}");
            PatchRequest patch = JsonUtils.getObjectReader().forType(PatchRequest.class).readValue(
                "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[" + operation + "]}");
            GenericScimResource resource = new GenericScimResource(group);
            patch.apply(resource);
            System.out.println(operation + " -> " + resource.getObjectNode());
        }
    }
}
JAVA
cat >want <<'TXT'
{"op":"add","path":"members","value":[{"value":"3"}]} -> {"members":[{"value":"1"},{"value":"2"},{"value":"3"}]}
{"op":"add","path":"members","value":{"value":"3"}} -> {"members":{"value":"3"}}
{"op":"add","value":{"members":{"value":"3"}}} -> {"members":{"value":"3"}}
TXT
java -cp 'lib/*' Try.java | tee got
diff want got
