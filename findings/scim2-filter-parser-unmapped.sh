#!/usr/bin/env bash
# scim2-filter-parser 0.7.0 (Python): a condition on an attribute that its map lacks is left out of the SQL.
#
# Guess: an attribute that the map does not have, and a value that is escaped as in JSON, are errors or match nothing; the name of
# an attribute may be written in any case, as RFC 7643 section 2.1 says.
# Seen: the condition disappears and the rest of the filter stays, so that an `and` finds more than was asked for. A name in
# another case, or with its URN, is such an attribute. Alone it leaves no SQL at all. An escaped quotation mark is no filter, and an
# escaped backslash stays two.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv --without-pip venv
python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check --no-compile scim2-filter-parser==0.7.0 sly==0.5

cat >try.py <<'PY'
import sqlite3

from scim2_filter_parser.queries.sql import SQLQuery

db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE users (username TEXT, active TEXT)")
db.executemany("INSERT INTO users VALUES (?, ?)", [("mia", "TRUE"), ("leo", "TRUE"), ("ana", "FALSE"), ("a\\b", "FALSE"), ('a"b', "FALSE")])
columns = {("userName", None, None): "username", ("active", None, None): "active"}

for text in [
    'userName eq "mia" and active eq true',
    'username eq "mia" and active eq true',
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "mia" and active eq true',
    'active eq true and nickName eq "Mimi"',
    'nickName eq "Mimi"',
    r'userName eq "a\\b"',
    r'userName eq "a\"b"',
]:
    try:
        query = SQLQuery(text, "users", columns, ())
    except Exception as error:
        print(text, "->", type(error).__name__)
        continue
    if query.where_sql is None:
        print(text, "-> no SQL")
        continue
    where, values = query.where_sql, query.params
    for name in "abcdef":
        where = where.replace("{" + name + "}", "?")
    print(text, "->", sorted(name for name, in db.execute("SELECT username FROM users WHERE " + where, values)))
PY
cat >want <<'TXT'
userName eq "mia" and active eq true -> ['mia']
username eq "mia" and active eq true -> ['leo', 'mia']
urn:ietf:params:scim:schemas:core:2.0:User:userName eq "mia" and active eq true -> ['leo', 'mia']
active eq true and nickName eq "Mimi" -> ['leo', 'mia']
nickName eq "Mimi" -> no SQL
userName eq "a\\b" -> []
userName eq "a\"b" -> SCIMParserError
TXT
venv/bin/python try.py | tee got
diff want got
