#!/usr/bin/env bash
# adf-to-markdown 1.0.1 (JavaScript): a date depends on where and in which language the program runs.
#
# Guess: the timestamp of an ADF date, which is midnight UTC, is printed as the day that Jira shows, in one notation.
# Seen: it is printed in the zone and the locale of the process. West of Greenwich that is the day before, and 1 May is 5/1 in
# one place and 1.5. in another.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund adf-to-markdown@1.0.1

cat >try.cjs <<'JS'
const {convertADFToMarkdown} = require("adf-to-markdown");

const date = {type: "date", attrs: {timestamp: String(Date.UTC(2024, 4, 1))}};
const text = convertADFToMarkdown({type: "doc", version: 1, content: [{type: "paragraph", content: [date]}]});
console.log("2024-05-01 in", process.env.TZ, process.env.LC_ALL, "->", text);
JS
cat >want <<'TXT'
2024-05-01 in UTC en_US.UTF-8 -> 5/1/2024
2024-05-01 in America/New_York en_US.UTF-8 -> 4/30/2024
2024-05-01 in Europe/Berlin de_DE.UTF-8 -> 1.5.2024
TXT
{
  TZ=UTC LC_ALL=en_US.UTF-8 node try.cjs
  TZ=America/New_York LC_ALL=en_US.UTF-8 node try.cjs
  TZ=Europe/Berlin LC_ALL=de_DE.UTF-8 node try.cjs
} 2>/dev/null | tee got
diff want got
