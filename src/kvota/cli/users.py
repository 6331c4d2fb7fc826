"""``kvota user``."""

from typing import Annotated

from cyclopts import Parameter

from kvota.cli import OK
from kvota.cli.options import Where, given
from kvota.errors import Invalid

_HERE = Where()
_COLUMNS = [("user", "id"), ("name", "name"), ("e-mail", "email"), ("department", "department")]


def put(
    company: str,
    user: str,
    /,
    *,
    name: str | None = None,
    no_name: Annotated[bool, Parameter(negative=())] = False,
    email: str | None = None,
    no_email: Annotated[bool, Parameter(negative=())] = False,
    department: str | None = None,
    no_department: Annotated[bool, Parameter(negative=())] = False,
    where: Where = _HERE,
) -> int:
    """Add somebody to the directory, or change what is given.

    Usage that names no department counts for the one that its user has here at that moment.

    For example:

        kvota user put acme anna --name "Anna Petrova" --department sales

    Parameters
    ----------
    company
        The company.
    user
        The id that usage names.
    name
        The person's name.
    no_name
        Clear the name.
    email
        The e-mail address.
    no_email
        Clear the address.
    department
        The department that usage counts for.
    no_department
        Clear the department.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import show_fields

    body = given(name=name, email=email, department=department)
    for field, is_cleared in (("name", no_name), ("email", no_email), ("department", no_department)):
        if is_cleared and field in body:
            raise Invalid(f"--no-{field} and a value for the same cannot both be given.")
        if is_cleared:
            body[field] = None
    with opened(where) as door:
        return show_fields(door.ask("PUT", "companies", company, "users", user, body=body), where, "User")


def show(company: str, user: str, /, *, where: Where = _HERE) -> int:
    """Show what the directory knows of a user.

    For example:

        kvota user show acme anna

    Parameters
    ----------
    company
        The company.
    user
        The user's id.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import show_fields

    with opened(where) as door:
        return show_fields(door.ask("GET", "companies", company, "users", user), where, "User")


def list_(company: str, /, *, after: str | None = None, limit: int = 100, where: Where = _HERE) -> int:
    """List the directory.

    For example:

        kvota user list acme

    Parameters
    ----------
    company
        The company.
    after
        Those after this id.
    limit
        At most so many, 1 to 1000.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import page

    with opened(where) as door:
        answer = door.ask("GET", "companies", company, "users", query={"after": after, "limit": limit})
        return page(f"Users of {company}", answer, where, _COLUMNS)


def erase(company: str, user: str, /, *, where: Where = _HERE) -> int:
    """Erase a person from the directory: name, e-mail address and department are gone.

    Entries and statistics keep the user's id, and stay as they are.

    For example:

        kvota user erase acme anna

    Parameters
    ----------
    company
        The company.
    user
        The user's id.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import is_told, say

    with opened(where) as door:
        answer = door.ask("DELETE", "companies", company, "users", user)
    if not is_told(answer, where):
        say(f"Erased: {user}")
    return OK
