"""One call of the registry, and who may make it."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

import msgspec

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.asgi import auth
from kvota.wire import queries, requests

Handler = Callable[[Call], Awaitable[Answer]]


class Operation(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One call. ``roles`` is None where no key is needed; ``codes`` are what it can answer beside the usual ones.

    ``media`` is the type of a body that is text, other than JSON.
    """

    name: str
    tag: str
    method: str
    path: str
    summary: str
    handler: Handler
    roles: frozenset[str] | None
    statuses: tuple[int, ...]
    reply: Any = None
    body: type[requests.Request] | None = None
    media: str | None = None
    query: type[queries.Query] = queries.Query
    media_type: str = "application/json"
    codes: tuple[str, ...] = ()
    takes_key: bool = False

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of what stands in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


OPERATOR = frozenset({auth.OPERATOR})
ADMINS = frozenset({auth.OPERATOR, auth.ADMIN})
SEERS = frozenset({auth.OPERATOR, auth.ADMIN, auth.AUDITOR})
USERS = frozenset({auth.OPERATOR, auth.ADMIN, auth.APP})
READERS = frozenset({auth.OPERATOR, auth.ADMIN, auth.APP, auth.AUDITOR})
ALL = frozenset(auth.ROLES)
ASKERS = frozenset({auth.OPERATOR, auth.ADMIN, auth.APP, auth.MEMBER})
REPORTED = frozenset({auth.OPERATOR, auth.ADMIN, auth.MEMBER, auth.AUDITOR})
COMPANY = "/v1/companies/{company}"


def operation(
    name: str,
    roles: frozenset[str] | None,
    call: str,
    summary: str,
    handler: Handler,
    *statuses: int,
    **more: Any,  # noqa: ANN401
) -> Operation:
    """The operation of a call such as ``GET /v1/catalogue``; it answers 200 where nothing else is said."""
    method, path = call.split(" ")
    return Operation(
        name=name,
        roles=roles,
        method=method,
        path=path,
        summary=summary,
        handler=handler,
        statuses=statuses or (200,),
        **more,
    )
