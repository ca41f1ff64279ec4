"""Runs each client of tools.toml, unmodified, against a server of its own, and judges it by what Atlassian has then.

A client is a program that plays STEPS with the tool's own functions. It finds the server at SCIM_URL, its token in
SCIM_TOKEN, and the names to use in USER and GROUP. It writes a line of JSON after each step and waits for an empty
line in answer, while the state below is judged:

    {"did": "list", "saw": 121}      the tool did it; saw is what it read, for steps that read
    {"cannot": "filter", "why": …}   the tool has no function for the step
    {"failed": "create", "why": …}   the tool tried and said that it failed

What a tool cannot do, or does wrongly, stands in tools.toml under fails, with a part of the words that it says then; the run fails
if it says something else, or succeeds. The rows of these tools in docs/clients.md are made from tools.toml and the outcome:
the run fails if one differs, --update writes them.

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
import tomllib
import urllib.request
from pathlib import Path

import gateway

HERE = Path(__file__).parent
STEPS = ["create", "read", "list", "filter", "change", "disable", "enable", "group", "join", "leave", "ungroup", "delete"]
NEED_USER = set(STEPS) - {"delete"}
TENANT = ["--users", "120", "--groups", "8", "--issues", "10"]  # more users than Atlassian lists on one page
PATIENCE = 60  # seconds for a server to start, and for a client to come to the end of a step


class Failure(Exception):
    """What a client did wrong, or what Atlassian has otherwise."""


class Process:
    """A program in the background: its lines come one by one, and stop ends it."""

    def __init__(self, command, directory, environment, stdin=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        self.process = subprocess.Popen(command, cwd=directory, env=environment, stdin=stdin, stdout=stdout, stderr=stderr,
                                        text=True, start_new_session=True)
        self.kept, self.readers = {}, []
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

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        self.readers.append(thread)
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
        """Ends the program, and returns when its last line was read."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for reader in self.readers:
            reader.join()


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




class Judge:
    """Compares what a client says with the state below."""

    def __init__(self, tool, atlassian):
        self.tool, self.atlassian = tool, atlassian
        self.user_name, self.group_name = user_and_group(tool)
        self.before = self.strangers(atlassian.state())
        self.met = False  # whether the user was ever there

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
        passed_over = {"meta", "groups"} | ({"externalId"} if self.tool.get("adopts") else set())  # a group's members say the groups
        return {kind: {i: {k: v for k, v in r.items() if k not in passed_over} for i, r in resources.items() if i not in own}
                for kind, resources in state.items()}

    def judge(self, step, saw):
        state = self.atlassian.state()
        user, group = self.own(state)
        self.met = self.met or bool(user)
        if not self.met or step in NEED_USER and not user:
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
            # Nothing is read in the background, so that the calls counted are those that the tool's requests cost.
            settings = {"SCIM_ATLASSIAN_CALLERS_FILE": str(callers), "ADMIN_LISTEN": "", "SCIM_ATLASSIAN_STATE": "memory",
                        "SCIM_ATLASSIAN_PROOF_PERIOD": "0", "SCIM_ATLASSIAN_FEED_INTERVAL": "0"}
            self.serve = Process([program, "serve", "--listen", "127.0.0.1:0"], directory, plain_environment | self.below | settings)
            self.url = "http://" + self.serve.find(self.serve.err, r'"address":"([^"]+)"')[1]
        except BaseException:
            self.stop()
            raise

    def requests(self):
        """What the server's log says about each request; whole once the server was stopped."""
        logged = []
        for line in self.serve.kept["err"]:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("msg") == "request":
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


class Outcome:
    """How a client fared: per step None, or words that say why not; what it cost; and what is wrong, for which the run fails."""

    def __init__(self, tool):
        self.tool = tool
        self.steps, self.wrong, self.requests = {}, [], []

    def note(self, step, said):
        """Takes a line of the client about a step; judge is asked before."""
        if "did" in said:
            self.steps[step] = None
            if step in self.fails:
                self.wrong.append(f"{step}: it succeeds, though tools.toml says that it fails")
            return
        self.steps[step] = said["why"]
        if "failed" not in said:
            return
        if self.fails.get(step) and self.fails[step] in said["why"]:
            self.steps[step] = "fails: " + self.fails[step]
        else:
            self.wrong.append(f"{step}: {said['why']}")

    @property
    def fails(self):
        return self.tool.get("fails", {})

    @property
    def calls(self):
        return sum(r.get("upstreamCalls", 0) for r in self.requests)

    @property
    def did(self):
        return [step for step in STEPS if self.steps.get(step, "") is None]


