"""The library: Kvota embedded in a program, without a server, with the same words and the same replies.

A decline is a returned value; an exception of ``kvota.errors`` means that the caller erred or the world broke. Every
method may be called from any thread; calls that run at the same moment share one commit. Instants are aware datetimes.
"""

import queue
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from operator import itemgetter
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.api.registry import Operation, operations
from kvota.asgi.auth import OPERATOR
from kvota.asgi.metrics import Metrics
from kvota.asgi.services import Services
from kvota.asgi.streaming import Stream
from kvota.asks.ask import Ask
from kvota.asks.methods import Methods
from kvota.asks.problems import decline, failure
from kvota.committing import Outcome
from kvota.core.commands import Command
from kvota.errors import Busy, CallerError, Forbidden, KeyReused
from kvota.settings import DEFAULT_CATALOGUE, DEFAULT_STORE, Settings
from kvota.store import ApiKey
from kvota.wire.asking import Asker
from kvota.wire.fields import encode
from kvota.wire.reading import read_body, read_query
from kvota.wire.replies import Problem
from kvota.wire.requests import fingerprint
from kvota.wiring import Meter, open_meter

P = ParamSpec("P")
T = TypeVar("T")
_OWNER = ApiKey(id="", hash="", role=OPERATOR)
"""Who asks: whoever has the store may do everything."""


class Kvota(Methods):
    """One store with its engine. Open it with ``Kvota.open``, and close it (or use ``with``)."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._services = _Here(meter)
        self._operations = {operation.name: operation for operation in operations()}

    @classmethod
    def open(cls, store: str = DEFAULT_STORE, *, catalogue: str = DEFAULT_CATALOGUE, sandbox: bool = False) -> Self:
        """Open a store, make its schema, and load the catalogue where it is newer.

        ``store`` is ``sqlite:///file``, ``sqlite:///:memory:`` or ``postgresql://…``; ``catalogue`` a shipped name or a
        path. Raises ``Invalid`` or ``CatalogueInvalid`` for those two, ``StoreUnavailable`` where the store is.
        """
        return cls(open_meter(Settings(store=store, catalogue=catalogue, is_sandbox=sandbox)))

    def close(self) -> None:
        """Finish what was accepted, then close the store."""
        self._services.close()
        self._meter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def execute(self, ask: Ask[T], /) -> T:
        """Carry a call out, as the server does: the same checks, the same rules, the same reply."""
        answer = self._answer(ask)
        if isinstance(answer.body, Problem):
            declined: Any = decline(answer.body)
            if declined is None:
                raise failure(answer.body, ask.parameters, missing=ask.missing)
            return declined
        if isinstance(answer.body, Stream) and ask.into is not None:
            return ask.take(_finished(answer.body.save(ask.into)))
        return ask.take(answer.body)

    def _answer(self, ask: Ask[Any]) -> Answer:
        operation = self._operations[ask.operation]
        try:
            return _finished(self._handle(operation, ask))
        except CallerError as error:
            company = ask.parameters.get("company")
            if ask.key is None or company is None or isinstance(error, KeyReused | Forbidden):
                raise
            if not self._meter.reads.is_key_known(company, ask.key):
                raise
            raise KeyReused(ask.key) from error

    async def _handle(self, operation: Operation, ask: Ask[Any]) -> Answer:
        body: Any = ask.text if operation.body is None else read_body(operation.body, encode(ask.body))
        request = "" if ask.key is None else fingerprint(ask.method, ask.path, body)
        call = Call(
            self._services,
            _OWNER,
            Asker(key=ask.key, request=request),
            parameters=ask.parameters,
            body=body,
            query=read_query(operation.query, ask.query),
            language="en",
        )
        return await operation.handler(call)


class _Here(Services):
    """What the handlers are given without a server: everything is done in the thread that asks, which waits."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(meter.engine, meter.reads, Metrics())
        self._here = meter.engine

    async def read(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return ask(*args, **kwargs)

    async def submit(self, command: Command) -> Outcome:
        return self._here.execute(command)

    async def work(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return ask(*args, **kwargs)

    async def make_file(self, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return make(*args, **kwargs)

    async def submit_all(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        answers: queue.SimpleQueue[tuple[int, Outcome | Exception]] = queue.SimpleQueue()
        for index, command in enumerate(commands):
            try:
                self._engine.tell(command, partial(_put, answers, index))
            except Busy as error:
                answers.put((index, error))
        return [answer for _, answer in sorted((answers.get() for _ in commands), key=itemgetter(0))]


def _put(answers: queue.SimpleQueue[tuple[int, T]], index: int, answer: T) -> None:
    answers.put((index, answer))


def _finished(handling: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never has to wait for a loop."""
    try:
        handling.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a handler waits for something else than its services")
