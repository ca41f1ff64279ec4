"""What the mirror costs: memory, CPU of a first reading, warm filters and sorting, a restart, a slow upstream, and reading
everything again where a log of changes is trusted.

    go build -o /tmp/scim-atlassian ./cmd/scim-atlassian
    python3 measure/mirror.py /tmp/scim-atlassian [users, 100000] [again: the last part alone]

Starts the program itself, emulator and server apart, once with the state in memory and once in a file. Linux (reads /proc)."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from atlassian_truth import Facade

SERVER, CLOUD = "127.0.0.1:7241", "127.0.0.1:7242"
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "scim-atlassian"
USERS = sys.argv[2] if len(sys.argv) > 2 else "100000"
FILTERS = ('emails.value ew "@corp.example"', 'userName sw "a" and active eq true', 'title co "engineer"', 'not (userName co "a") or title pr')


def use(pid):
    """Resident MB without file pages, the same at its highest in all, and seconds of CPU."""
    with open(f"/proc/{pid}/status") as f:
        lines = dict(line.split(":", 1) for line in f)
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().split()
    return tuple(int(lines[k].split()[0]) // 1024 for k in ("RssAnon", "VmHWM")), (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, directory, state, **settings):
        callers = os.path.join(directory, "callers.json")
        with open(callers, "w") as f:
            json.dump([{"name": "measure", "bearer_sha256": hashlib.sha256(b"measure").hexdigest(), "rights": {"*": "write"}}], f)
        self.environment = {
            "PATH": os.environ["PATH"], "ADMIN_EMAIL": "admin@demo.example", "ACCOUNT_SECURITY_API_KEY": "demo-api-token", "SITE_URL": "http://" + CLOUD,
            "SCIM_URL": f"http://{CLOUD}/scim/directory", "DIRECTORY_ID": "0d1ec701-0000-4000-8000-000000000001", "DIRECTORY_API_KEY": "demo-directory-key",
            "SCIM_ATLASSIAN_CALLERS_FILE": callers, "ADMIN_LISTEN": "", "SCIM_ATLASSIAN_STATE": state, "SCIM_ATLASSIAN_PROOF_PERIOD": "0",
            "SCIM_ATLASSIAN_SNAPSHOT_TTL": "1h", **settings}
        self.directory = directory
        self.start()

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", SERVER], env=self.environment, stderr=subprocess.PIPE, cwd=self.directory)
        said = b""
        while b"listening" not in (line := self.process.stderr.readline()):
            said += line
            if self.process.poll() is not None:
                raise SystemExit("the program ended: " + said.decode())
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, **parameters):
        began = time.monotonic()
        facade = Facade(f"http://{SERVER}/scim/v2")
        status, header, page = facade.call("GET", "/Users", {"attributes": "id", "count": 100, **parameters}, headers={"Authorization": "Bearer measure"})
        return 1000 * (time.monotonic() - began), status, header, page


def warm(server, label, **parameters):
    answers = [server.ask(**parameters) for _ in range(9)]
    times = sorted(a[0] for a in answers)
    print(f"  {label}: {answers[-1][3]['totalResults']} found, {answers[-1][2]['X-Upstream-Calls']} calls, {times[4]:.1f} ms in the median")


def measure(state, directory):
    server = Server(directory, state)
    try:
        _, before = use(server.process.pid)
        took, status, header, page = server.ask(filter=FILTERS[0], count=1)
        assert status == 200, page
        (anonymous, most), after = use(server.process.pid)
        print(f"state {state.split(':')[0]}: first reading {header['X-Upstream-Calls']} calls, {took / 1000:.1f} s, {after - before:.2f} s of CPU; "
              f"{anonymous} MB without file pages, {most} MB at most with them")
        for text in FILTERS:
            warm(server, text, filter=text)
        warm(server, "sorted by userName", sortBy="userName")
        if state != "memory":
            server.kill()
            began = time.monotonic()
            server.start()
            _, status, header, page = server.ask(filter=FILTERS[0], count=1)
            print(f"  restart after SIGKILL to the first answer: {time.monotonic() - began:.2f} s, {header['X-Upstream-Calls']} calls, {page['totalResults']} found")
    finally:
        server.kill()


def slow(directory):
    """20 calls a second, and requests that may take 6 s."""
    server = Server(directory, "memory", SCIM_ATLASSIAN_REQUEST_TIMEOUT="6s")
    try:
        began, tries = time.monotonic(), 0
        while True:
            tries += 1
            _, status, header, page = server.ask(filter=FILTERS[0], count=1)
            if status == 200:
                break
            time.sleep(min(5, int(header.get("Retry-After", "5"))))
        took = time.monotonic() - began
        with urllib.request.urlopen(f"http://{CLOUD}/_emulator/requests") as answer:
            calls = [c["status"] for c in json.load(answer) if c["path"].startswith("/scim/")]
        print(f"20 calls a second, 6 s a request: {page['totalResults']} found after {took:.0f} s and {tries} requests; {len(calls)} calls, {calls.count(429)} of them refused")
    finally:
        server.kill()


def requests():
    """How many requests Atlassian has got since the last time, and how many of them read the logs of changes."""
    with urllib.request.urlopen(f"http://{CLOUD}/_emulator/requests") as answer:
        paths = [c["path"] for c in json.load(answer)]
    urllib.request.urlopen(urllib.request.Request(f"http://{CLOUD}/_emulator/requests", method="DELETE")).close()
    return len(paths), sum("events" in p or "auditing" in p for p in paths)


def reconcile(server, label):
    requests()
    began, start, seen = time.monotonic(), 1, set()
    while True:
        _, status, _, page = server.ask(startIndex=start, count=1000, attributes="id,userName,active")
        assert status == 200, page
        seen.update(u["id"] for u in page["Resources"])
        start += len(page["Resources"])
        if start > page["totalResults"]:
            break
    calls, polls = requests()
    print(f"  {label}: {len(seen)} of {page['totalResults']} users in {time.monotonic() - began:.1f} s, {calls} calls, {polls} of them for the log")


def again(directory):
    """A second full reading, and one after a restart, when the first is too old but the log of changes is trusted."""
    server = Server(directory, "file:" + os.path.join(directory, "state.db"), SCIM_ATLASSIAN_SNAPSHOT_TTL="15s", SCIM_ATLASSIAN_FEED_INTERVAL="5s",
                    SCIM_ATLASSIAN_FEED_TRUST="24h", SCIM_ATLASSIAN_ORGANIZATION_ID="0a6a0000-0000-4000-8000-000000000001",
                    SCIM_ATLASSIAN_ORGANIZATION_API_KEY="demo-organization-key", SCIM_ATLASSIAN_ORGANIZATION_EVENTS_KEY="demo-organization-scoped-key")
    facade = Facade(f"http://{SERVER}/scim/v2")

    def send(method, path, body=None):
        return facade.call(method, path, body=body, headers={"Authorization": "Bearer measure"})

    try:
        # Everything is read first: a write shows what the log tells only where it is known what the write changed.
        users = server.ask(filter="userName pr", count=2)[3]["Resources"]
        send("GET", "/Groups?filter=displayName%20pr")
        send("PATCH", "/Users/" + users[0]["id"], {"Operations": [{"op": "replace", "path": "displayName", "value": "Somebody"}]})
        group = send("POST", "/Groups", {"displayName": "Measured"})[2]["id"]
        send("PATCH", "/Groups/" + group, {"Operations": [{"op": "add", "path": "members", "value": [{"value": users[1]["id"]}]}]})
        time.sleep(22)  # the log tells of both, and is trusted for what is read from then on
        reconcile(server, "everything")
        time.sleep(20)  # longer than what was read is believed without the log
        reconcile(server, "once more, 20 s later")
        server.kill()
        server.start()
        time.sleep(20)
        reconcile(server, "after SIGKILL and a restart")
    finally:
        server.kill()


def cloud(*flags):
    process = subprocess.Popen([PROGRAM, "emulator", "--atlassian-listen", CLOUD, "--groups", "200", *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    return process


def main():
    upstream = cloud("--users", USERS)
    with tempfile.TemporaryDirectory() as directory:
        try:
            again(directory)
        finally:
            upstream.kill()
            upstream.wait()
    if sys.argv[3:] == ["again"]:
        return
    for state in ("memory", "file"):
        upstream = cloud("--users", USERS)
        with tempfile.TemporaryDirectory() as directory:
            try:
                measure(state if state == "memory" else "file:" + os.path.join(directory, "state.db"), directory)
            finally:
                upstream.kill()
                upstream.wait()
    upstream = cloud("--users", "20000", "--fault", "path=/scim/ rate=20/s")
    with tempfile.TemporaryDirectory() as directory:
        try:
            slow(directory)
        finally:
            upstream.kill()
            upstream.wait()


main()
