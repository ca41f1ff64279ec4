#!/usr/bin/env bash
# scim2-filter-parser 0.7.0 (Python): its SQL gives characters of the value a meaning, and null a spelling.
#
# Guess: co "a_b" finds the values that contain those three characters; title eq null finds users without title.
# Seen: the value goes into LIKE as it is, where _ stands for any character, so that "axb" is found too, and no ESCAPE is
# written with which a caller could prevent that. null becomes the text 'NULL', so that a user without title is not found and
# a user with the title NULL is.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv --without-pip venv
python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check --no-compile scim2-filter-parser==0.7.0 sly==0.5

cat >try.py <<'PY'
import sqlite3
from scim2_filter_parser.queries import SQLQuery

db = sqlite3.connect(":memory:")
db.execute("create table users (name, title)")
db.executemany("insert into users values (?, ?)", [("a_b", None), ("axb", "NULL"), ("ab", "Dr")])
columns = {(name, None, None): name for name in ("name", "title")}
for text in ('name co "a_b"', 'name sw "a_"', "title eq null"):
    query = SQLQuery(text, "users", columns)
    values = query.params_dict
    where = query.where_sql.format(**{key: ":" + key for key in values})
    print(text, "->", where, values, [row[0] for row in db.execute("select name from users where " + where, values)])
PY
cat >want <<'TXT'
name co "a_b" -> name LIKE :a {'a': '%a_b%'} ['a_b', 'axb']
name sw "a_" -> name LIKE :a {'a': 'a_%'} ['a_b', 'axb', 'ab']
title eq null -> title = :a {'a': 'NULL'} ['axb']
TXT
venv/bin/python try.py | tee got
diff want got