def play(tool, tools, program):
    """Runs one client to its end."""
    outcome = Outcome(tool)
    with tempfile.TemporaryDirectory() as directory:
        server = client = proxy = None
        try:
            server = Server(program, tools, directory)
            url = server.url + "/scim/v2"
            if "path" in tool:
                proxy = gateway.Gateway(server.url, tool["path"], "/scim/v2")
                url = proxy.url
            user, group = user_and_group(tool)
            environment = os.environ | {"SCIM_URL": url, "SCIM_TOKEN": token(tool), "USER_NAME": user, "GROUP_NAME": group}
            client = Process(command_of(tool), directory, environment, stdin=subprocess.PIPE)
            converse(client, Judge(tool, Atlassian(server.below)), outcome)
            status = client.process.wait(timeout=PATIENCE)
            if status != bool(outcome.fails):  # a client whose step failed ends with 1
                outcome.wrong.append(f"it ended with status {status}:\n{client.tail()}")
            outcome.wrong += [f"{step}: not played, and not said why" for step in STEPS if step not in outcome.steps]
        except Failure as wrong:
            outcome.wrong.append(str(wrong))
        finally:
            for process in (client, server, proxy):
                if process:
                    process.stop()
        if server:
            outcome.requests = server.requests()
    return outcome


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
    """Answers each line of the client, after the state that it left below was judged."""
    for line in client.lines(client.out):
        try:
            said = json.loads(line)
            step = next(said[verb] for verb in ("did", "cannot", "failed") if verb in said)
        except (ValueError, TypeError, StopIteration):
            continue  # the tool's own output
        if step not in STEPS or step in outcome.steps:
            raise Failure(f"no step, or twice: {line}")
        if "did" in said:
            try:
                judge.judge(step, said.get("saw"))
            except Failure as wrong:
                said = {"failed": step, "why": f"Atlassian has it otherwise: {wrong}"}
        outcome.note(step, said)
        client.process.stdin.write("\n")
        client.process.stdin.flush()


def row(outcome):
    """The row of a tool in docs/clients.md."""
    tool = outcome.tool
    by_reason = {}
    for step in STEPS:
        if reason := outcome.steps.get(step):
            by_reason.setdefault(tool.get("why", {}).get(step) or reason, []).append(step)
    cannot = "; ".join(f"{', '.join(steps)}: {reason}" for reason, steps in by_reason.items())
    settings = ["`" + json.dumps({k: v})[1:-1] + "`" for k, v in tool.get("caller", {}).items()]
    if "path" in tool:
        settings.append(f"a proxy maps `{tool['path']}` to `/scim/v2`")
    works = "all" if len(outcome.did) == len(STEPS) else ", ".join(outcome.did) or "nothing"
    note = f". {tool['note']}" if "note" in tool else ""
    return f"| {tool['title']} | {tool['version']} | {', '.join(settings) or 'none'} | {works} | {cannot}{note if cannot else note[2:]} | {len(outcome.requests)}/{outcome.calls} |"


def compare_rows(outcomes, update):
    """Holds the rows in docs/clients.md to the outcomes, or with update writes them; the result says what differs."""
    path = HERE.parent / "docs" / "clients.md"
    lines, wrong = path.read_text().split("\n"), []
    for outcome in outcomes:
        start = f"| {outcome.tool['title']} |"
        found = [i for i, line in enumerate(lines) if line.startswith(start)]
        if len(found) != 1:
            wrong.append(f"docs/clients.md has {len(found)} rows that begin with {start!r}")
        elif lines[found[0]] != row(outcome) and not outcome.wrong:
            if update:
                lines[found[0]] = row(outcome)
            else:
                wrong.append(f"docs/clients.md says otherwise (tools/run --update writes it):\n  {lines[found[0]]}\n  {row(outcome)}")
    wrong += hold_replayed(lines, update)
    if update:
        path.write_text("\n".join(lines))
    return wrong


def hold_replayed(lines, update):
    """Holds the calls of the clients that are replayed to the table of their steps; with update, writes them into lines."""
    wrong, costs = [], {}
    for i, line in enumerate(lines):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) > 10:
            costs[cells[0]] = cells[-1]
        elif len(cells) == 6 and cells[0] != "client" and cells[0] in costs and cells[-1] != costs[cells[0]]:
            if update:
                lines[i] = "| " + " | ".join([*cells[:-1], costs[cells[0]]]) + " |"
            else:
                wrong.append(f"docs/clients.md: {cells[0]} costs {costs[cells[0]]} by the first table, {cells[-1]} by the second")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", help="the scim-atlassian to run")
    parser.add_argument("tool", nargs="*", help="of tools.toml; all by default")
    parser.add_argument("--update", action="store_true", help="write the rows in docs/clients.md")
    parser.add_argument("--verbose", action="store_true", help="show every request")
    arguments = parser.parse_intermixed_args()
    tools = tomllib.loads((HERE / "tools.toml").read_text())["tool"]
    chosen = [t for t in tools if not arguments.tool or t["name"] in arguments.tool]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda t: play(t, tools, arguments.program), chosen))
    for outcome in outcomes:
        tool = outcome.tool
        print(f"{tool['name']} {tool['version']}: {len(outcome.did)} of {len(STEPS)} steps, {len(outcome.requests)} requests, {outcome.calls} calls to Atlassian")
        for step, why in outcome.steps.items():
            if why:
                print(f"  {step}: {why}")
        for wrong in outcome.wrong:
            print(f"  WRONG {wrong}")
        if arguments.verbose:
            print("".join(f"  {json.dumps(r)}\n" for r in outcome.requests), end="")
    wrong = compare_rows(outcomes, arguments.update)
    print("\n".join(wrong))
    bad = sum(bool(outcome.wrong) for outcome in outcomes)
    print(f"tools: {len(outcomes) - bad} passed, {bad + len(wrong)} failed")
    sys.exit(bool(bad or wrong))


if __name__ == "__main__":
    main()
