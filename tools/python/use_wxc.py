from requests.adapters import HTTPAdapter
from wxc_sdk import WebexSimpleApi
from wxc_sdk.scim.groups import ScimGroup, ScimGroupMember
from wxc_sdk.scim.users import EmailObject, EmailObjectType, NameObject, PatchUserOperation, PatchUserOperationOp, ScimUser

from session import GROUP, TOKEN, URL, USER, end, step


class Elsewhere(HTTPAdapter):
    """Carries what is meant for Webex to the server, as a name server and a certificate of one's own would."""

    def send(self, request, **options):
        request.url = request.url.replace("https://webexapis.com", URL)
        return super().send(request, **options)


api = WebexSimpleApi(tokens=TOKEN)
api.session.mount("https://webexapis.com", Elsewhere())
users, groups, ORG = api.scim.users, api.scim.groups, "org"
made = {}


def create():
    made["user"] = users.create(ORG, ScimUser(user_name=USER, display_name="Ann Tool", active=True, name=NameObject(given_name="Ann", family_name="Tool"),
                                              emails=[EmailObject(value=USER, type=EmailObjectType.work, primary=True)])).id


def patch(path, value):
    users.patch(ORG, made["user"], [PatchUserOperation(op=PatchUserOperationOp.replace, path=path, value=value)])


def update():
    user = users.details(ORG, made["user"])
    user.active = True
    users.update(ORG, user)


def group():
    made["group"] = groups.create(ORG, ScimGroup(display_name=GROUP)).id


def join():
    """With PUT: what it sends in PATCH can be text alone."""
    crew = groups.details(ORG, made["group"])
    crew.members = [ScimGroupMember(value=made["user"], type="user")]
    groups.update(ORG, crew)


def leave():
    groups.patch(ORG, made["group"], operations=[PatchUserOperation(op="remove", path=f'members[value eq "{made["user"]}"]')])


step("create", create)
step("read", lambda: users.details(ORG, made["user"]).user_name)
step("list", lambda: len(list(users.search_all(ORG, count=50))))
step("filter", lambda: [u.id for u in users.search(ORG, filter=f'userName eq "{USER}"').resources])
step("change", lambda: patch("displayName", "Ann Changed"))
step("disable", lambda: patch("active", "false"))
step("enable", update)
step("group", group)
step("join", join)
step("leave", leave)
step("ungroup", lambda: groups.delete(ORG, made["group"]))
step("delete", lambda: users.delete(ORG, made["user"]))
end()
