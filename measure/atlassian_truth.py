"""What the emulator holds, read through Atlassian's own APIs with their own credentials, as the SCIM resources that it
amounts to. Nothing here knows the server under test: field mapping, filter grammar and evaluation are written a second
time from RFC 7643, RFC 7644 and the published schemas. Python's standard library only."""

import base64
import datetime
import json
import re
import urllib.error
import urllib.parse
import urllib.request

DIRECTORY = "0d1ec701-0000-4000-8000-000000000001"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EXTERNAL = "urn:scim:schemas:extension:atlassian-external:1.0"


def request(method, url, headers, body=None):
    """Returns status, headers and the decoded JSON body (None without one)."""
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers = {"Content-Type": "application/json", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=300) as answer:
            raw = answer.read()
            return answer.status, answer.headers, json.loads(raw) if raw else None
    except urllib.error.HTTPError as refused:
        raw = refused.read()
        return refused.code, refused.headers, json.loads(raw) if raw else None


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Facade:
    """The server under test, as any SCIM client sees it."""

    def __init__(self, base):
        self.base, self.headers = base.rstrip("/"), basic("demo", "demo")

    def call(self, method, path, parameters=None, body=None, headers=None):
        url = self.base + path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        return request(method, url, {**self.headers, **(headers or {})}, body)


class Cloud:
    """The emulated Atlassian, as Atlassian's own clients see it."""

    def __init__(self, base):
        self.base = base.rstrip("/")
        self.directory = {"Authorization": "Bearer demo-directory-key"}
        self.jira = basic("admin@demo.example", "demo-api-token")

    def scim(self, method, path, body=None):
        return request(method, f"{self.base}/scim/directory/{DIRECTORY}{path}", self.directory, body)

    def everything(self, kind):
        found, start = [], 1
        while True:
            _, _, page = self.scim("GET", f"/{kind}?startIndex={start}&count=100")
            found += page["Resources"]
            start += len(page["Resources"])
            if not page["Resources"] or start > page["totalResults"]:
                return found

    def users(self):
        return [user(u) for u in self.everything("Users")]

    def groups(self):
        return [group(g) for g in self.everything("Groups")]

    def issues(self):
        found, token = [], None
        while True:
            body = {"jql": "created > 0", "maxResults": 5000, "fields": ["id"]}
            if token:
                body["nextPageToken"] = token
            _, _, page = request("POST", self.base + "/rest/api/3/search/jql", self.jira, body)
            found += [i["id"] for i in page["issues"]]
            token = page.get("nextPageToken")
            if not token:
                break
        whole = []
        for at in range(0, len(found), 100):
            body = {"issueIdsOrKeys": found[at:at + 100], "fields": ["*all"]}
            whole += request("POST", self.base + "/rest/api/3/issue/bulkfetch", self.jira, body)[2]["issues"]
        return sorted((issue(i) for i in whole), key=lambda i: int(i["id"]))


def put(o, name, value):
    if value not in (None, "", [], {}):
        o[name] = value


def meta(kind, created, modified):
    return {"resourceType": kind, "created": instant(created), "lastModified": instant(modified)}


def instant(text):
    text = re.sub(r"Z$", "+00:00", text)
    text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text)
    whole = re.match(r"(.*T\d\d:\d\d)(:\d\d)?(\.\d+)?([+-].*)$", text)
    fraction = (whole[3] or ".0")[1:7].ljust(6, "0")
    return datetime.datetime.fromisoformat(f"{whole[1]}{whole[2] or ':00'}.{fraction}{whole[4]}")


def user(u):
    o = {"id": u["id"], "meta": meta("User", u["meta"]["created"], u["meta"]["lastModified"])}
    for name in ("externalId", "userName", "displayName", "nickName", "title", "preferredLanguage", "timezone", "active", "name", "emails", "phoneNumbers"):
        put(o, name, u.get(name))
    put(o, "groups", [{"value": g["value"], "display": g.get("display"), "type": "direct"} for g in u.get("groups", [])])
    extension = {}
    for name in ("organization", "department"):
        put(extension, name, u.get(ENTERPRISE, {}).get(name) or u.get(name))
    put(o, ENTERPRISE, extension)
    put(o, EXTERNAL, u.get(EXTERNAL))
    o["schemas"] = ["urn:ietf:params:scim:schemas:core:2.0:User"] + [urn for urn in (ENTERPRISE, EXTERNAL) if urn in o]
    return o


def group(g):
    o = {"id": g["id"], "displayName": g["displayName"], "meta": meta("Group", g["meta"]["created"], g["meta"]["lastModified"])}
    put(o, "externalId", g.get("externalId"))
    put(o, "members", [{"value": m["value"], "display": m.get("display"), "type": m.get("type")} for m in g.get("members", [])])
    o["schemas"] = ["urn:ietf:params:scim:schemas:core:2.0:Group"]
    return o


