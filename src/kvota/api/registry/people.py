"""The users' directory, and what its people ask for."""

from kvota.api import routes_appeals, routes_people
from kvota.api.registry.operation import ADMINS, ASKERS, COMPANY, REPORTED, SEERS, Operation, operation
from kvota.wire import appeals as wire
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


def appeals() -> list[Operation]:
    """What members ask their administrators for."""
    return [
        operation(
            "make_appeal", ASKERS, f"POST {COMPANY}/appeals", "Ask the administrator for more; a member for himself",
            routes_appeals.make_appeal, 201, 200, tag="Appeals", body=wire.AppealRequest, reply=wire.Appeal,
        ),
        operation(
            "list_appeals", REPORTED, f"GET {COMPANY}/appeals", "A page of appeals, by age; a member sees his own",
            routes_appeals.list_appeals, tag="Appeals", query=wire.AppealsQuery, reply=replies.Page[wire.Appeal],
        ),
        operation(
            "grant_appeal", ADMINS, f"POST {COMPANY}/appeals/{{appeal}}/grant", "Say yes: set a cap, or order a boost",
            routes_appeals.grant_appeal, tag="Appeals", body=wire.GrantRequest, reply=wire.Appeal,
            codes=("not_found", "appeal_closed", "unknown_boost"),
        ),
        operation(
            "refuse_appeal", ADMINS, f"POST {COMPANY}/appeals/{{appeal}}/refuse", "Say no",
            routes_appeals.refuse_appeal, tag="Appeals", body=wire.RefuseRequest, reply=wire.Appeal,
            codes=("not_found", "appeal_closed"),
        ),
    ]  # fmt: skip
