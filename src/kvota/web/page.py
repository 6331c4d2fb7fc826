"""One page or one form's target of the registry, and who may open it."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

import msgspec

from kvota.web.answers import Reply
from kvota.web.visit import Visit

OPERATOR, ADMIN, MEMBER, AUDITOR = "operator", "admin", "member", "auditor"
ROLES = (OPERATOR, ADMIN, MEMBER, AUDITOR)
OPERATORS = frozenset({OPERATOR})
ADMINS = frozenset({OPERATOR, ADMIN})
SEERS = frozenset({OPERATOR, ADMIN, AUDITOR})
MEMBERS = frozenset({MEMBER})
EVERYBODY = frozenset(ROLES)
COMPANY = "/companies/{company}"

Handler = Callable[[Visit], Awaitable[Reply]]


class Page(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """``roles`` is None where nobody needs to sign in.

    ``again`` shows the form of a POST once more, with its errors beside the fields. ``nav`` is the place in the
    navigation, lower ones first, for a page that stands there. ``is_part``: a piece of a page, for htmx.
    """

    name: str
    method: str
    path: str
    handler: Handler
    roles: frozenset[str] | None
    again: Handler | None = None
    nav: int | None = None
    is_part: bool = False

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of what stands in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


def page(name: str, roles: frozenset[str] | None, call: str, handler: Handler, **more: Any) -> Page:  # noqa: ANN401
    """The page of a call such as ``GET /companies``."""
    method, path = call.split(" ")
    return Page(name=name, roles=roles, method=method, path=path, handler=handler, **more)
