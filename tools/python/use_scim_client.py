from scim_client.resources import User
from scim_client.scim_client import SCIMClient

from session import TOKEN, URL, USER, cannot, end, step

client = SCIMClient(URL, TOKEN)
made = {}


def create():
    made["user"] = client.create_user(User(id="", external_id="tool-ann", user_name=USER, active=True, display_name="Ann Tool",
                                           name={"given_name": "Ann", "family_name": "Tool"}, emails=[{"value": USER, "primary": True}]))


def every():
    seen, total = 0, 1
    while seen < total:
        page = client.search_users("", count=50, start_index=seen + 1)
        total, seen = page.total_results, seen + len(page.resources)
    return seen


def update(**changes):
    user = client.read_user(made["user"].id)
    for name, value in changes.items():
        setattr(user, name, value)
    client.update_user(user)


step("create", create)
step("read", lambda: client.read_user(made["user"].id).user_name)
step("list", every)
step("filter", lambda: [u.id for u in client.search_users(f'userName eq "{USER}"').resources])
step("change", lambda: update(display_name="Ann Changed"))
step("disable", lambda: update(active=False))
step("enable", lambda: update(active=True))
for name in ("group", "join", "leave", "ungroup"):
    cannot(name, "it knows users alone")
step("delete", lambda: client.delete_user(user=made["user"]))
end()
