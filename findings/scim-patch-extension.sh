#!/usr/bin/env bash
# scim-patch 0.8.3 (JavaScript): the object of an extension, in a PATCH without path, lands beside the extension.
#
# Guess: {"op": "replace", "value": {"urn:…:enterprise:2.0:User": {"department": "IT"}}} changes the department.
# Seen: the URN is cut at its last dot, the one in "2.0". The department stays "Sales", and beside it the user gets an attribute
# "urn:…:enterprise:2.0" with {"User": {"department": "IT"}}. With the key "urn:…:enterprise:2.0:User:department" it works.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund scim-patch@0.8.3

cat >try.mjs <<'JS'
import {scimPatch} from "scim-patch";

const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const values = {
    "object  ": {[urn]: {department: "IT"}},
    "flat key": {[urn + ":department"]: "IT"},
};
for (const [form, value] of Object.entries(values)) {
    const user = {schemas: ["urn:ietf:params:scim:schemas:core:2.0:User", urn], [urn]: {department: "Sales"}};
    const {schemas, ...rest} = scimPatch(user, [{op: "replace", value}]);
    console.log(form, JSON.stringify(rest));
}
JS
cat >want <<'TXT'
object   {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales"},"urn:ietf:params:scim:schemas:extension:enterprise:2.0":{"User":{"department":"IT"}}}
flat key {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"IT"}}
TXT
node try.mjs | tee got
diff want got
