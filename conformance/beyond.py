"""What scim2-tester leaves out, asked by the client that it is built on, which checks every answer against the schemas."""

import uuid

from scim2_models import SearchRequest

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def post(path, bulk_id, data):
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def user(name):
    return {"schemas": [USER], "userName": name, "emails": [{"value": name}]}


def bulk(client, operations, **members):
    """The operations of the answer."""
    return client.bulk({"schemas": [BULK], "Operations": operations, **members}).operations


def statuses(operations):
    return [str(operation.status) for operation in operations]


def bulk_with_references(client, domain):
    """A group that names its member by bulkId, before the member is created."""
    name = f"{uuid.uuid4()}@{domain}"
    group = {"schemas": [GROUP], "displayName": name, "members": [{"value": "bulkId:member"}]}
    made = bulk(client, [post("/Groups", "group", group), post("/Users", "member", user(name))])
    assert statuses(made) == ["201", "201"], made
    group_id, user_id = (str(operation.location).rpartition("/")[2] for operation in made)
    members = client.query(client.get_resource_model("Group"), group_id).members
    assert [member.value for member in members] == [user_id], members
    gone = bulk(client, [{"method": "DELETE", "path": f"/Groups/{group_id}"}, {"method": "DELETE", "path": f"/Users/{user_id}"}])
    assert statuses(gone) == ["204", "204"], gone


def bulk_with_a_failure(client, domain):
    """One operation that is refused; the others are done, in order."""
    names = [f"{uuid.uuid4()}@{domain}" for _ in range(2)]
    bad = {"schemas": [USER], "userName": "nobody"}
    made = bulk(client, [post("/Users", "a", user(names[0])), post("/Users", "b", bad), post("/Users", "c", user(names[1]))])
    assert statuses(made) == ["201", "400", "201"], made
    for operation in made[::2]:
        client.delete(client.get_resource_model("User"), str(operation.location).rpartition("/")[2])


def bulk_that_stops(client, domain):
    """failOnErrors: what comes after the failure is not done."""
    bad = {"schemas": [USER], "userName": "nobody"}
    made = bulk(client, [post("/Users", "a", bad), {"method": "DELETE", "path": "/Users/none"}], failOnErrors=1)
    assert statuses(made) == ["400"], made


def lists_by_cursor(client, domain):
    """The pages by cursor have the users that the pages by index have, each once."""
    model = client.get_resource_model("User")
    by_index, by_cursor, cursor = [], [], ""
    while not by_index or len(by_index) < page.total_results:
        page = client.query(model, query_parameters=SearchRequest(start_index=len(by_index) + 1, count=70))
        by_index += [resource.id for resource in page.resources]
    while cursor is not None:
        page = client.query(model, query_parameters=SearchRequest(cursor=cursor, count=70))
        by_cursor += [resource.id for resource in page.resources]
        cursor = page.next_cursor
    assert sorted(by_cursor) == sorted(by_index), (len(by_cursor), len(by_index))
    assert len(set(by_index)) == page.total_results, page.total_results


CHECKS = [bulk_with_references, bulk_with_a_failure, bulk_that_stops, lists_by_cursor]


def report(client, domain):
    """Yields (check, passed, what was said)."""
    for check in CHECKS:
        try:
            check(client, domain)
        except Exception as failure:  # of any kind: it is what the client says of the server
            yield check.__name__, False, repr(failure)
        else:
            yield check.__name__, True, ""
