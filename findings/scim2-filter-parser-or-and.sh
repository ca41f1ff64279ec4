#!/usr/bin/env bash
# scim2-filter-parser 0.7.0 (Python): `and` does not bind tighter than `or`.
#
# Guess: a or b and c is read as a or (b and c), as RFC 7644 section 3.4.2.2 says.
# Seen: operators are taken from left to right, so that it becomes (a or b) and c. A filter that begins with the `and` is read
# as the RFC says, which hides the difference from a test with a single example.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv --without-pip venv
python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check --no-compile scim2-filter-parser==0.7.0 sly==0.5

cat >try.py <<'PY'
from scim2_filter_parser.queries import SQLQuery

columns = {(name, None, None): name for name in ("id", "title", "active")}
for text in (
    'id eq "a" or title eq "b" and active eq true',
    'id eq "a" and title eq "b" or active eq true',
    'id eq "a" or (title eq "b" and active eq true)',
):
    print(text, "->", SQLQuery(text, "users", columns).where_sql)
PY
cat >want <<'TXT'
id eq "a" or title eq "b" and active eq true -> ((id = {a}) OR (title = {b})) AND (active = {c})
id eq "a" and title eq "b" or active eq true -> ((id = {a}) AND (title = {b})) OR (active = {c})
id eq "a" or (title eq "b" and active eq true) -> (id = {a}) OR ((title = {b}) AND (active = {c}))
TXT
venv/bin/python try.py | tee got
diff want got
