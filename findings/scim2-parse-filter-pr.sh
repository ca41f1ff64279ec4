#!/usr/bin/env bash
# scim2-parse-filter 0.2.10 (JavaScript): pr finds what is empty, and instants are compared as texts.
#
# Guess: roles pr is false for an empty list and nickName pr for an empty text (RFC 7644 section 3.4.2.2: a non-empty value). 10:00
# UTC is later than 11:30 at +02:00, which is 09:30 UTC, and equal to 10:00 with milliseconds.
# Seen: pr is true of both. lastModified gt with a zone that is not the resource's own leaves changes out, and eq finds an instant
# only in the very notation that the resource has.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
npm install --silent --no-audit --no-fund scim2-parse-filter@0.2.10

cat >try.cjs <<'JS'
const {filter, parse} = require("scim2-parse-filter");

const user = {userName: "mia", nickName: "", roles: [], meta: {lastModified: "2026-01-01T10:00:00Z"}};
for (const text of [
    "nickName pr",
    "roles pr",
    "title pr",
    'meta.lastModified gt "2026-01-01T09:30:00Z"',
    'meta.lastModified gt "2026-01-01T11:30:00+02:00"',
    'meta.lastModified eq "2026-01-01T10:00:00.000Z"',
]) console.log(text, "->", filter(parse(text))(user));
JS
# By the RFC: false, false, false, true, true, true.
cat >want <<'TXT'
nickName pr -> true
roles pr -> true
title pr -> false
meta.lastModified gt "2026-01-01T09:30:00Z" -> true
meta.lastModified gt "2026-01-01T11:30:00+02:00" -> false
meta.lastModified eq "2026-01-01T10:00:00.000Z" -> false
TXT
node try.cjs | tee got
diff want got
