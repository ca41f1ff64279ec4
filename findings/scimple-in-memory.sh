#!/usr/bin/env bash
# Apache SCIMple 1.0.0-M1 (Java): the filter in memory, which its examples use for every list, knows no multi-valued attribute.
#
# Guess: a user with two e-mail addresses is found by emails pr, emails.value eq and emails[type eq "work"], and by lastModified ge
# an earlier instant. userName sw finds whatever userName eq with the same case finds.
# Seen: emails has no value for it, whether by path or in brackets, with no error, so that not (emails[…]) is true of everybody.
# An instant is neither before nor after another one. eq takes no heed of upper and lower case, sw does.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>findings</groupId><artifactId>findings</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.directory.scimple</groupId><artifactId>scim-core</artifactId><version>1.0.0-M1</version>
  </dependency></dependencies>
</project>
XML
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=lib >log 2>&1 || { cat log; exit 1; }

cat >Try.java <<'JAVA'
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import org.apache.directory.scim.core.schema.SchemaRegistry;
import org.apache.directory.scim.spec.filter.Filter;
import org.apache.directory.scim.spec.filter.FilterExpressions;
import org.apache.directory.scim.spec.resources.Email;
import org.apache.directory.scim.spec.resources.ScimUser;
import org.apache.directory.scim.spec.schema.Meta;

class Try {
    static Email email(String value, String type) {
        Email email = new Email();
        email.setValue(value);
        email.setType(type);
        return email;
    }

    public static void main(String[] args) throws Exception {
        SchemaRegistry registry = new SchemaRegistry();
        registry.addSchema(ScimUser.class, List.of());
        ScimUser user = new ScimUser();
        user.setUserName("Mia");
        user.setEmails(new ArrayList<>(List.of(email("mia@example.org", "work"), email("mia@example.net", "home"))));
        Meta meta = new Meta();
        meta.setLastModified(LocalDateTime.parse("2026-01-01T10:00:00"));
        user.setMeta(meta);
        for (String text : new String[] {
            "emails pr",
            "emails.value eq \"mia@example.org\"",
            "emails[type eq \"work\"]",
            "not (emails[type eq \"work\"])",
            "meta.lastModified pr",
            "meta.lastModified gt \"2025-01-01T00:00:00.000Z\"",
            "meta.lastModified lt \"2027-01-01T00:00:00.000Z\"",
            "userName eq \"mia\"",
            "userName sw \"mia\"",
        }) System.out.println(text + " -> " + FilterExpressions.inMemory(new Filter(text), registry.getSchema(ScimUser.SCHEMA_URI)).test(user));
    }
}
JAVA
# By RFC 7644: true, true, true, false, true, true, true, and twice true, since userName is not case-exact.
cat >want <<'TXT'
emails pr -> false
emails.value eq "mia@example.org" -> false
emails[type eq "work"] -> false
not (emails[type eq "work"]) -> true
meta.lastModified pr -> true
meta.lastModified gt "2025-01-01T00:00:00.000Z" -> false
meta.lastModified lt "2027-01-01T00:00:00.000Z" -> false
userName eq "mia" -> true
userName sw "mia" -> false
TXT
java -cp 'lib/*' Try.java 2>/dev/null | tee got
diff want got
