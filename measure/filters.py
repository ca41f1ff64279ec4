"""200 filters over 10,000 users, 200 groups and 5,000 issues, each compared with what the emulator holds.

    go run ./cmd/scim-atlassian demo --users 10000 --groups 200 --issues 5000 &
    python3 measure/filters.py [--verbose] [http://127.0.0.1:7001/scim/v2 http://127.0.0.1:7002]

Every filter is asked with Cache-Control: no-cache, so that its full price is seen, and again without, in that order.
The answer is right if it has the ids that an evaluator of its own finds in the data read from Atlassian's APIs, and
totalResults says as many. Exits 1 if one is wrong."""

import json
import sys

from atlassian_truth import ENTERPRISE, EXTERNAL, Cloud, Facade, Filter


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def user_filters(users, groups):
    a, b, c = users[17], users[4711], users[-1]
    q, department = quoted, f"{ENTERPRISE}:department"
    small = min((g for g in groups if len(g.get("members", [])) > 2), key=lambda g: len(g["members"]))
    large = max(groups, key=lambda g: len(g.get("members", [])))
    middle = sorted(u["meta"]["lastModified"] for u in users)[5000].isoformat()
    yield from (f"userName eq {q(a['userName'])}", f"userName eq {q(a['userName'].upper())}", f"externalId eq {q(b['externalId'])}",
                f"externalId eq {q(b['externalId'].upper())}", f"id eq {q(c['id'])}", 'id eq "no-such-id"', 'userName eq "nobody@demo.example"',
                f"userName eq {q(a['userName'])} or userName eq {q(b['userName'])}", f"userName eq {q(a['userName'])} and active eq true",
                f"(id eq {q(a['id'])} or externalId eq {q(b['externalId'])}) and not (title pr)", f"not (userName ne {q(a['userName'])})",
                f"id eq {q(a['id'])} and userName eq {q(b['userName'])}", f"groups.value eq {q(small['id'])}", f"groups[value eq {q(small['id'])}] and active eq true",
                f"groups.value eq {q(large['id'])}", f"groups.value eq {q(small['id'])} or userName eq {q(b['userName'])}",
                f"not (groups.value eq {q(large['id'])})", "active eq true", "active eq false", "active ne true", "not (active eq false)", "active pr",
                "title pr", "not (title pr)", "nickName pr", "phoneNumbers pr", "not (phoneNumbers pr)", "externalId pr", "groups pr", "not (groups pr)",
                f"{department} pr", f"not ({department} pr)", f"{EXTERNAL}:atlassianAccountId pr", "title eq null", "title ne null")
    for letter in "aefmz":
        yield from (f'userName sw "{letter}"', f'name.familyName sw "{letter}"', f'displayName co "{letter}{letter}"')
    for text in ("é", "ö", "nguy", "O'", "-", "ß", "ł", " da "):
        yield from (f"displayName co {q(text)}", f"name.formatted co {q(text)}", f"displayName ew {q(text)}")
    yield from ('emails.value ew "@corp.example"', 'emails[type eq "work" and value ew "@demo.example"]', 'emails[type eq "home"]', 'emails.primary eq true',
                'emails[primary eq true and value co "+"]', 'emails.type ne "work"', 'not (emails.type eq "work")', f"emails eq {q(a['emails'][0]['value'])}",
                f"emails.value eq {q(a['emails'][0]['value'].upper())}", 'phoneNumbers.value sw "+49"', 'phoneNumbers[type eq "mobile" or value sw "+91"]')
    for title in sorted({u["title"] for u in users if "title" in u})[:6]:
        yield from (f"title eq {q(title)}", f"title gt {q(title)} and active eq true", f"title ne {q(title)}", f"title le {q(title.upper())}")
    yield from (f"meta.lastModified gt {q(middle)}", f"meta.lastModified le {q(middle)} and active eq true", 'meta.created ge "2021-06-01T00:00:00+02:00"',
                'meta.created lt "2021-06-01T00:00:00-05:00" or title sw "s"', 'meta.resourceType eq "User"', 'meta.resourceType eq "Group"',
                'preferredLanguage eq "de-DE" and timezone eq "Europe/Berlin"', 'preferredLanguage gt "en-GB"', 'timezone ew "Kolkata" or timezone sw "America/"',
                f'{department} eq "it"', f'{department} co "&"', f'{ENTERPRISE}:organization co "\'"', f'schemas eq "{ENTERPRISE}"', f'not (schemas eq "{ENTERPRISE}")',
                '(active eq true and title pr) or (active eq false and not (title pr))', 'not (active eq true or title pr)', 'not (not (title sw "a"))',
                'name.givenName gt "m" and name.givenName lt "n" and not (name.familyName co "e" or name.familyName co "a")')


