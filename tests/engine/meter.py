"""A store with its engine and reads, under a clock that the test sets; commands can be made to fall into one batch."""

import threading
from itertools import count

from kvota.catalogue_file import parse
from kvota.committing import Outcome
from kvota.core import commands as c
from kvota.editions import offer_catalogue
from kvota.engine import Engine
from kvota.errors import CallerError
from kvota.reads import Reads
from kvota.store import Store


class Clock:
    """Stands where it is set; while it is held, the engine waits in the middle of a transaction."""

    def __init__(self) -> None:
        self.now = 0
        self.asked, self.free = threading.Event(), threading.Event()
        self.free.set()

    def __call__(self) -> int:
        self.asked.set()
        self.free.wait()
        return self.now


class Meter:
    """A store with its engine and reads, under one clock."""

    def __init__(self, store: Store, catalogue: str) -> None:
        self.store, self.catalogue, self.clock = store, catalogue, Clock()
        store.migrate()
        offer_catalogue(store, parse(catalogue), catalogue)
        self.sizes: list[int] = []
        self.engine = Engine(store, clock=self.clock, on_batch=lambda size, _: self.sizes.append(size))
        self.reads = Reads(store, self.engine, clock=lambda: self.clock.now)
        self.companies = (f"acme-{n}" for n in count())

    def together(self, commands: list[c.Command], now: int) -> list[Outcome | Exception]:
        """Carry commands out in one batch."""
        self.clock.now = now
        self.clock.asked.clear()
        self.clock.free.clear()
        first = self.engine.submit(c.VoidHold(company="nobody", hold="none"))
        self.clock.asked.wait()
        futures = [self.engine.submit(command) for command in commands]
        self.clock.free.set()
        assert isinstance(first.exception(), CallerError)
        answers = [future.exception() or future.result() for future in futures]
        assert self.sizes[-1] == len(commands)
        return answers  # type: ignore[return-value]

    def close(self) -> None:
        self.engine.close()
        self.store.close()
