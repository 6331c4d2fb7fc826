"""The users' directory."""

from typing import TypedDict, Unpack

from kvota.asks.ask import Ask, Pages, company_path, own_id, paged
from kvota.wire import replies, requests


class PersonFields(TypedDict, total=False):
    """What the directory knows of somebody. None clears; what is left out stays as it is."""

    name: str | None
    email: str | None
    department: str | None


def put_user(company: str, user: str, **person: Unpack[PersonFields]) -> Ask[replies.Person]:
    """Add somebody to the directory, or change what is given; None clears.

    A usage that names no department takes the one that its user has here at that moment.
    """
    return Ask(
        operation="put_user",
        method="PUT",
        **company_path(company, "/users/{user}", user=own_id("user", user)),
        kind=requests.PersonRequest,
        body=dict(person),
        reply=replies.Person,
    )


def users(company: str) -> Pages[replies.Person]:
    """The directory, by id."""
    return Pages(
        Ask(
            operation="list_users",
            method="GET",
            **company_path(company, "/users"),
            query=paged(),
            reply=replies.Page[replies.Person],
        )
    )


def get_user(company: str, user: str) -> Ask[replies.Person]:
    """One person of the directory."""
    where = company_path(company, "/users/{user}", user=user)
    return Ask(operation="get_user", method="GET", **where, reply=replies.Person)


def erase_user(company: str, user: str) -> Ask[None]:
    """Erase a person; entries and statistics keep the id."""
    return Ask(operation="erase_user", method="DELETE", **company_path(company, "/users/{user}", user=user))
