#!/usr/bin/env bash
# adflux 0.3.1 (Python): a table without a row of headings is gone from the Markdown.
#
# Guess: adflux promises a way to Markdown and back that loses nothing, so that a table which Markdown cannot have gets an empty
# row of headings, or one of the comments in which adflux keeps what has no Markdown.
# Seen: a table of plain cells, or with the headings in its first column, leaves nothing, no comment and no error, and the way
# back gives a document without it. Two paragraphs in one cell become one word.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv --without-pip venv
python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check --no-compile adflux==0.3.1 markdown-it-py==4.3.0 panflute==2.3.1

cat >try.py <<'PY'
import json
import adflux


def paragraph(text):
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


def cell(kind, *texts):
    return {"type": kind, "content": [paragraph(text) for text in texts]}


def row(*cells):
    return {"type": "tableRow", "content": list(cells)}


head, plain = "tableHeader", "tableCell"
tables = {
    "headings in a row": [row(cell(head, "name"), cell(head, "role")), row(cell(plain, "Mia"), cell(plain, "dev", "ops"))],
    "headings in a column": [row(cell(head, "name"), cell(plain, "Mia")), row(cell(head, "role"), cell(plain, "dev"))],
    "no headings": [row(cell(plain, "name"), cell(plain, "Mia"))],
}
for name, rows in tables.items():
    document = {"type": "doc", "version": 1, "content": [paragraph("before"), {"type": "table", "content": rows}, paragraph("after")]}
    markdown = adflux.convert(json.dumps(document), src="adf", dst="md")
    back = json.loads(adflux.convert(markdown, src="md", dst="adf"))
    print(name, "->", repr(markdown), [node["type"] for node in back["content"]])
PY
cat >want <<'TXT'
headings in a row -> 'before\n\n| name | role   |\n| ---- | ------ |\n| Mia  | devops |\n\nafter\n' ['paragraph', 'table', 'paragraph']
headings in a column -> 'before\n\nafter\n' ['paragraph', 'paragraph']
no headings -> 'before\n\nafter\n' ['paragraph', 'paragraph']
TXT
venv/bin/python try.py | tee got
diff want got
