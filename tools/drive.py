"""Runs each client of tools.toml, unmodified, against a server of its own, and judges it by what Atlassian has then.

A client is a program that plays STEPS with the tool's own functions. It finds the server at SCIM_URL, its token in
SCIM_TOKEN, and the names to use in USER and GROUP. It writes a line of JSON after each step and waits for an empty
line in answer, while the state below is judged:

    {"did": "list", "saw": 121}      the tool did it; saw is what it read, for steps that read
    {"cannot": "filter", "why": …}   the tool has no function for the step
    {"failed": "create", "why": …}   the tool tried and said that it failed

The state is read from the emulator with Atlassian's own API, past the server. Each client has an emulator and a server
for itself, so that what one of them does to everybody shows, and so that the calls that it costs are always the same.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import gateway

HERE = Path(__file__).parent
STEPS = ["create", "read", "list", "filter", "change", "disable", "enable", "group", "join", "leave", "ungroup", "delete"]
TENANT = ["--users", "120", "--groups", "8", "--issues", "10"]  # more users than Atlassian lists on one page
PATIENCE = 60  # seconds for a server to start, and for a client to come to the end of a step


class Failure(Exception):
    """What a client did wrong, or what is wrong below after it."""


class Process:
    """A program in the background: its lines come one by one, and stop ends it."""

    def __init__(self, command, directory, environment, stdin=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        self.process = subprocess.Popen(command, cwd=directory, env=environment, stdin=stdin, stdout=stdout, stderr=stderr,
                                        text=True, start_new_session=True)
        self.kept = {}
        self.out = self.follow("out", self.process.stdout)
        self.err = self.follow("err", self.process.stderr)

    def follow(self, name, stream):
        lines = queue.SimpleQueue()
        kept = self.kept[name] = []

        def read():
            for line in stream:
                kept.append(line)
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        return lines

    def lines(self, stream):
        """The lines of stream as they come; a Failure if none came for PATIENCE."""
        while True:
            try:
                line = stream.get(timeout=PATIENCE)
            except queue.Empty:
                raise Failure(f"nothing came for {PATIENCE} s") from None
            if line is None:
                return
            yield line

    def find(self, stream, pattern):
        for line in self.lines(stream):
            if found := re.search(pattern, line):
                return found
        raise Failure(f"ended without {pattern!r}:\n{self.tail()}")

    def tail(self, count=15):
        return "".join(self.kept["err"][-count:])

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            return self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()


class Atlassian:
    """The emulated directory, read with Atlassian's own API."""

    def __init__(self, environment):
        self.base = f"{environment['SCIM_URL']}/{environment['DIRECTORY_ID']}"
        self.key = environment["DIRECTORY_API_KEY"]

    def all(self, kind):
        found, total = [], 1
        while len(found) < total:
            request = urllib.request.Request(f"{self.base}/{kind}?startIndex={len(found) + 1}&count=100",
                                             headers={"Authorization": f"Bearer {self.key}"})
            with urllib.request.urlopen(request) as answer:
                page = json.load(answer)
            total = page["totalResults"]
            found += page["Resources"]
        return found

    def state(self):
        return {kind: {r["id"]: r for r in self.all(kind)} for kind in ("Users", "Groups")}


def plain(resource):
    """A resource without what changes by itself, and without the users' groups, which repeat the groups' members."""
    return {k: v for k, v in resource.items() if k not in ("meta", "groups")}


