#!/usr/bin/env bash
# scim-query-filter-parser 2.0.4 (JavaScript): eq takes no heed of upper and lower case, sw, co and ew do.
#
# Guess: all operators compare in the same way, so that whatever eq finds, sw with the same value finds too.
# Seen: userName eq "MIA" finds mia, userName sw "MIA" does not. It also cannot read an attribute of an extension, and not a
# single `not`: neither "not (", as RFC 7644 writes it, nor "not(".
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund scim-query-filter-parser@2.0.4

cat >try.mjs <<'JS'
import parser from "scim-query-filter-parser";

const user = {userName: "mia", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {department: "IT"}};
for (const text of [
    'userName eq "MIA"', 'userName sw "MIA"', 'userName co "MIA"', 'userName ew "MIA"',
    'not (userName eq "ben")', 'not(userName eq "ben")',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "IT"',
]) {
    let result;
    try {
        result = parser.compileFilter(text)(user);
    } catch {
        result = "cannot be read";
    }
    console.log(text, "->", result);
}
JS
cat >want <<'TXT'
userName eq "MIA" -> true
userName sw "MIA" -> false
userName co "MIA" -> false
userName ew "MIA" -> false
not (userName eq "ben") -> cannot be read
not(userName eq "ben") -> cannot be read
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "IT" -> cannot be read
TXT
node try.mjs | tee got
diff want got
