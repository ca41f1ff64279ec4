from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkidentitycenterscim import v1 as scim
from huaweicloudsdkidentitycenterscim.v1.identitycenterscim_credentials import IdentityCenterSCIMCredentials

from session import GROUP, TOKEN, URL, USER, cannot, end, step

client = scim.IdentityCenterSCIMClient.new_builder().with_http_config(HttpConfig()).with_credentials(
    IdentityCenterSCIMCredentials()).with_endpoint(URL).build()
WHO = {"authorization": f"Bearer {TOKEN}", "tenant_id": "tenant"}
made = {}


def create():
    made["user"] = client.create_user(scim.CreateUserRequest(**WHO, body=scim.CreateUserReqBody(
        user_name=USER, display_name="Ann Tool", active=True, name=scim.NameDto(given_name="Ann", family_name="Tool"),
        emails=[scim.EmailItemDto(value=USER, type="work", primary=True)]))).id


def patch(path, value):
    body = scim.PatchUserReqBody(operations=[scim.OperationItemDto(op="replace", path=path, value=value)])
    client.patch_user(scim.PatchUserRequest(**WHO, user_id=made["user"], body=body))


def enable():
    client.put_user(scim.PutUserRequest(**WHO, user_id=made["user"], body=scim.UpdateUserReqBody(
        user_name=USER, display_name="Ann Changed", active=True, name=scim.NameDto(given_name="Ann", family_name="Tool"),
        emails=[scim.EmailItemDto(value=USER, type="work", primary=True)])))


def group():
    made["group"] = client.create_group(scim.CreateGroupRequest(**WHO, body=scim.CreateGroupReqBody(display_name=GROUP))).id


def members(op, path, value=None):
    body = scim.PatchGroupReqBody(operations=[scim.OperationItemDto(op=op, path=path, value=value)])
    client.patch_group(scim.PatchGroupRequest(**WHO, group_id=made["group"], body=body))


step("create", create)
step("read", lambda: client.get_user(scim.GetUserRequest(**WHO, user_id=made["user"])).user_name)
step("list", lambda: len(client.list_users(scim.ListUsersRequest(**WHO)).resources))
cannot("filter", "its list takes no parameters")
step("change", lambda: patch("displayName", "Ann Changed"))
step("disable", lambda: patch("active", False))
step("enable", enable)
step("group", group)
step("join", lambda: members("add", "members", [{"value": made["user"]}]))
step("leave", lambda: members("remove", f'members[value eq "{made["user"]}"]'))
step("ungroup", lambda: client.delete_group(scim.DeleteGroupRequest(**WHO, group_id=made["group"])))
step("delete", lambda: client.delete_user(scim.DeleteUserRequest(**WHO, user_id=made["user"])))
end()
