#!/usr/bin/env bash
# adf-to-md 1.2.1 (JavaScript): a list in a list loses its level.
#
# Guess: b and c, the items of a list under a, are indented under it. The README warns of elements that Markdown does not have,
# which is not the case here.
# Seen: b stands in the line of a, mark included, and c is a sibling of a. The warnings are empty.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund adf-to-md@1.2.1

cat >try.cjs <<'JS'
const {convert} = require("adf-to-md");

const item = (text, ...more) => ({type: "listItem", content: [{type: "paragraph", content: [{type: "text", text}]}, ...more]});
const list = (type, ...content) => ({type, content});
for (const type of ["bulletList", "orderedList"]) {
    const document = {type: "doc", version: 1, content: [list("bulletList", item("a", list(type, item("b"), item("c"))), item("d"))]};
    const {result, warnings} = convert(document);
    console.log(type, "under a ->", JSON.stringify(result), "warnings:", warnings.size);
}
JS
cat >want <<'TXT'
bulletList under a -> "  * a   * b\n  * c\n  * d" warnings: 0
orderedList under a -> "  * a   1. b\n  2. c\n  * d" warnings: 0
TXT
node try.cjs | tee got
diff want got
