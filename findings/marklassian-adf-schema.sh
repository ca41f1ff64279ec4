#!/usr/bin/env bash
# marklassian 1.2.1 (JavaScript) with Atlassian's own schema, @atlaskit/adf-schema 57.7.22: ordinary Markdown becomes documents that
# the schema refuses, and Jira answers a field with such a document with 400.
#
# Guess: whatever Markdown can nest, the converter brings into a shape that the Atlassian Document Format has.
# Seen: it copies the nesting of Markdown. A heading, a quote or a table in an item of a list, a heading, a table, a rule or a quote
# in a quote, a task below a task and an empty block of code are refused. A list in a quote and an image in a line are well.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund marklassian@1.2.1 ajv@6.12.6
# The package of the schema brings an editor with it; the schema is one file of it.
npm pack --silent @atlaskit/adf-schema@57.7.22 >/dev/null
tar -xzf atlaskit-adf-schema-57.7.22.tgz package/json-schema/v1/full.json

cat >try.mjs <<'JS'
import {createRequire} from "node:module";
import {markdownToAdf} from "marklassian";

const require = createRequire(import.meta.url);
const Ajv = require("ajv");
const judge = new Ajv({schemaId: "auto", meta: false});
judge.addMetaSchema(require("ajv/lib/refs/json-schema-draft-04.json"));
const valid = judge.compile(require("./package/json-schema/v1/full.json"));
for (const text of [
    "- # Risks",
    "- > as agreed",
    "- | a |\n  |---|\n  | 1 |",
    "> # Risks",
    "> | a |\n> |---|\n> | 1 |",
    "> ---",
    "> > as agreed",
    "- [ ] ask\n  - [x] ask Mia",
    "```\n```",
    "> - as agreed",
    "- [ ] ask\n- [x] ask Mia",
    "see ![plan](https://example.org/plan.png) there",
]) console.log(JSON.stringify(text), "->", valid(markdownToAdf(text)) ? "valid" : "refused");
JS
cat >want <<'TXT'
"- # Risks" -> refused
"- > as agreed" -> refused
"- | a |\n  |---|\n  | 1 |" -> refused
"> # Risks" -> refused
"> | a |\n> |---|\n> | 1 |" -> refused
"> ---" -> refused
"> > as agreed" -> refused
"- [ ] ask\n  - [x] ask Mia" -> refused
"```\n```" -> refused
"> - as agreed" -> valid
"- [ ] ask\n- [x] ask Mia" -> valid
"see ![plan](https://example.org/plan.png) there" -> valid
TXT
node try.mjs | tee got
diff want got
