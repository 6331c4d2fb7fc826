"""One call, as its handler sees it: who asks, for which company, with what; and the ways to answer it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from kvota.acts import is_act
from kvota.api import problems
from kvota.api.problems import Answer
from kvota.asgi import texts
from kvota.asgi.auth import OPERATOR
from kvota.asgi.languages import Language
from kvota.asgi.services import Services
from kvota.asgi.statuses import needs_clock
from kvota.committing import Outcome
from kvota.core.commands import Command
from kvota.core.declines import Declined
from kvota.errors import NotFound
from kvota.store import ApiKey
from kvota.wire.asking import Asker
from kvota.wire.fields import is_id
from kvota.wire.replies import Page

T = TypeVar("T")
REPLAYED = ((b"idempotency-replayed", b"true"),)


class Call:
    """``body`` and ``query`` are the Structs of the operation, already checked. ``asker`` goes into commands."""

    __slots__ = ("asker", "body", "key", "language", "parameters", "query", "services")

    def __init__(
        self,
        services: Services,
        key: ApiKey,
        asker: Asker,
        *,
        parameters: Mapping[str, str],
        body: Any,  # noqa: ANN401 - each operation has its own
        query: Any,  # noqa: ANN401
        language: Language,
    ) -> None:
        self.services, self.key, self.asker = services, key, asker
        self.parameters, self.body, self.query = parameters, body, query
        self.language: Language = language

    @property
    def company(self) -> str:
        """The company in the path."""
        return self.parameters["company"]

    @property
    def warning(self) -> str:
        """What an order says where buying would suspend the package."""
        return texts.say(texts.WARNING, self.language)

    @property
    def operator(self) -> str | None:
        """The key that asks, where that is an operator's: what it does is noted."""
        return self.key.id if self.key.role == OPERATOR else None

    def named(self, what: str) -> str:
        """The id of a thing in the path; one that nothing of that kind can have is not found."""
        name = self.parameters[what]
        if not is_id(name):
            raise NotFound(what, name)
        return name

    async def write(
        self, command: Command, view: Callable[[Any], object], status: int | Callable[[Any], int]
    ) -> Answer:
        """Have the command carried out and answer with its reply."""
        if self.operator is not None and is_act(command):
            command = msgspec.structs.replace(command, is_operators=True)
        outcome = await self.services.submit(command)
        answer = answered(self.services, outcome, view, status, self.language)
        if isinstance(outcome.reply, Declined) and needs_clock(outcome.reply):
            now = await self.services.read(self.services.reads.clock)
            return problems.of_decline(outcome.reply, self.language, now)
        return answer


def answered(
    services: Services,
    outcome: Outcome,
    view: Callable[[Any], object],
    status: int | Callable[[Any], int],
    language: Language,
) -> Answer:
    """The answer of an outcome; a decline is a problem."""
    reply = outcome.reply
    if not outcome.is_replayed:
        services.metrics.observe_reply(reply)
    if isinstance(reply, Declined):
        return problems.of_decline(reply, language)
    return Answer(
        status if isinstance(status, int) else status(reply),
        view(reply),
        REPLAYED if outcome.is_replayed else (),
    )


def page(rows: Sequence[T], limit: int, view: Callable[[T], Any], place: Callable[[T], str | int]) -> Answer:
    """A page of rows, of which one more than ``limit`` was asked for, to see whether there is a next one."""
    shown = rows[:limit]
    following = place(shown[-1]) if len(rows) > limit else None
    return Answer(200, Page[Any](items=[view(row) for row in shown], next=following))
