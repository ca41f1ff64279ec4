#!/usr/bin/env bash
# md-to-adf 0.6.4 (JavaScript): a backslash does not take the meaning from a mark, and one mark needs no partner.
#
# Guess: 2\*3 is the text 2*3, as in Markdown, and 2*3 with a single asterisk is text too.
# Seen: the backslash stays in the text, the asterisk goes, and all that follows it is emphasised. Whoever escapes a person's text
# before it is converted makes it worse. A line that begins with ~~ is no document at all but an error.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund md-to-adf@0.6.4

cat >try.cjs <<'JS'
const convert = require("md-to-adf");

for (const text of ["2\\*3", "2*3 seats", "group\\_a", "it is ~~gone~~", "~~gone~~ for good"]) {
    let seen;
    try {
        seen = JSON.parse(JSON.stringify(convert(text))).content[0].content
            .map(node => JSON.stringify(node.text) + (node.marks ? " " + node.marks.map(mark => mark.type) : "")).join(", ");
    } catch (error) {
        seen = "error: " + error.message;
    }
    console.log(text, "->", seen);
}
JS
cat >want <<'TXT'
2\*3 -> "2\\", "3" em
2*3 seats -> "2", "3 seats" em
group\_a -> "group\\", "a" em
it is ~~gone~~ -> "it is ", "gone" strike
~~gone~~ for good -> error: Text must be at least one character long
TXT
node try.cjs | tee got
diff want got