def group_filters(users, groups):
    q = quoted
    first, last, member = groups[0], groups[-1], users[17]
    yield from (f"displayName eq {q(first['displayName'])}", f"displayName eq {q(last['displayName'].upper())}", f"id eq {q(last['id'])}", 'displayName eq "none"',
                f"members.value eq {q(member['id'])}", f"members[value eq {q(member['id'])}] and displayName co \"e\"", f"not (members.value eq {q(member['id'])})",
                f"id eq {q(first['id'])} and members.value eq {q(member['id'])}", f"displayName eq {q(first['displayName'])} or members.value eq {q(member['id'])}",
                "members pr", "not (members pr)", "externalId pr", 'displayName sw "e"', 'displayName co "-" and members pr', 'displayName gt "M"',
                f"members.display eq {q(member['userName'])}", 'members.display co "nguyen"', 'members[display sw "a" and value sw "0"]', 'members.type eq "User"',
                'members.type ne "User"', 'meta.created gt "2021-03-01T00:00:00Z"', 'meta.resourceType eq "Group" and displayName ne "x"')


def issue_filters(issues):
    q = quoted
    a, b = issues[17], issues[-1]
    done = next(i for i in issues if "assignee" in i and "resolution" in i)
    component = next(i["components"][0] for i in issues if "components" in i)
    version = next(i["fixVersions"][0] for i in issues if "fixVersions" in i)
    child = next(i for i in issues if "parent" in i)
    middle = sorted(i["updated"] for i in issues)[2500].isoformat()
    yield from (f"key eq {q(a['key'])}", f"key eq {q(a['key'].lower())}", f"id eq {q(b['id'])}", f"id eq {q(a['id'])} or key eq {q(b['key'])}", 'key eq "NONE-1"', 'id eq "1"',
                'status.name eq "Done"', 'status.name eq "done" and resolution.name eq "Done"', 'status.name ne "Done"', 'status.name co "re"', 'status.name eq "No such"',
                'status.category eq "Done"', 'status.category ne "To Do"', 'not (status.category eq "Done")', f"status.id eq {q(a['status']['id'])}", 'status.name gt "I"',
                'project.key eq "ENG"', 'project.key eq "ops" or project.key eq "ENG"', 'project.name co "&"', 'not (project.key eq "ENG")', 'project.key eq "NOPE"',
                'issueType.name eq "Bug"', 'issueType.name ne "Bug"', 'issueType.name sw "s"', 'priority.name eq "High"', 'priority.name ne "High"', 'not (priority.name eq "High")',
                'priority pr', 'not (priority pr)', 'priority.name gt "High"', 'resolution pr', 'not (resolution pr)', "resolution.name eq \"Won't Do\"", "resolution.name ne \"Won't Do\"",
                f"assignee.value eq {q(done['assignee']['value'])}", f"assignee.value ne {q(done['assignee']['value'])}", f"not (assignee.value eq {q(done['assignee']['value'])})",
                'assignee pr', 'not (assignee pr)', 'assignee.value eq "nobody"', 'assignee.display co "nguyễn"', f"reporter.value eq {q(a['reporter']['value'])} or assignee.display sw \"a\"",
                'labels eq "urgent"', 'labels eq "URGENT"', 'labels ne "urgent"', 'not (labels eq "urgent")', 'labels co "e"', 'labels pr', 'not (labels pr)', 'labels eq "no-such-label"',
                f"components.name eq {q(component['name'])}", f"components.id eq {q(component['id'])}", f"components.name ne {q(component['name'])}", f"not (components.name eq {q(component['name'])})",
                f"components[name eq {q(component['name'])} and id eq {q(component['id'])}]", 'components pr', f"fixVersions.name eq {q(version['name'])}", 'fixVersions.name sw "1."', 'not (fixVersions pr)',
                f"parent.key eq {q(child['parent']['key'])}", f"parent.id ne {q(child['parent']['id'])}", 'parent pr', 'not (parent pr)', 'dueDate pr', 'not (dueDate pr)',
                'dueDate eq "2021-05-26"', 'dueDate gt "2023-01-01"', 'dueDate le "2022-06-30" and status.category ne "Done"', f"updated gt {q(middle)}", f"updated le {q(middle)} and priority pr",
                f"created eq {q(a['created'].isoformat())}", f"created ne {q(a['created'].isoformat())}", f"meta.lastModified ge {q(middle)} and labels pr", 'resolved pr', 'resolved gt "2023-01-01T00:00:00Z"',
                f"summary eq {q(a['summary'])}", f"summary eq {q(a['summary'].upper())}", 'summary co "export"', 'summary co "xpor"', 'summary sw "win"', 'summary ew "follow-up"', 'summary co "%"',
                'summary co "follow-up" and project.key eq "ENG"', 'summary ne "x"', 'not (summary co "the")', 'description pr', 'not (description pr)', 'description co "minutes"',
                '(project.key eq "ENG" and status.category eq "To Do") or (project.key eq "OPS" and not (resolution pr))', 'not (status.category eq "Done" or labels pr)',
                'status.name eq "Done" and summary co "audit" and not (assignee pr)', 'creator pr and reporter.display ew "e"', 'meta.resourceType eq "Issue"', 'meta.resourceType eq "User"')


