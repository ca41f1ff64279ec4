#!/usr/bin/env python3
"""Creates 1,000 users in one bulk request, then 1,000 of whom every tenth is refused.

    .ci/with-demo --users 0 --groups 0 --issues 0 --latency 20ms -- python3 measure/bulk.py

The server is at SCIM_URL (bearer token SCIM_TOKEN), the emulated Atlassian at ATLASSIAN_URL. Prints time, requests to
Atlassian as the emulator counted them, and whether the results came in the order of the operations; fails if they did not.
"""

import json
import os
import sys
import time
import urllib.request

SCIM, ATLASSIAN = os.environ["SCIM_URL"], os.environ["ATLASSIAN_URL"]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def ask(method, url, body=None):
    headers = {"Authorization": "Bearer " + os.environ["SCIM_TOKEN"], "Content-Type": "application/scim+json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def user(run, i, refused):
    name = f"{run}{i}@demo.example"
    emails = {} if refused else {"emails": [{"value": name}]}
    return {"schemas": [USER], "userName": name, **emails}


def measure(run, every):
    refused = [every and i % every == every - 1 for i in range(1000)]
    operations = [{"method": "POST", "path": "/Users", "bulkId": f"b{i}", "data": user(run, i, refused[i])} for i in range(1000)]
    ask("DELETE", ATLASSIAN + "/_emulator/requests")
    start = time.perf_counter()
    answer = ask("POST", SCIM + "/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations})
    seconds = time.perf_counter() - start
    calls = len(ask("GET", ATLASSIAN + "/_emulator/requests"))
    got = [(result["bulkId"], result["status"]) for result in answer["Operations"]]
    ordered = got == [(f"b{i}", "400" if refused[i] else "201") for i in range(1000)]
    print(f"{run}: {seconds:.2f} s, {calls} requests to Atlassian, {sum(status == '201' for _, status in got)} created, in order: {ordered}")
    return ordered


sys.exit(0 if all([measure("valid", 0), measure("tenth-refused", 10)]) else 1)
