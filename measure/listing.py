"""What a full listing of 10,000 users costs with 20 ms to Atlassian, beside a pager that asks Atlassian itself.

    go run ./cmd/scim-atlassian demo --users 10000 --latency 20ms &
    python3 measure/listing.py [http://127.0.0.1:7001/scim/v2 http://127.0.0.1:7002]"""

import sys
import time

from atlassian_truth import Cloud, Facade


def timed(what, pages):
    began, ids, calls, requests = time.monotonic(), [], 0, 0
    for found, price in pages:
        ids += found
        calls += price
        requests += 1
    seconds = time.monotonic() - began
    print(f"{what:44} {seconds:6.2f} s  {requests:4} requests  {calls:4} calls  {len(ids)} ids, {len(set(ids))} distinct")
    return ids


def by_index(facade, count):
    start = 1
    while True:
        _, headers, page = facade.call("GET", "/Users", {"startIndex": start, "count": count, "attributes": "id"})
        yield [u["id"] for u in page["Resources"]], int(headers["X-Upstream-Calls"])
        start += len(page["Resources"])
        if not page["Resources"] or start > page["totalResults"]:
            return


def by_cursor(facade, count):
    cursor = ""
    while True:
        _, headers, page = facade.call("GET", "/Users", {"cursor": cursor, "count": count, "attributes": "id"})
        yield [u["id"] for u in page["Resources"]], int(headers["X-Upstream-Calls"])
        if "nextCursor" not in page:
            return
        cursor = page["nextCursor"]


def plain(cloud):
    start = 1
    while True:
        _, _, page = cloud.scim("GET", f"/Users?startIndex={start}&count=100")
        yield [u["id"] for u in page["Resources"]], 1
        start += len(page["Resources"])
        if start > page["totalResults"]:
            return


def main():
    urls = sys.argv[1:] or ["http://127.0.0.1:7001/scim/v2", "http://127.0.0.1:7002"]
    facade, cloud = Facade(urls[0]), Cloud(urls[1])
    truth = timed("Atlassian itself, one page after the other", plain(cloud))
    wrong = 0
    for what, pages in (("index, count=1000", by_index(facade, 1000)), ("index, count=1000, once more", by_index(facade, 1000)),
                        ("index, count=100", by_index(facade, 100)), ("cursor, count=1000", by_cursor(facade, 1000))):
        wrong += sorted(timed(what, pages)) != sorted(truth)
    sys.exit(wrong > 0)


main()
