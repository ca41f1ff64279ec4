#!/usr/bin/env bash
# jira 3.10.5 (Python): after a search, `total` is the length of the page, and a short page ends a search that asked for more.
#
# Guess: enhanced_search_issues(…, maxResults=3) follows nextPageToken until it has 3 issues. Jira Cloud may put fewer into a page
# than were asked for. `total` is the number of issues that match, or None, since Jira Cloud does not tell it any more.
# Seen: one page is read, here 2 issues of 4, and `total` says 2, and `isLast` None, although isLast was false in the answer. Only
# maxResults=False or 0 reads on. The server is a stand-in for GET /rest/api/2/search/jql with two issues on a page.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv --without-pip venv
python3 -m pip --python venv/bin/python install --quiet --disable-pip-version-check --no-compile jira==3.10.5

cat >try.py <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jira


def issues(*numbers):
    return [{"id": str(n), "key": f"P-{n}", "fields": {}} for n in numbers]


class Cloud(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path.endswith("/serverInfo"):
            answer = {"deploymentType": "Cloud", "versionNumbers": [1001, 0, 0]}
        elif url.path.endswith("/field"):
            answer = []
        elif "nextPageToken" in parse_qs(url.query):
            answer = {"issues": issues(3, 4), "isLast": True}
        else:
            answer = {"issues": issues(1, 2), "isLast": False, "nextPageToken": "more"}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = jira.JIRA(f"http://127.0.0.1:{server.server_port}", basic_auth=("mia@example.org", "token"), max_retries=0)
for most in (3, 50, False):
    found = client.enhanced_search_issues("project = P", maxResults=most)
    print(f"maxResults={most}:", *found, f"total={found.total} isLast={found.isLast} nextPageToken={found.nextPageToken}")
PY
cat >want <<'TXT'
maxResults=3: P-1 P-2 total=2 isLast=None nextPageToken=more
maxResults=50: P-1 P-2 total=2 isLast=None nextPageToken=more
maxResults=False: P-1 P-2 P-3 P-4 total=4 isLast=None nextPageToken=None
TXT
venv/bin/python try.py | tee got
diff want got
