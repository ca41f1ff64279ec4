"""Somebody creates and deletes users in Atlassian while a client lists them all, page after page.

    go run ./cmd/scim-atlassian demo --users 3000 &
    python3 measure/churn.py [http://127.0.0.1:7001/scim/v2 http://127.0.0.1:7002]

After every page one user that was there at the start is deleted upstream and one created. Nobody who was there from the
first page to the last may be missing, and nobody may come twice. Says what became of the others. Exits 1 if that fails."""

import random
import sys

from atlassian_truth import Cloud, Facade


def walk(facade, mode, parameters, warm, between):
    """The ids of every page, in order. A warm walk may begin with what the server still has from before."""
    found, position = [], {"startIndex": 1} if mode == "index" else {"cursor": ""}
    headers = {} if warm else {"Cache-Control": "no-cache"}
    while True:
        status, _, page = facade.call("GET", "/Users", {**parameters, **position, "count": 100}, headers=headers)
        headers = {}
        if status != 200:
            return found, f"{status} {page.get('scimType', '')}: {page['detail']}"
        found += [u["id"] for u in page["Resources"]]
        if mode == "index":
            position = {"startIndex": position["startIndex"] + len(page["Resources"])}
            if not page["Resources"] or position["startIndex"] > page["totalResults"]:
                return found, "complete"
        elif "nextCursor" in page:
            position = {"cursor": page["nextCursor"]}
        else:
            return found, "complete"
        between()


def main():
    urls = sys.argv[1:] or ["http://127.0.0.1:7001/scim/v2", "http://127.0.0.1:7002"]
    facade, cloud = Facade(urls[0]), Cloud(urls[1])
    dice, failed, born = random.Random(1), 0, 0
    for mode, warm in (("index", False), ("index", True), ("cursor", False), ("cursor", True)):
        for name, parameters in (("everything", {}), ("filtered", {"filter": "emails pr"}), ("sorted", {"sortBy": "userName"})):
            if warm:
                facade.call("GET", "/Users", {"filter": "title pr", "count": 0}, headers={"Cache-Control": "no-cache"})
            before = [u["id"] for u in cloud.users()]
            deleted, created = set(), set()

            def between():
                nonlocal born
                victim = dice.choice([i for i in before if i not in deleted])
                assert cloud.scim("DELETE", "/Users/" + victim)[0] == 204
                deleted.add(victim)
                born += 1
                address = f"churn{born}@demo.example"
                status, _, u = cloud.scim("POST", "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": address,
                                                             "emails": [{"value": address, "type": "work", "primary": True}]})
                assert status == 201, u
                created.add(u["id"])

            found, end = walk(facade, mode, parameters, warm, between)
            missed = set(before) - deleted - set(found)
            twice = len(found) - len(set(found))
            failed += bool(missed) or twice > 0 or end != "complete"
            print(f"{mode:6} {'warm' if warm else 'cold'} {name:10} {end}; {len(found)} found, {twice} twice, {len(missed)} of {len(before) - len(deleted)} that stayed missed; "
                  f"{len(deleted & set(found))} of {len(deleted)} deleted meanwhile shown, {len(created & set(found))} of {len(created)} created meanwhile")
    sys.exit(failed > 0)


main()
