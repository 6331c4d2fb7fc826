"""``kvota company``."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kvota.cli import OK
from kvota.cli.options import Where, given
from kvota.errors import Invalid

if TYPE_CHECKING:
    from kvota.cli.door import Answer

_HERE = Where()
Tools = Annotated[list[str] | None, Parameter(name="--tool-off", negative=())]


def create(
    company: str,
    /,
    *,
    name: str,
    plan: str,
    time_zone: str = "UTC",
    locale: str | None = None,
    allowance_override: int | None = None,
    tool_off: Tools = None,
    require_user: Annotated[bool | None, Parameter(negative=())] = None,
    where: Where = _HERE,
) -> int:
    """Create a company. Makes the store too where there is none yet.

    For example:

        kvota company create acme --name Acme --plan basic --time-zone Europe/Moscow

    Parameters
    ----------
    company
        Its id: 1 to 64 of A-Z a-z 0-9 . _ : @ -
    name
        Its name, for people.
    plan
        A plan of the catalogue (kvota catalogue show lists them).
    time_zone
        The IANA zone in which its days and months are reckoned.
    locale
        en or ru: the language of its pages.
    allowance_override
        Free AI requests a month of its own, instead of the plan's.
    tool_off
        A tool to switch off; may be given several times.
    require_user
        Decline usage that names no user.
    """
    from kvota.cli.door import opened

    body = given(name=name, plan=plan, time_zone=time_zone, locale=locale, allowance_override=allowance_override,
                 tools_off=tool_off, require_user=require_user)  # fmt: skip
    with opened(where, may_create=True) as door:
        found = door.ask("GET", "companies", company)
        if found.status == 200:  # noqa: PLR2004 - there is one
            raise Invalid.field("company", "is there already; `kvota company set` changes it", company)
        return _show(door.ask("PUT", "companies", company, body=body), where, "Created")


def set_(
    company: str,
    /,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    locale: str | None = None,
    allowance_override: int | None = None,
    no_allowance_override: Annotated[bool, Parameter(negative=())] = False,
    tool_off: Tools = None,
    all_tools_on: Annotated[bool, Parameter(negative=())] = False,
    require_user: bool | None = None,
    where: Where = _HERE,
) -> int:
    """Change a company's settings; what is not given stays as it is. For its plan there is kvota plan change.

    For example:

        kvota company set acme --allowance-override 500 --tool-off sites

    Parameters
    ----------
    company
        Its id.
    name
        Its name, for people.
    time_zone
        Its IANA zone; a new one takes effect when the present month has ended in both.
    locale
        en or ru.
    allowance_override
        Free AI requests a month of its own, instead of the plan's.
    no_allowance_override
        Back to the plan's allowance.
    tool_off
        The tools that are off, each with an option of its own; replaces the present list.
    all_tools_on
        Switch all tools on.
    require_user
        Whether usage that names no user is declined.
    """
    body = given(name=name, time_zone=time_zone, locale=locale, allowance_override=allowance_override,
                 tools_off=tool_off, require_user=require_user)  # fmt: skip
    if no_allowance_override:
        _clear(body, "allowance_override", "--no-allowance-override")
    if all_tools_on:
        _clear(body, "tools_off", "--all-tools-on")
    return _change(company, body, where)


def _clear(body: dict[str, Any], field: str, option: str) -> None:
    if field in body:
        raise Invalid(f"{option} and a value for the same setting cannot both be given.")
    body[field] = None


def _change(company: str, body: dict[str, Any], where: Where) -> int:
    from kvota.cli.door import opened

    if not body:
        raise Invalid("Nothing to change: give at least one setting, --name for example.")
    with opened(where) as door:
        return _show(door.ask("PATCH", "companies", company, body=body), where, "Changed")


def show(company: str, /, *, where: Where = _HERE) -> int:
    """Show a company's settings.

    For example:

        kvota company show acme

    Parameters
    ----------
    company
        Its id.
    """
    from kvota.cli.door import opened

    with opened(where) as door:
        return _show(door.ask("GET", "companies", company), where, "Company")


def list_(*, after: str | None = None, limit: int = 100, where: Where = _HERE) -> int:
    """List the companies.

    For example:

        kvota company list --limit 20

    Parameters
    ----------
    after
        Those after this id.
    limit
        At most so many, 1 to 1000.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import page

    columns = [("company", "id"), ("name", "name"), ("plan", "plan"), ("time zone", "time_zone"),
               ("suspended", "suspended"), ("created at", "created_at")]  # fmt: skip
    with opened(where) as door:
        return page("Companies", door.ask("GET", "companies", query={"after": after, "limit": limit}), where, columns)


def suspend(company: str, /, *, reason: str | None = None, where: Where = _HERE) -> int:
    """Suspend a company: from now on its calls are declined. What is open can still be captured and voided.

    For example:

        kvota company suspend acme --reason "invoice 17 is overdue"

    Parameters
    ----------
    company
        Its id.
    reason
        Why; kept in the ledger.
    """
    return _post(company, "suspend", reason, where, "Suspended")


def resume(company: str, /, *, reason: str | None = None, where: Where = _HERE) -> int:
    """Let a suspended company go on.

    For example:

        kvota company resume acme

    Parameters
    ----------
    company
        Its id.
    reason
        Why; kept in the ledger.
    """
    return _post(company, "resume", reason, where, "Resumed")


def _post(company: str, what: str, reason: str | None, where: Where, done: str) -> int:
    from kvota.cli.door import opened
    from kvota.cli.screen import is_told, say

    with opened(where) as door:
        answer = door.ask("POST", "companies", company, what, body=given(reason=reason))
    if not is_told(answer, where):
        say(f"{done}: {company}")
    return OK


def _show(answer: "Answer", where: Where, title: str) -> int:
    from kvota.cli.screen import show_fields

    return show_fields(answer, where, title)
