"""What filters that Atlassian cannot run cost over 100,000 users: the first, the second, and 100 clients at once.

    go build -o /tmp/scim-atlassian ./cmd/scim-atlassian
    python3 measure/scans.py /tmp/scim-atlassian

Starts the program itself, emulator and server apart, so that the memory is the server's own. Linux (reads /proc)."""

import concurrent.futures
import os
import subprocess
import sys
import tempfile
import time

from atlassian_truth import Facade

SERVER, CLOUD = "127.0.0.1:7231", "127.0.0.1:7232"


def memory(pid):
    """Resident bytes now and at their highest, in MB."""
    with open(f"/proc/{pid}/status") as f:
        lines = dict(line.split(":", 1) for line in f)
    return tuple(int(lines[k].split()[0]) // 1024 for k in ("VmRSS", "VmHWM"))


def settings(directory):
    """The environment of a server over the emulator, with the demo's caller."""
    out = subprocess.run([PROGRAM, "hash-password"], input=b"demo", stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    callers = os.path.join(directory, "callers.json")
    with open(callers, "w") as f:
        f.write('[{"name": "demo", "username": "demo", "basic_bcrypt": "%s", "rights": {"*": "write"}}]' % out)
    return {"PATH": os.environ["PATH"], "ADMIN_EMAIL": "admin@demo.example", "ACCOUNT_SECURITY_API_KEY": "demo-api-token", "SITE_URL": "http://" + CLOUD,
            "SCIM_URL": f"http://{CLOUD}/scim/directory", "DIRECTORY_ID": "0d1ec701-0000-4000-8000-000000000001", "DIRECTORY_API_KEY": "demo-directory-key",
            "SCIM_ATLASSIAN_CALLERS_FILE": callers, "ADMIN_LISTEN": ""}


def wait(process):
    line = process.stderr.readline()
    while b"listening" not in line:
        line = process.stderr.readline()
        if process.poll() is not None:
            raise SystemExit("the program ended: " + line.decode())


def ask(text, headers=None):
    began = time.monotonic()
    status, answered, page = Facade(f"http://{SERVER}/scim/v2").call("GET", "/Users", {"filter": text, "attributes": "id", "count": 100}, headers=headers)
    assert status == 200, page
    return time.monotonic() - began, int(answered["X-Upstream-Calls"]), page["totalResults"]


def main():
    cloud = subprocess.Popen([PROGRAM, "emulator", "--atlassian-listen", CLOUD, "--users", "100000", "--groups", "200"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    cloud.stdout.readline()
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen([PROGRAM, "serve", "--listen", SERVER], env=settings(directory), stderr=subprocess.PIPE, cwd=directory)
        try:
            wait(server)
            print("at rest: %d MB resident, %d at most" % memory(server.pid))
            for text in ('title co "engineer"', 'emails.value ew "@corp.example" and active eq true'):
                seconds, calls, total = ask(text)
                print(f"{text}: {total} found, {calls} calls, {seconds:.2f} s; {memory(server.pid)[0]} MB resident, {memory(server.pid)[1]} at most")
            time.sleep(65)  # the snapshot is gone
            with concurrent.futures.ThreadPoolExecutor(100) as clients:
                began = time.monotonic()
                answers = list(clients.map(lambda n: ask(f'title co "{chr(97 + n % 26)}"'), range(100)))
                print(f"100 clients at once: {sum(a[1] for a in answers)} calls in all, {sum(a[1] > 0 for a in answers)} of them paid, {time.monotonic() - began:.2f} s")
        finally:
            server.terminate()
            cloud.terminate()


PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "scim-atlassian"
main()
