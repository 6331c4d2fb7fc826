"""Answers to calls that may be repeated: kept for a while, so that a repeat is given the very same one."""

import time
from typing import NamedTuple

from kvota.gateway.answers import Headers

KEPT_SECONDS = 600.0
MAX_ANSWER, MAX_TOTAL = 1024 * 1024, 32 * 1024 * 1024
Name = tuple[str, str]
"""The company and the hold of a call."""


class Kept(NamedTuple):
    """A whole answer, and until when it is kept."""

    until: float
    status: int
    headers: Headers
    body: bytes


class Answers:
    """Those of this process, up to a total size; the oldest go first."""

    def __init__(self) -> None:
        self._kept: dict[Name, Kept] = {}
        self._total = 0

    def get(self, name: Name) -> Kept | None:
        """The answer to the call, if it is there still."""
        found = self._kept.get(name)
        return found if found is not None and time.monotonic() < found.until else None

    def keep(self, name: Name, status: int, headers: Headers, body: bytes) -> None:
        """Keep a whole answer."""
        self._forget(name)
        self._kept[name] = Kept(time.monotonic() + KEPT_SECONDS, status, headers, body)
        self._total += len(body)
        while self._total > MAX_TOTAL or next(iter(self._kept.values())).until < time.monotonic():
            self._forget(next(iter(self._kept)))

    def _forget(self, name: Name) -> None:
        gone = self._kept.pop(name, None)
        self._total -= 0 if gone is None else len(gone.body)
