from databricks.sdk import WorkspaceClient
from databricks.sdk.service.iam import ComplexValue, Name, Patch, PatchOp, PatchSchema

from session import GROUP, TOKEN, URL, USER, end, step

w = WorkspaceClient(host=URL, token=TOKEN, auth_type="pat")
SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
made = {}


def create():
    made["user"] = w.users_v2.create(user_name=USER, display_name="Ann Tool", name=Name(given_name="Ann", family_name="Tool"), active=True).id


def patch(**changes):
    """Without path: a Patch leaves out a value that is False by itself."""
    w.users_v2.patch(made["user"], operations=[Patch(op=PatchOp.REPLACE, value=changes)], schemas=SCHEMAS)


def enable():
    user = w.users_v2.get(made["user"])
    w.users_v2.update(user.id, user_name=user.user_name, display_name=user.display_name, name=user.name, emails=user.emails, active=True)


def group():
    made["group"] = w.groups_v2.create(display_name=GROUP).id


def members(op, path, value=None):
    w.groups_v2.patch(made["group"], operations=[Patch(op=op, path=path, value=value)], schemas=SCHEMAS)


step("create", create)
step("read", lambda: w.users_v2.get(made["user"]).user_name)
step("list", lambda: len(list(w.users_v2.list(attributes="id,userName"))))
step("filter", lambda: [u.id for u in w.users_v2.list(filter=f'userName eq "{USER}"')])
step("change", lambda: patch(displayName="Ann Changed"))
step("disable", lambda: patch(active=False))
step("enable", enable)
step("group", group)
step("join", lambda: members(PatchOp.ADD, "members", [ComplexValue(value=made["user"]).as_dict()]))
step("leave", lambda: members(PatchOp.REMOVE, f'members[value eq "{made["user"]}"]'))
step("ungroup", lambda: w.groups_v2.delete(made["group"]))
step("delete", lambda: w.users_v2.delete(made["user"]))
end()