def issue(i):
    f = i["fields"]
    o = {"id": i["id"], "key": i["key"], "summary": f["summary"], "meta": meta("Issue", f["created"], f["updated"]),
         "created": instant(f["created"]), "updated": instant(f["updated"]),
         "project": {name: f["project"][name] for name in ("id", "key", "name")},
         "issueType": {name: f["issuetype"][name] for name in ("id", "name")},
         "status": {"id": f["status"]["id"], "name": f["status"]["name"], "category": f["status"]["statusCategory"]["name"]}}
    for name in ("priority", "resolution"):
        if f.get(name):
            o[name] = {"id": f[name]["id"], "name": f[name]["name"]}
    for name in ("assignee", "reporter", "creator"):
        if f.get(name):
            o[name] = {"value": f[name]["accountId"], "display": f[name]["displayName"]}
    put(o, "labels", f.get("labels"))
    for name in ("components", "fixVersions"):
        put(o, name, [{"id": c["id"], "name": c["name"]} for c in f.get(name) or []])
    if f.get("parent"):
        o["parent"] = {"id": f["parent"]["id"], "key": f["parent"]["key"]}
    put(o, "dueDate", f.get("duedate"))
    if f.get("resolutiondate"):
        o["resolved"] = instant(f["resolutiondate"])
    if f.get("description"):
        put(o, "description", plain(f["description"]).strip())
    o["schemas"] = ["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"]
    return o


def plain(node):
    """The words of a document; enough for filters on words inside one piece of text."""
    if node.get("type") == "text":
        return node["text"]
    return "".join(plain(child) for child in node.get("content", [])) + ("\n" if node.get("type") in ("paragraph", "heading") else "")


EXACT = {"id", "externalId", "schemas", "dueDate", "meta.resourceType", "groups.value", "members.value", "project.id", "issueType.id", "status.id",
         "priority.id", "resolution.id", "assignee.value", "reporter.value", "creator.value", "components.id", "fixVersions.id", "parent.id",
         EXTERNAL + ":atlassianAccountId"}


def fold(text):
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class Filter:
    """A filter of RFC 7644 section 3.4.2.2, parsed by recursive descent into a predicate. Names are canonical."""

    def __init__(self, text):
        self.tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[()\[\]]|[^\s()\[\]"]+', text)
        self.at = 0
        self.matches = self.either("")
        if self.at != len(self.tokens):
            raise ValueError(f"{text}: left over at {self.tokens[self.at:]}")

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def either(self, within):
        terms = [self.both(within)]
        while self.peek().lower() == "or":
            self.take()
            terms.append(self.both(within))
        return lambda o: any(t(o) for t in terms)

    def both(self, within):
        terms = [self.term(within)]
        while self.peek().lower() == "and":
            self.take()
            terms.append(self.term(within))
        return lambda o: all(t(o) for t in terms)

    def term(self, within):
        if self.peek().lower() == "not":
            self.take()
            inner = self.term(within)
            return lambda o: not inner(o)
        if self.peek() == "(":
            self.take()
            inner = self.either(within)
            self.take()
            return inner
        path = self.take()
        if self.peek() == "[":
            self.take()
            inner = self.either(path + ".")
            self.take()
            return lambda o: any(inner(e if isinstance(e, dict) else {"value": e}) for e in elements(o, path))
        operator = self.take().lower()
        if operator == "pr":
            return lambda o: any(present(v) for v in elements(o, path))
        wanted = json.loads(self.take())
        exact = within + path in EXACT
        return lambda o: compare(operator, elements(o, path), wanted, exact)


def elements(o, path):
    """The values at a path: those of a list one by one, of a sub-attribute those of every element."""
    extension, attribute = "", path
    if path.lower().startswith("urn:"):
        extension, _, attribute = path.rpartition(":")
        o = o.get(extension, {})
    name, _, sub = attribute.partition(".")
    value = o.get(name)
    values = value if isinstance(value, list) else [] if value is None else [value]
    if sub:
        values = [v[sub] if isinstance(v, dict) else v for v in values if not isinstance(v, dict) or v.get(sub) is not None]
    return values


def present(v):
    return any(present(x) for x in v.values()) if isinstance(v, dict) else v not in (None, "", [])


def compare(operator, values, wanted, exact):
    if wanted is None:
        return (operator == "eq") != any(present(v) for v in values)
    if operator == "ne" and not values:
        return True
    return any(holds(operator, v, wanted, exact) for v in values)


def holds(operator, v, wanted, exact):
    if isinstance(v, dict):
        v = v.get("value")
    if isinstance(v, datetime.datetime):
        wanted = instant(wanted)
    elif isinstance(v, str) and not exact:
        v, wanted = fold(v), fold(wanted)
    return {"eq": lambda: v == wanted, "ne": lambda: v != wanted, "co": lambda: wanted in v, "sw": lambda: v.startswith(wanted),
            "ew": lambda: v.endswith(wanted), "gt": lambda: v > wanted, "ge": lambda: v >= wanted, "lt": lambda: v < wanted,
            "le": lambda: v <= wanted}[operator]()
