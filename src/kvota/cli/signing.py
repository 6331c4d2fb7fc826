"""``kvota sign-in``: who may open the dashboard. On the store itself: whoever can open it decides."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from kvota.cli import OK
from kvota.cli.options import Where
from kvota.errors import Invalid, NotFound

if TYPE_CHECKING:
    from kvota.reads import Reads
    from kvota.sign_ins import SignIn

_HERE = Where()


def invite(
    email: str,
    /,
    *,
    role: Literal["operator", "admin", "member", "auditor"],
    company: str | None = None,
    user: str | None = None,
    where: Where = _HERE,
) -> int:
    """Let somebody sign in to the dashboard, and print the link that sets the password: once, within a week.

    For example:

        kvota sign-in invite admin@acme.example --role admin --company acme

    Parameters
    ----------
    email
        The address to sign in with.
    role
        operator: all companies; admin: one company; member: one person of it; auditor: reads.
    company
        The company; none for an operator.
    user
        Which of the company's users it is; a member's.
    """
    with _reads(where) as reads:
        if company is not None:
            reads.company(company)
        _, token = reads.access.invite(email=email, role=role, company=company, user=user)
    return _tell_link(where, email, token)


def reset(email: str, /, *, where: Where = _HERE) -> int:
    """Print a link that sets another password, or accepts the invitation: once, within hours.

    For example:

        kvota sign-in reset admin@acme.example

    Parameters
    ----------
    email
        The address that signs in.
    """
    with _reads(where) as reads:
        token = reads.access.link(_found(reads, email))
    return _tell_link(where, email, token)


def list_(company: str | None = None, /, *, after: str = "", limit: int = 100, where: Where = _HERE) -> int:
    """List who may sign in: of a company, or the operators.

    For example:

        kvota sign-in list acme

    Parameters
    ----------
    company
        Its id.
    after
        Those after this id.
    limit
        At most so many, 1 to 1000.
    """
    import msgspec

    from kvota.cli.screen import listing, say

    with _reads(where) as reads:
        found = reads.access.sign_ins(company, after, limit)
    rows = [(one.id, one.email, one.role, one.user, "no" if one.password is None else "yes") for one in found]
    names = ["id", "email", "role", "user", "accepted"]
    if where.json:
        items = [dict(zip(names, row, strict=True)) for row in rows]
        say(msgspec.json.encode({"items": items}).decode())
    else:
        listing("Sign-ins", names, [[cell or "" for cell in row] for row in rows])
    return OK


def remove(email: str, /, *, where: Where = _HERE) -> int:
    """Let somebody sign in no more, and end all sessions.

    For example:

        kvota sign-in remove admin@acme.example

    Parameters
    ----------
    email
        The address that signs in.
    """
    from kvota.cli.screen import say

    with _reads(where) as reads:
        reads.access.remove(_found(reads, email))
    say(f"Removed: {email}")
    return OK


@contextmanager
def _reads(where: Where) -> "Generator[Reads]":
    from kvota.cli.opening import open_here

    settings = where.settings()
    if settings.url is not None:
        raise Invalid("Sign-ins are kept on the store itself: give --store, and not --url.")
    meter = open_here(settings, may_create=False)
    try:
        yield meter.reads
    finally:
        meter.close()


def _found(reads: "Reads", email: str) -> "SignIn":
    found = reads.access.find(email)
    if found is None:
        raise NotFound("sign_in", email, detail=f"Nobody signs in as {email!r}. `kvota sign-in list` shows who does.")
    return found


def _tell_link(where: Where, email: str, token: str) -> int:
    import msgspec

    from kvota.cli.screen import note, say
    from kvota.settings import DEFAULT_PORT, from_environment

    base = (from_environment().public_url or f"http://127.0.0.1:{DEFAULT_PORT}").rstrip("/")
    link = f"{base}/welcome?token={token}"
    if where.json:
        say(msgspec.json.encode({"email": email, "link": link}).decode())
    else:
        say(link)
        note(f"Give the link to {email}: it sets the password once.")
    return OK
