#!/usr/bin/env bash
# SCIMMY 1.3.5 (JavaScript): `not` in front of a group is spread over its terms, and in front of brackets it is lost.
#
# Guess: not (a and b) is true of whoever does not fulfil both; not (emails[…]) is the opposite of emails[…].
# Seen: not (a and b) becomes (not a) and (not b), and not (a or b) becomes (not a) or (not b): `and` and `or` are not exchanged.
# not (emails[type eq "work"]) gives what emails[type eq "work"] gives.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund scimmy@1.3.5

cat >try.mjs <<'JS'
import SCIMMY from "scimmy";

const user = {userName: "mia", active: true, emails: [{value: "mia@example.org", type: "work"}]};
for (const text of [
    'not (userName eq "mia" and active eq false)',
    'not (userName eq "mia" or active eq false)',
    'emails[type eq "work"]',
    'not (emails[type eq "work"])',
    'not (emails[type eq "home"])',
]) console.log(text, "->", new SCIMMY.Types.Filter(text).match([user]).length);
JS
# By RFC 7644 the numbers are 1, 0, 1, 0, 1.
cat >want <<'TXT'
not (userName eq "mia" and active eq false) -> 0
not (userName eq "mia" or active eq false) -> 1
emails[type eq "work"] -> 1
not (emails[type eq "work"]) -> 1
not (emails[type eq "home"]) -> 0
TXT
node try.mjs | tee got
diff want got
