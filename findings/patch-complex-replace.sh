#!/usr/bin/env bash
# scim-patch 0.8.3 and SCIMMY 1.3.5 (JavaScript): a replace of part of name keeps the rest or takes it away, depending on
# whether the attribute stands in `path` or in `value`, and the two libraries do it the opposite way.
#
# Guess: both forms mean the same, and both libraries do what RFC 7644 section 3.5.2.3 says: sub-attributes that are not
# specified remain unchanged.
# Seen: scim-patch merges with a path and replaces the whole without; SCIMMY replaces the whole with a path and merges without.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund scim-patch@0.8.3 scimmy@1.3.5

cat >try.mjs <<'JS'
import {scimPatch} from "scim-patch";
import SCIMMY from "scimmy";

const {Messages, Schemas} = SCIMMY;
const user = () => ({schemas: [Schemas.User.definition.id], id: "1", userName: "mia", name: {givenName: "Mia", familyName: "Berg"}});
const forms = {
    "path name ": {op: "replace", path: "name", value: {givenName: "Maja"}},
    "no path   ": {op: "replace", value: {name: {givenName: "Maja"}}},
};
for (const [form, operation] of Object.entries(forms)) {
    console.log(form, "scim-patch", JSON.stringify(scimPatch(user(), [operation]).name));
    const patch = new Messages.PatchOp({schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [operation]});
    console.log(form, "SCIMMY    ", JSON.stringify((await patch.apply(new Schemas.User(user()), (changed) => changed)).name));
}
JS
cat >want <<'TXT'
path name  scim-patch {"givenName":"Maja","familyName":"Berg"}
path name  SCIMMY     {"givenName":"Maja"}
no path    scim-patch {"givenName":"Maja"}
no path    SCIMMY     {"familyName":"Berg","givenName":"Maja"}
TXT
node try.mjs | tee got
diff want got
