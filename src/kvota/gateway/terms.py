"""On whose account a call goes and as what: the key's role, the headers ``X-Kvota-…``, and the catalogue's table."""

import re
from collections.abc import Mapping

from kvota.asgi.auth import ADMIN, APP, MEMBER
from kvota.core.account import Usage
from kvota.core.catalogue import MAX_QUANTITY, Action, Catalogue
from kvota.errors import FieldError, Forbidden, Invalid, QuantityMissing
from kvota.gateway.asked import Asked
from kvota.store import ApiKey
from kvota.wire.fields import is_id

ACTION, SUBJECT, USER = b"x-kvota-action", b"x-kvota-subject", b"x-kvota-user"
QUANTITIES, STAGES = b"x-kvota-quantities", b"x-kvota-stages"
OF_APPS = (USER, QUANTITIES, STAGES)
MAX_TEXT = {ACTION: 64, SUBJECT: 200, USER: 64, QUANTITIES: 1000, STAGES: 1000}
_QUANTITY = re.compile(r"\s*([a-z][a-z0-9_]{0,63})\s*=\s*([0-9]{1,7})\s*")


def check_caller(key: ApiKey) -> str:
    """The company that a call is charged to. Raises ``Forbidden`` for a role that uses no assistant."""
    if key.company is None or key.role not in (ADMIN, APP, MEMBER):
        raise Forbidden(f"The role {key.role} may not use the gateway: it is for {ADMIN}, {APP}, {MEMBER}.")
    return key.company


def usage_of(asked: Asked, key: ApiKey, headers: Mapping[bytes, bytes], catalogue: Catalogue) -> Usage:
    """What the call is to be charged as.

    A member is its key's user, and names nothing that could make a call cheaper: no quantities, no stages, no action
    that does not count the pictures asked for, and no subject for an action whose stages are paid once for it. Raises
    ``Forbidden``, ``Invalid``, ``QuantityMissing``; what the engine refuses by itself is left to it.
    """
    given = {name: text for name in MAX_TEXT if (text := _text(name, headers)) is not None}
    if key.role == MEMBER:
        for name in OF_APPS:
            if name in given and not (name == USER and given[name] == key.user):
                raise Forbidden(f"A member's key does not send {_shown(name)}: leave it out.")
    user = key.user if key.role == MEMBER else given.get(USER)
    if user is not None and not is_id(user):
        raise _refused(USER, "must be 1 to 64 characters of A-Z, a-z, 0-9 and . _ : @ -", user)
    default = catalogue.gateway.get(asked.route)
    name, stages = given.get(ACTION), _stages(given.get(STAGES))
    if name is None and default is not None:
        name, stages = default.action, default.stages if stages is None else stages
    if name is None:
        raise _refused(ACTION, "is needed: the catalogue's table [gateway] has no action for this route", None)
    quantities = {**_quantities(given.get(QUANTITIES)), **asked.quantities}
    action = catalogue.actions.get(name)
    if action is not None:
        if key.role == MEMBER:
            _check_member(action, asked, has_subject=SUBJECT in given)
        quantities = _needed(action, quantities)
    return Usage(action=name, quantities=quantities, stages=stages, subject=given.get(SUBJECT), user=user)


def _check_member(action: Action, asked: Asked, *, has_subject: bool) -> None:
    uncounted = [one for one in asked.quantities if one not in action.quantities]
    if uncounted:
        raise Forbidden(f"A member's key asks for {uncounted[0]} only as an action that counts them, not {action.id}.")
    if has_subject and action.once_per_subject:
        raise Forbidden(f"A member's key names no subject for {action.id}, whose stages are paid once for it.")


def _needed(action: Action, known: Mapping[str, int]) -> dict[str, int]:
    """The quantities that the action's price reads; ``QuantityMissing`` where one is not known."""
    missing = [one for one in action.quantities if one not in known]
    if missing:
        raise QuantityMissing(
            f"{action.id} needs the quantity {missing[0]!r}, which this call does not tell.",
            errors=[FieldError(f"quantities.{one}", f"is needed to price {action.id}") for one in missing],
        )
    return {one: known[one] for one in action.quantities}


def _text(name: bytes, headers: Mapping[bytes, bytes]) -> str | None:
    value = headers.get(name)
    if value is None or not value.strip():
        return None
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        raise _refused(name, "must be text in UTF-8", None) from None
    if len(text) > MAX_TEXT[name] or not text.isprintable():
        raise _refused(name, f"must be text of 1 to {MAX_TEXT[name]} printable characters", text[:80])
    return text


def _stages(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(stage.strip() for stage in text.split(","))


def _quantities(text: str | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in [] if text is None else text.split(","):
        pair = _QUANTITY.fullmatch(one)
        if pair is None or int(pair.group(2)) > MAX_QUANTITY or pair.group(1) in found:
            raise _refused(QUANTITIES, "must be names with whole numbers, each once: images=3, participants=2", text)
        found[pair.group(1)] = int(pair.group(2))
    return found


def _refused(name: bytes, rule: str, value: str | None) -> Invalid:
    return Invalid(f"{_shown(name)}: {rule}", errors=[FieldError(_shown(name), rule, value)])


def _shown(name: bytes) -> str:
    return "-".join(part.capitalize() for part in name.decode().split("-"))
