"""The first run of Keeper Commander's "scim push" with a source of one user, at a directory that has others.

tools/first-run starts it. It prints what the tool did: requests by method and status, and what the tool says of refusals.
"""

import collections
import json
import logging
import os

import requests
from keepercommander.commands.scim import ScimPushCommand
from keepercommander.scim.data_sources import LocalCrmDataSource
from keepercommander.scim.models import ScimGroup, ScimUser

URL, TOKEN = os.environ["SCIM_URL"], os.environ["SCIM_TOKEN"]
source = {"groups": [], "users": [{"id": "ann", "email": "ann.first@demo.example", "full_name": "Ann First", "first_name": "Ann", "last_name": "First",
                                   "active": True, "groups": []}]}
said, sent = [], collections.Counter()


class Collect(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            said.append(record.getMessage())


logging.getLogger().addHandler(Collect())
plain = requests.Session.send


def counted(session, request, **options):
    answer = plain(session, request, **options)
    sent[f"{request.method} {answer.status_code}"] += 1
    return answer


requests.Session.send = counted
found = list(ScimPushCommand.scim_keeper(URL, TOKEN))
users, groups = {u.id: u for u in found if isinstance(u, ScimUser)}, {g.id: g for g in found if isinstance(g, ScimGroup)}
there = list(LocalCrmDataSource(source).populate())
wanted = {u.id: u for u in there if isinstance(u, ScimUser)}
ScimPushCommand.sync_groups(URL, TOKEN, groups, {g.id: g for g in there if isinstance(g, ScimGroup)}, destructive=0)
ScimPushCommand.sync_users(URL, TOKEN, users, wanted)
ScimPushCommand.sync_membership(URL, TOKEN, groups, users, wanted, destructive=0)
print(json.dumps({"sent": sent, "refusals": len(said), "said": said[-1:]}))
