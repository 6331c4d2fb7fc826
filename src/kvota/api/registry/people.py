"""The users' directory."""

from kvota.api import routes_people
from kvota.api.registry.operation import ADMINS, COMPANY, SEERS, Operation, operation
from kvota.wire import queries, replies, requests


def people() -> list[Operation]:
    """The users' directory."""
    return [
        operation(
            "put_user", ADMINS, f"PUT {COMPANY}/users/{{user}}", "Add somebody to the directory, or change it",
            routes_people.put_user, 200, 201, tag="People", body=requests.PersonRequest, reply=replies.Person,
        ),
        operation(
            "list_users", SEERS, f"GET {COMPANY}/users", "A page of the directory, by id",
            routes_people.list_users, tag="People", query=queries.PageQuery, reply=replies.Page[replies.Person],
        ),
        operation(
            "get_user", SEERS, f"GET {COMPANY}/users/{{user}}", "One person of the directory",
            routes_people.get_user, tag="People", reply=replies.Person, codes=("not_found",),
        ),
        operation(
            "erase_user", ADMINS, f"DELETE {COMPANY}/users/{{user}}",
            "Erase a person; entries and statistics keep the id",
            routes_people.erase_user, 204, tag="People", codes=("not_found",),
        ),
    ]  # fmt: skip
