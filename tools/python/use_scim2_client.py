from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SearchRequest

from session import GROUP, TOKEN, URL, USER, end, step

scim = SyncSCIMClient(Client(base_url=URL, headers={"Authorization": f"Bearer {TOKEN}"}))
made = {}


def create():
    scim.discover()
    user = scim.get_resource_model("User")
    made["user"] = scim.create(user(user_name=USER, display_name="Ann Tool", active=True, name=user.Name(given_name="Ann", family_name="Tool"),
                                    emails=[user.Emails(value=USER, primary=True)]))


def users(**query):
    return scim.query(scim.get_resource_model("User"), query_parameters=SearchRequest(**query))


def every():
    seen, total = 0, 1
    while seen < total:
        page = users(count=50, start_index=seen + 1)
        total, seen = page.total_results, seen + len(page.resources)
    return seen


def modify(key, op, path, value=None):
    model = type(made[key])
    scim.modify(model, made[key].id, PatchOp[model](operations=[PatchOperation[model](op=op, path=path, value=value)]))


def enable():
    user = scim.query(type(made["user"]), made["user"].id)
    user.active = True
    scim.replace(user)


def group():
    made["group"] = scim.create(scim.get_resource_model("Group")(display_name=GROUP))


def join():
    member = type(made["group"]).Members(value=made["user"].id)
    modify("group", "add", "members", [member.model_dump(exclude_none=True)])


step("create", create)
step("read", lambda: scim.query(type(made["user"]), made["user"].id).user_name)
step("list", every)
step("filter", lambda: [u.id for u in users(filter=f'userName eq "{USER}"').resources])
step("change", lambda: modify("user", "replace", "displayName", "Ann Changed"))
step("disable", lambda: modify("user", "replace", "active", False))
step("enable", enable)
step("group", group)
step("join", join)
step("leave", lambda: modify("group", "remove", f'members[value eq "{made["user"].id}"]'))
step("ungroup", lambda: scim.delete(type(made["group"]), made["group"].id))
step("delete", lambda: scim.delete(type(made["user"]), made["user"].id))
end()
