"""What can go wrong, as one tree. A decline is no error: it is a returned value.

KvotaError
├── CallerError            the call cannot be carried out as it stands; nothing was written
│   ├── Malformed          not JSON, not UTF-8, or a name twice
│   ├── Invalid            a field has a wrong value (``errors`` names each)
│   │   ├── QuantityMissing
│   │   ├── UnknownAction
│   │   ├── UnknownPlan
│   │   └── UnknownBoost
│   ├── KeyReused          the idempotency key stands for another request
│   ├── Unauthenticated    no key, or one that is not known
│   ├── TooManyAttempts    too many unknown keys came from this address; its next one is looked at later
│   ├── Forbidden          the key's role may not do this
│   ├── NotFound           company, hold, charge, order, boost, cap, key, user, appeal
│   ├── HoldClosed         the hold has already ended in another way
│   ├── OrderClosed
│   ├── AppealClosed
│   ├── BodyTooLarge
│   ├── MethodNotAllowed   the server knows the path, but not this call: it is of another version
│   └── FileInvalid        a configuration file with mistakes, all of them listed
│       ├── CatalogueInvalid
│       └── UpstreamsInvalid
├── Internal               a defect of Kvota's own, which has been logged where it happened
└── WorldError             the call may be repeated, with the same key
    ├── Busy               the queue is full, or the process is ending; nothing was written
    ├── StoreUnavailable   the store did not answer; nothing was written, or the same key tells
    │   └── EngineLost
    └── ServerUnreachable  no server answered, or not in time; nothing was written, or the same key tells
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class FieldError(NamedTuple):
    """One field at fault: its path in the body, what is allowed, and the value that came."""

    field: str
    message: str
    value: object = None


class KvotaError(Exception):
    """The root of the tree."""

    code: ClassVar[str] = "error"


class CallerError(KvotaError):
    """The caller erred; nothing was written."""

    code = "invalid"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class Malformed(CallerError):
    code = "malformed"


class Invalid(CallerError):
    code = "invalid"

    @classmethod
    def field(cls, field: str, message: str, value: object = None) -> "Invalid":
        """One field at fault."""
        return cls(f"{field}: {message}", errors=[FieldError(field, message, value)])


class QuantityMissing(Invalid):
    code = "quantity_missing"


class UnknownAction(Invalid):
    code = "unknown_action"


class UnknownPlan(Invalid):
    code = "unknown_plan"


class UnknownBoost(Invalid):
    code = "unknown_boost"


class KeyReused(CallerError):
    code = "idempotency_key_reused"


class Unauthenticated(CallerError):
    code = "unauthenticated"


class TooManyAttempts(CallerError):
    code = "too_many_attempts"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), retry_after_seconds: int = 60) -> None:
        super().__init__(detail, errors=errors)
        self.retry_after_seconds = retry_after_seconds


class Forbidden(CallerError):
    code = "forbidden"


class NotFound(CallerError):
    """``what`` is ``company``, ``hold``, ``charge`` or anything else; the code follows from it."""

    def __init__(self, what: str, name: str, *, detail: str | None = None) -> None:
        super().__init__(detail or f"There is no {what} {name!r}.")
        self.what, self.name = what, name

    @property
    def code(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return f"{self.what}_not_found" if self.what in ("company", "hold", "charge") else "not_found"


class HoldClosed(CallerError):
    code = "hold_closed"


class OrderClosed(CallerError):
    code = "order_closed"


class AppealClosed(CallerError):
    code = "appeal_closed"


class BodyTooLarge(CallerError):
    code = "body_too_large"


class MethodNotAllowed(CallerError):
    code = "method_not_allowed"


class FileInvalid(CallerError):
    """``errors`` holds every mistake; ``FieldError.field`` is ``line N: key``."""

    code = "invalid"
    what: ClassVar[str] = "file"
    a_file: ClassVar[str] = "a file"


class CatalogueInvalid(FileInvalid):
    what = "catalogue"
    a_file = "a catalogue file"


class UpstreamsInvalid(FileInvalid):
    what = "file of upstreams"
    a_file = "a file of upstreams"


class Internal(KvotaError):
    """A defect of Kvota's own; it has been logged. The call may be repeated with the same key."""

    code = "internal"


class WorldError(KvotaError):
    """Not the caller's doing; the call may be repeated with the same key.

    ``key`` is the idempotency key under which a client has sent it, also one that the client made.
    """

    retry_after_seconds: int = 1
    key: str | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Busy(WorldError):
    code = "busy"


class StoreUnavailable(WorldError):
    code = "store_unavailable"


class EngineLost(StoreUnavailable):
    """The engine's process of a single server has died, and the next one is not there yet."""


class ServerUnreachable(WorldError):
    code = "server_unreachable"
