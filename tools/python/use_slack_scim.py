from slack_scim import SCIMClient

from session import GROUP, TOKEN, URL, USER, cannot, end, step

slack = SCIMClient(token=TOKEN, base_url=URL)
person = {"userName": USER, "displayName": "Ann Tool", "name": {"givenName": "Ann", "familyName": "Tool"}, "emails": [{"value": USER, "primary": True}]}
made = {}


def create():
    made["user"] = slack.create_user(dict(person)).id


def every():
    seen, total = 0, 1
    while seen < total:
        page = slack.search_users(count=50, start_index=seen + 1)
        total, seen = page.total_results, seen + len(page.resources)
    return seen


def update(**changes):
    user = slack.read_user(made["user"])
    for name, value in changes.items():
        setattr(user, name, value)
    slack.update_user(made["user"], user)


def group():
    made["group"] = slack.create_group({"displayName": GROUP}).id


def members(*ids):
    slack.update_group(made["group"], {"displayName": GROUP, "members": [{"value": i} for i in ids]})


step("create", create)
step("read", lambda: slack.read_user(made["user"]).user_name)
step("list", every)
step("filter", lambda: [u.id for u in slack.search_users(filter=f'userName eq "{USER}"').resources])
step("change", lambda: update(display_name="Ann Changed"))
step("disable", lambda: update(active=False))
step("enable", lambda: update(active=True))
step("group", group)
step("join", lambda: members(made["user"]))
step("leave", lambda: members())
step("ungroup", lambda: slack.delete_group(made["group"]))
step("delete", lambda: slack.delete_user(made["user"]))
end()