def main():
    verbose = "--verbose" in sys.argv
    urls = [a for a in sys.argv[1:] if not a.startswith("--")] or ["http://127.0.0.1:7001/scim/v2", "http://127.0.0.1:7002"]
    facade, cloud = Facade(urls[0]), Cloud(urls[1])
    users, groups, issues = cloud.users(), cloud.groups(), cloud.issues()
    wrong = asked = 0
    for endpoint, truth, filters in (("Users", users, user_filters(users, groups)), ("Groups", groups, group_filters(users, groups)), ("Issues", issues, issue_filters(issues))):
        price = {}
        filters = list(dict.fromkeys(filters))
        for text in filters:
            want = [o["id"] for o in truth if Filter(text).matches(o)]
            calls = []
            for fresh in (True, False):
                parameters = {"filter": text, "attributes": "id", "count": 20_000}
                status, headers, answer = facade.call("GET", "/" + endpoint, parameters, headers={"Cache-Control": "no-cache"} if fresh else {})
                got = [o["id"] for o in answer.get("Resources", [])]
                calls.append(headers["X-Upstream-Calls"])
                if status != 200 or sorted(got) != sorted(want) or answer["totalResults"] != len(want):
                    wrong += 1
                    print(f"WRONG {endpoint} {text}: {status}, {len(got)} found, {len(want)} expected {answer.get('detail', '')}")
            asked += 1
            price[calls[0]] = price.get(calls[0], 0) + 1
            if verbose:
                print(f"{endpoint:7} {calls[0]:>4} {calls[1]:>4} {len(want):>6}  {text}")
        prices = ", ".join(f"{calls} calls x {n}" for calls, n in sorted(price.items(), key=lambda p: int(p[0])))
        print(f"{endpoint}: {len(filters)} filters over {len(truth)}; fresh: {prices}")
    print(f"{asked - wrong} right, {wrong} wrong")
    sys.exit(wrong > 0)


main()
