"""Keeper Commander's "scim push": the functions of the command in its order, without Keeper's vault, which holds URL and token."""

import logging

from keepercommander.commands.scim import ScimPushCommand
from keepercommander.scim.data_sources import LocalCrmDataSource
from keepercommander.scim.models import ScimGroup, ScimUser

from session import GROUP, TOKEN, URL, USER, cannot, end, step

source = {"users": [], "groups": []}
warnings = []


class Collect(logging.Handler):
    """The command logs refusals and goes on; here they are failures."""

    def emit(self, record):
        if record.levelno >= logging.WARNING:
            warnings.append(record.getMessage())


logging.getLogger().addHandler(Collect())


def read():
    found = list(ScimPushCommand.scim_keeper(URL, TOKEN))
    return {u.id: u for u in found if isinstance(u, ScimUser)}, {g.id: g for g in found if isinstance(g, ScimGroup)}


def push():
    warnings.clear()
    users, groups = read()
    there = list(LocalCrmDataSource(source).populate())
    ScimPushCommand.sync_groups(URL, TOKEN, groups, {g.id: g for g in there if isinstance(g, ScimGroup)}, destructive=0)
    ScimPushCommand.sync_users(URL, TOKEN, users, {u.id: u for u in there if isinstance(u, ScimUser)})
    ScimPushCommand.sync_membership(URL, TOKEN, groups, users, {u.id: u for u in there if isinstance(u, ScimUser)}, destructive=0)
    if warnings:
        raise RuntimeError("; ".join(warnings))


def fill():
    """The source has to name everybody who is there already: whoever is missing in it is deleted."""
    users, groups = read()
    for g in groups.values():
        source["groups"].append({"id": g.external_id or g.id, "name": g.name})
    names = {g.id: g.external_id or g.id for g in groups.values()}
    for u in users.values():
        source["users"].append({"id": u.external_id or u.id, "email": u.email, "full_name": u.full_name, "first_name": u.first_name, "last_name": u.last_name,
                                "active": u.active, "groups": [names[g] for g in u.groups]})


ann = {"id": "tool-ann", "email": USER, "full_name": "Ann Tool", "first_name": "Ann", "last_name": "Tool", "active": True, "groups": []}


def change(**attributes):
    ann.update(attributes)
    push()


def create():
    fill()
    source["users"].append(ann)
    push()


def group(there):
    crew = {"id": "tool-crew", "name": GROUP}
    source["groups"].append(crew) if there else source["groups"].remove(crew)
    push()


def delete():
    source["users"].remove(ann)
    push()


step("create", create)
step("read", lambda: next(u.email for u in read()[0].values() if u.external_id == "tool-ann"))
step("list", lambda: len(read()[0]))
cannot("filter", "it reads everything")
step("change", lambda: change(full_name="Ann Changed"))
step("disable", lambda: change(active=False))
step("enable", lambda: change(active=True))
step("group", lambda: group(True))
step("join", lambda: change(groups=["tool-crew"]))
step("leave", lambda: change(groups=[]))
step("ungroup", lambda: group(False))
step("delete", delete)
end()
