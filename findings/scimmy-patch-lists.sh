#!/usr/bin/env bash
# SCIMMY 1.3.5 (JavaScript): a replace of a list without path appends to it, and an add of what is there makes it twice.
#
# Guess: {"op": "replace", "value": {"emails": […]}} leaves the e-mail addresses of the operation alone, as it does with
# "path": "emails"; adding a member that the group has changes nothing (RFC 7644 section 3.5.2.1).
# Seen: without path the old address stays beside the new one; the member stands in the group twice.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund scimmy@1.3.5

cat >try.mjs <<'JS'
import SCIMMY from "scimmy";

const {Messages, Schemas} = SCIMMY;
const apply = (resource, operation) => new Messages.PatchOp({
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [operation],
}).apply(resource, (changed) => changed);
const user = () => new Schemas.User({
    schemas: [Schemas.User.definition.id], id: "1", userName: "mia", emails: [{value: "old@example.org", type: "work"}],
});
const group = new Schemas.Group({schemas: [Schemas.Group.definition.id], id: "1", displayName: "G", members: [{value: "7"}]});
const emails = [{value: "new@example.org", type: "work"}];
const values = (list) => list.map((element) => element.value).join(" ");

console.log("replace, path emails:", values((await apply(user(), {op: "replace", path: "emails", value: emails})).emails));
console.log("replace, no path:", values((await apply(user(), {op: "replace", value: {emails}})).emails));
console.log("add member 7 again:", values((await apply(group, {op: "add", path: "members", value: [{value: "7"}]})).members));
JS
cat >want <<'TXT'
replace, path emails: new@example.org
replace, no path: old@example.org new@example.org
add member 7 again: 7 7
TXT
node try.mjs | tee got
diff want got
