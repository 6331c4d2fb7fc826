"""Waiting for what another process brings about."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SECONDS = 30.0


def eventually(ask: Callable[[], T], is_it: Callable[[T], bool]) -> T:
    """The first answer that is so; the last one is told where none comes in time."""
    deadline = time.monotonic() + SECONDS
    while not is_it(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found