class Judge:
    """Compares what a client says with the state below."""

    def __init__(self, tool, atlassian):
        self.tool, self.atlassian = tool, atlassian
        self.user_name, self.group_name = user_and_group(tool)
        self.before = self.strangers(atlassian.state())

    def own(self, state):
        user = [u for u in state["Users"].values() if u["userName"] == self.user_name]
        group = [g for g in state["Groups"].values() if g["displayName"] == self.group_name]
        if len(user) > 1 or len(group) > 1:
            raise Failure(f"{len(user)} users and {len(group)} groups of the same name")
        return (user or [None])[0], (group or [None])[0]

    def strangers(self, state):
        """Everybody and every group that is not the client's business."""
        user, group = self.own(state)
        own = {r["id"] for r in (user, group) if r}
        return {kind: {i: plain(r) for i, r in resources.items() if i not in own} for kind, resources in state.items()}

    def judge(self, step, saw):
        state = self.atlassian.state()
        user, group = self.own(state)
        if step not in ("delete",) and not user:
            raise Failure("the user is not there")
        getattr(self, step)(saw, user, group, state)
        if (after := self.strangers(state)) != self.before:
            lost = sum(len(self.before[kind].keys() - after[kind].keys()) for kind in after)
            raise Failure(f"others were changed, {lost} of them deleted")

    def expect(self, what, got, want):
        if got != want:
            raise Failure(f"{what}: got {got!r}, want {want!r}")

    def create(self, saw, user, group, state):
        self.expect("active", user["active"], True)
        self.expect("addresses", [e["value"] for e in user["emails"]], [self.user_name])
        self.expect("name", (user["name"].get("givenName"), user["name"].get("familyName")), ("Ann", "Tool"))

    def read(self, saw, user, group, state):
        self.expect("userName", saw, self.user_name)

    def list(self, saw, user, group, state):
        self.expect("users", saw, len(state["Users"]))

    def filter(self, saw, user, group, state):
        self.expect("ids", saw, [user["id"]])

    def change(self, saw, user, group, state):
        self.expect("name", (user["displayName"], user["active"]), ("Ann Changed", True))

    def disable(self, saw, user, group, state):
        self.expect("active", user["active"], False)
        self.expect("addresses", [e["value"] for e in user["emails"]], [self.user_name])

    def enable(self, saw, user, group, state):
        self.expect("active", user["active"], True)
        self.expect("name", user["displayName"], "Ann Changed")

    def members(self, user, group):
        if not group:
            raise Failure("the group is not there")
        return [m["value"] for m in group.get("members") or []]

    def group(self, saw, user, group, state):
        self.expect("members", self.members(user, group), [])

    def join(self, saw, user, group, state):
        self.expect("members", self.members(user, group), [user["id"]])

    def leave(self, saw, user, group, state):
        self.expect("members", self.members(user, group), [])

    def ungroup(self, saw, user, group, state):
        self.expect("group", group, None)

    def delete(self, saw, user, group, state):
        if self.tool.get("caller", {}).get("delete_users") == "deactivate":
            self.expect("active", user and user["active"], False)
        else:
            self.expect("user", user, None)


def user_and_group(tool):
    return f"ann.{tool['name'].lower()}@demo.example", f"crew of {tool['name']}"


class Server:
    """An emulator and serve on it, with a callers file of all tools."""

    def __init__(self, program, tools, directory):
        self.directory = directory
        plain_environment = {k: v for k, v in os.environ.items() if not k.startswith("SCIM_")}
        self.emulator = Process([program, "emulator", "--atlassian-listen", "127.0.0.1:0", *TENANT], directory, plain_environment)
        self.serve = None
        try:
            self.below = {}
            for line in self.emulator.lines(self.emulator.out):
                if found := re.match(r"(\w+)=(.*)", line):
                    self.below[found[1]] = found[2]
                if line.startswith("SCIM_ATLASSIAN_ORGANIZATION_API_KEY"):
                    break
            callers = Path(directory, "callers.json")
            callers.write_text(json.dumps([caller(tool) for tool in tools], indent=2))
            settings = {"SCIM_ATLASSIAN_CALLERS_FILE": str(callers), "ADMIN_LISTEN": ""}
            self.serve = Process([program, "serve", "--listen", "127.0.0.1:0"], directory, plain_environment | self.below | settings)
            self.url = "http://" + self.serve.find(self.serve.err, r'"address":"([^"]+)"')[1]
        except BaseException:
            self.stop()
            raise

    def requests(self):
        """What the server's log says about each request, without those of health."""
        logged = []
        for line in self.serve.kept["err"]:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "requestId" in entry and entry.get("msg") != "audit":
                logged.append(entry)
        return logged

    def stop(self):
        for process in (self.serve, self.emulator):
            if process:
                process.stop()


def token(tool):
    return "token-of-" + tool["name"]


def caller(tool):
    digest = hashlib.sha256(token(tool).encode()).hexdigest()
    return {"name": tool["name"], "bearer_sha256": digest, "rights": {"*": "write"}} | tool.get("caller", {})


