"""Errors on stderr: what was wrong, the value, what would be right, and what to do next."""

import sys
from typing import TYPE_CHECKING, Any

import msgspec

from kvota.cli import CALLER_ERRED, WORLD_BROKE
from kvota.errors import CallerError, CatalogueInvalid, WorldError

if TYPE_CHECKING:
    from kvota.cli.door import Answer
    from kvota.cli.options import Output

NEXT = {
    "unauthenticated": "Give a key that the server knows with --key or KVOTA_KEY; `kvota key create` makes one.",
    "forbidden": "Use a key of a role that may; the operator's may do everything.",
    "company_not_found": "`kvota company list` shows what there is, `kvota company create` makes one.",
    "hold_not_found": "`kvota entries COMPANY --kind held` shows the holds.",
    "charge_not_found": "`kvota entries COMPANY --kind charged` shows the charges.",
    "unknown_action": "`kvota catalogue show` lists the actions.",
    "unknown_plan": "`kvota catalogue show` lists the plans.",
    "unknown_boost": "`kvota catalogue show` lists the boosts.",
    "quantity_missing": "Give it with --quantity NAME=NUMBER.",
    "idempotency_key_reused": "Use a new --idempotency-key for a new request.",
    "hold_closed": "Work that was delivered after its hold was closed is a new charge: `kvota charge`.",
    "busy": "Try again in a moment, with the same --idempotency-key.",
    "store_unavailable": "Try again when the store answers, with the same --idempotency-key.",
    "internal": "The server's log says more.",
}
SERVER_FAILED = 500


class Refused(Exception):
    """A problem of the API that ends the command."""

    def __init__(self, answer: "Answer", *, as_json: bool) -> None:
        super().__init__(answer.status)
        self.answer, self.as_json = answer, as_json


def refuse(answer: "Answer", output: "Output") -> None:
    """End the command with the problem."""
    raise Refused(answer, as_json=output.json)


def tell(error: Exception) -> int:
    """Tell what went wrong; the exit code. Raises again what nobody foresaw."""
    match error:
        case Refused():
            _tell_problem(error)
            return WORLD_BROKE if error.answer.status >= SERVER_FAILED else CALLER_ERRED
        case CatalogueInvalid() | CallerError():
            _say(f"error: {error.detail}")
            for one in error.errors:
                _tell_field(error.detail, one.field, one.message, one.value)
            _hint(error.code)
            return CALLER_ERRED
        case WorldError():
            _say(f"error: {error.detail}")
            return WORLD_BROKE
        case OSError():
            _say(f"error: {error.filename or ''}: {error.strerror or error}".replace(" : ", " "))
            return WORLD_BROKE
        case _:
            raise error


def _tell_problem(refused: Refused) -> None:
    answer = refused.answer
    try:
        problem: dict[str, Any] = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    if "code" not in problem:
        _say(f"error: the server answered with status {answer.status}, and not as Kvota does. Is --url right?")
        return
    if refused.as_json:
        _say(answer.body.decode())
        return
    _say(f"error: {problem['title']}: {problem['detail']}")
    for one in problem.get("errors", ()):
        _tell_field(problem["detail"], one["field"], one["message"], one.get("value"))
    _hint(problem["code"])


def _tell_field(told: str, field: str, message: str, value: object) -> None:
    """One field at fault, as far as it has not been told."""
    came = "" if value is None else f"it came as {value!r}"
    if f"{field}: {message}" not in told:
        _say(f"  {field}: {message}" + (f" ({came})" if came else ""))
    elif came and str(value) not in told:
        _say(f"  {came}")


def _hint(code: str) -> None:
    if code in NEXT:
        _say(f"  {NEXT[code]}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
