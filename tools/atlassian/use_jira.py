"""Drives pycontribs/jira against the emulator: python use_jira.py http://127.0.0.1:7002"""
import sys
from jira import JIRA, JIRAError

site = JIRA(sys.argv[1], basic_auth=("admin@demo.example", "demo-api-token"), options={"check_update": False})
fields = {f["name"]: f["id"] for f in site.fields()}
me = site.myself()["accountId"]
issue = site.create_issue(project="ACC", issuetype={"name": "Access request"}, summary="CRM", description="line one\nline two",
                          **{fields["Approver"]: {"accountId": me}, fields["Risk"]: {"value": "High"}})
assert issue.fields.description == "line one\nline two", issue.fields.description
assert getattr(issue.fields, fields["Risk"]).value == "High"
site.add_comment(issue, "looked at")
assert [c.body for c in site.comments(issue)] == ["looked at"]
site.add_watcher(issue, "admin@demo.example")
assert site.watchers(issue).watchCount == 1
edges = {t["name"]: t["id"] for t in site.transitions(issue)}
assert set(edges) == {"Approve", "Approve with conditions", "Reject"}, edges
site.transition_issue(issue, edges["Reject"], comment="no")
assert site.issue(issue.key).fields.status.name == "Rejected"
site.transition_issue(issue, "Reopen")
other = site.create_issue(project="ACC", issuetype={"name": "Access request"}, summary="ERP")
site.create_issue_link("Blocks", issue, other)
assert site.issue(issue.key).fields.issuelinks[0].outwardIssue.key == other.key
site.add_simple_link(issue, {"url": "https://idhub.example/1", "title": "Request"})
assert len(site.remote_links(issue)) == 1
site.add_issue_property(issue, "p", {"x": 1})
assert site.issue_property(issue, "p").value.x == 1
found = site.search_issues('project = ACC AND Risk = High')
assert [i.key for i in found] == [issue.key], found
log = site.issue(issue.key, expand="changelog").changelog.histories
assert log[0].items[0].field == "Status", log
issue.update(fields={"summary": "CRM, write"})
assert site.issue(issue.key).fields.summary == "CRM, write"
site.assign_issue(issue, "admin@demo.example")
try:
    site.create_issue(project="ACC", issuetype={"name": "Access request"}, summary="x", **{fields["Risk"]: {"value": "Huge"}})
    raise SystemExit("an unknown option passed")
except JIRAError as e:
    assert "Huge" in e.text, e.text
for i in (other, issue):
    i.delete()
print("pycontribs/jira: done")