def play(tool, tools, program, verbose):
    """Runs one client; its outcome is a mapping from each step to None, or to a text that says why not."""
    outcome = {}
    with tempfile.TemporaryDirectory() as directory:
        server = Server(program, tools, directory)
        client = proxy = None
        try:
            judge = Judge(tool, Atlassian(server.below))
            url = server.url + "/scim/v2"
            if "path" in tool:
                proxy = gateway.Gateway(server.url, tool["path"], "/scim/v2")
                url = proxy.url
            user, group = user_and_group(tool)
            environment = os.environ | {"SCIM_URL": url, "SCIM_TOKEN": token(tool), "USER_NAME": user, "GROUP_NAME": group,
                                        "PYTHONPATH": str(HERE / "python")}
            client = Process(command_of(tool), directory, environment, stdin=subprocess.PIPE)
            converse(client, judge, outcome)
            status = client.process.wait(timeout=PATIENCE)
            failed = any(o and o.startswith("FAILED") for o in outcome.values())
            if status != 0 or failed and verbose:
                outcome["exit"] = f"FAILED: status {status}\n{client.tail(40 if verbose else 15)}"
            for step in STEPS:
                outcome.setdefault(step, "FAILED: not played, and not said why")
            time.sleep(0)  # let the log's reader run
            return outcome, count(server.requests()), [r for r in server.requests()]
        finally:
            for process in (client, server, proxy):
                if process:
                    process.stop()


def command_of(tool):
    """The command of a client: python = "environment/program", java = "module/class", or go = "program"."""
    if "python" in tool:
        environment, program = tool["python"].split("/")
        return [HERE / ".venv" / environment / "bin" / "python", HERE / "python" / program]
    if "go" in tool:
        return [HERE / "bin" / tool["go"]]
    module, main_class = tool["java"].split("/")
    target = HERE / "java" / module / "target"
    return ["java", "-XX:TieredStopAtLevel=1", "--add-opens", "java.base/java.net=ALL-UNNAMED", "-cp",
            f"{target}/classes:{HERE}/java/session/target/classes:{target}/lib/*", f"tools.{main_class}"]


def converse(client, judge, outcome):
    for line in client.lines(client.out):
        try:
            said = json.loads(line)
            step = next(said[verb] for verb in ("did", "cannot", "failed") if verb in said)
        except (ValueError, TypeError, StopIteration):
            continue  # the tool's own output
        if step not in STEPS or step in outcome:
            raise Failure(f"no step, or twice: {line}")
        if "cannot" in said:
            outcome[step] = "cannot: " + said["why"]
        elif "failed" in said:
            outcome[step] = "FAILED: " + said["why"]
        else:
            try:
                judge.judge(step, said.get("saw"))
                outcome[step] = None
            except Failure as wrong:
                outcome[step] = f"FAILED below: {wrong}"
        client.process.stdin.write("\n")
        client.process.stdin.flush()


def count(requests):
    return {"requests": len(requests), "calls": sum(r.get("upstreamCalls", 0) for r in requests)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", help="the scim-atlassian to run")
    parser.add_argument("tool", nargs="*", help="of tools.toml; all by default")
    parser.add_argument("--verbose", action="store_true", help="show every request")
    arguments = parser.parse_args()
    tools = tomllib.loads((HERE / "tools.toml").read_text())["tool"]
    failed = 0
    chosen = [t for t in tools if not arguments.tool or t["name"] in arguments.tool]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        played = pool.map(lambda t: attempt(t, tools, arguments), chosen)
        for tool, (outcome, costs, requests) in zip(chosen, played):
            good = sum(outcome.get(step) is None for step in STEPS)
            print(f"\n{tool['name']} {tool['version']}: {good} of {len(STEPS)} steps, {costs['requests']} requests, {costs['calls']} calls to Atlassian")
            for step, why in outcome.items():
                if why:
                    failed += why.startswith("FAILED")
                    print(f"  {step}: {why}")
            if arguments.verbose:
                for r in requests:
                    print("   ", json.dumps(r))
            sys.stdout.flush()
    print(f"\n{len(chosen)} tools, {failed} failures")
    sys.exit(bool(failed))


def attempt(tool, tools, arguments):
    try:
        return play(tool, tools, arguments.program, arguments.verbose)
    except (Failure, OSError, subprocess.TimeoutExpired) as wrong:
        return {"session": f"FAILED: {wrong}"}, count([]), []


if __name__ == "__main__":
    main()
