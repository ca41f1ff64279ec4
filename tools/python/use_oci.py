import oci
from oci.identity_domains import IdentityDomainsClient, models
from requests.auth import AuthBase

from session import GROUP, TOKEN, URL, USER, end, step


class Bearer(AuthBase):
    """The signer for a token; Oracle's own sign for Oracle."""

    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + TOKEN
        return request

    def do_request_sign(self, request, **_):
        return self(request)


CORE = "urn:ietf:params:scim:schemas:core:2.0:"
PATCH = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
UNUSED = {"user": "ocid1.user.oc1..a", "tenancy": "ocid1.tenancy.oc1..a", "region": "eu-frankfurt-1", "fingerprint": ":".join(["00"] * 16), "key_file": "none"}
client = IdentityDomainsClient(UNUSED, service_endpoint=URL, signer=Bearer(), retry_strategy=oci.retry.NoneRetryStrategy())
made = {}


def create():
    user = models.User(schemas=[CORE + "User"], user_name=USER, display_name="Ann Tool", active=True, name=models.UserName(given_name="Ann", family_name="Tool"),
                       emails=[models.UserEmails(value=USER, type="work", primary=True)])
    made["user"] = client.create_user(user=user).data.id


def every():
    seen, total = 0, 1
    while seen < total:
        page = client.list_users(count=50, start_index=seen + 1).data
        total, seen = page.total_results, seen + len(page.resources)
    return seen


def patch(path, value):
    client.patch_user(made["user"], patch_op=models.PatchOp(schemas=PATCH, operations=[models.Operations(op="REPLACE", path=path, value=value)]))


def enable():
    user = client.get_user(made["user"]).data
    user.active = True
    client.put_user(made["user"], user=user)


def group():
    made["group"] = client.create_group(group=models.Group(schemas=[CORE + "Group"], display_name=GROUP)).data.id


def members(op, path, value=None):
    client.patch_group(made["group"], patch_op=models.PatchOp(schemas=PATCH, operations=[models.Operations(op=op, path=path, value=value)]))


step("create", create)
step("read", lambda: client.get_user(made["user"]).data.user_name)
step("list", every)
step("filter", lambda: [u.id for u in client.list_users(filter=f'userName eq "{USER}"').data.resources])
step("change", lambda: patch("displayName", "Ann Changed"))
step("disable", lambda: patch("active", False))
step("enable", enable)
step("group", group)
step("join", lambda: members("ADD", "members", [{"value": made["user"], "type": "User"}]))
step("leave", lambda: members("REMOVE", f'members[value eq "{made["user"]}"]'))
step("ungroup", lambda: client.delete_group(made["group"]))
step("delete", lambda: client.delete_user(made["user"]))
end()
