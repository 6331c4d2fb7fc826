"""``kvota key``."""

from typing import Annotated, Literal

from cyclopts import Parameter

from kvota.cli import CALLER_ERRED, OK
from kvota.cli.options import Where, given
from kvota.errors import Invalid

_HERE = Where()
_COLUMNS = [("key", "id"), ("role", "role"), ("user", "user"), ("label", "label"), ("actions", "actions")]


def create(
    company: str | None = None,
    /,
    *,
    role: Literal["operator", "admin", "app", "member", "auditor"],
    user: str | None = None,
    label: str | None = None,
    action: Annotated[list[str] | None, Parameter(negative=())] = None,
    where: Where = _HERE,
) -> int:
    """Make an API key. Its secret is shown this once and stored nowhere.

    An operator's key belongs to no company and is made on the store itself
    (--store), never through a server.

    For example:

        kvota key create acme --role app --label "our CRM" --action crm_call_processing

    Parameters
    ----------
    company
        The company that it opens; none for an operator's key.
    role
        operator: everything; admin: one company; app: charges for any user of it; member: one person; auditor: reads.
    user
        The person, for a member's key.
    label
        What it is for.
    action
        An action that it is bound to; may be given several times.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import note, show_fields

    if role == "operator":
        return _create_operator(company, label, where)
    if company is None:
        raise Invalid(f"A key of the role {role} opens one company: name it.")
    body = given(role=role, user=user, label=label, actions=action)
    with opened(where) as door:
        answer = door.ask("POST", "companies", company, "keys", body=body)
    code = show_fields(answer, where, "Key")
    if not where.json:
        note("Keep the key now: it is shown this once.")
    return code


def _create_operator(company: str | None, label: str | None, where: Where) -> int:
    import msgspec

    from kvota.cli.opening import open_here
    from kvota.cli.screen import facts, note, say

    if company is not None:
        raise Invalid("An operator's key belongs to no company: leave the company out.")
    settings = where.settings()
    if settings.url is not None:
        raise Invalid("An operator's key is made on the store itself: give --store, and not --url.")
    meter = open_here(settings, may_create=False)
    try:
        key, secret = meter.reads.make_key(role="operator", label=label, operator="")
    finally:
        meter.close()
    fields = {"id": key.id, "role": key.role, "user": None, "label": label, "actions": None, "key": secret}
    if where.json:
        say(msgspec.json.encode(fields).decode())
    else:
        facts("Key", fields.items())
        note("Keep the key now: it is shown this once.")
    return OK


def list_(company: str | None = None, /, *, after: str | None = None, limit: int = 100, where: Where = _HERE) -> int:
    """List a company's keys, without their secrets; without a company the operator's (with --store).

    For example:

        kvota key list acme

    Parameters
    ----------
    company
        Its id.
    after
        Those after this id.
    limit
        At most so many, 1 to 1000.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import page

    if company is None:
        return _list_operators(where)
    with opened(where) as door:
        answer = door.ask("GET", "companies", company, "keys", query={"after": after, "limit": limit})
        return page(f"Keys of {company}", answer, where, _COLUMNS)


def _list_operators(where: Where) -> int:
    import msgspec

    from kvota.cli.opening import open_here
    from kvota.cli.screen import listing, say

    settings = where.settings()
    if settings.url is not None:
        raise Invalid("The operator's keys are listed from the store itself: give --store, and not --url.")
    meter = open_here(settings, may_create=False)
    try:
        found = meter.reads.keys(None, "", 1000)
    finally:
        meter.close()
    if where.json:
        items = [{"id": key.id, "role": key.role, "label": key.label} for key in found]
        say(msgspec.json.encode({"items": items, "next": None}).decode())
    else:
        listing("The operator's keys", ["key", "role", "label"], [[key.id, key.role, key.label] for key in found])
    return OK


def revoke(company: str, key: str | None = None, /, *, where: Where = _HERE) -> int:
    """Revoke a key: within a second nothing opens with it any more.

    For example:

        kvota key revoke acme key_0123456789abcdef

    Parameters
    ----------
    company
        The company; for an operator's key leave it out (with --store).
    key
        The id of the key, as kvota key list shows it.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import is_told, note, say

    if key is None:
        from kvota.cli.opening import open_here

        settings = where.settings()
        if settings.url is not None or not company.startswith("key_"):
            raise Invalid("Name the company and then the key; an operator's key is revoked on the store (--store).")
        meter = open_here(settings, may_create=False)
        try:
            is_revoked = meter.reads.revoke_key(None, company, operator="")
        finally:
            meter.close()
        if not is_revoked:
            note(f"error: there is no operator's key {company!r}. `kvota key list` shows those that there are.")
            return CALLER_ERRED
        say(f"Revoked: {company}")
        return OK
    with opened(where) as door:
        answer = door.ask("DELETE", "companies", company, "keys", key)
    if not is_told(answer, where):
        say(f"Revoked: {key}")
    return OK
