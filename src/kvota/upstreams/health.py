"""How each service does, counted in this process since it started."""

import time
from collections import deque
from statistics import median
from typing import Literal

import msgspec

from kvota.upstreams.failing import Failure

REMEMBERED = 200


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a service. Instants are seconds since the epoch, ``latency_ms`` is the median of the last calls.

    ``status``: ``unknown`` before its first call, ``well`` or ``failing`` after its last one. ``spent``: millionths,
    by currency.
    """

    service: str
    status: Literal["unknown", "well", "failing"]
    calls: int
    failures: int
    last_failure: Failure | None
    last_failure_at: float | None
    last_answer_at: float | None
    latency_ms: int | None
    context_tokens: int
    generated_tokens: int
    spent: dict[str, int]


class Counters:
    """Counts for one service."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._calls = self._failures = self._context = self._generated = 0
        self._last_failure: Failure | None = None
        self._last_failure_at: float | None = None
        self._last_answer_at: float | None = None
        self._latencies: deque[float] = deque(maxlen=REMEMBERED)
        self._spent: dict[str, int] = {}

    def answered(self, seconds: float) -> None:
        """It began to answer after so many seconds."""
        self._calls += 1
        self._last_answer_at = time.time()
        self._latencies.append(seconds)

    def failed(self, failure: Failure) -> None:
        """It did not."""
        self._calls += 1
        self.broke(failure)

    def broke(self, failure: Failure) -> None:
        """It had begun, and did not come to the end."""
        self._failures += 1
        self._last_failure, self._last_failure_at = failure, time.time()

    def used(self, measures: dict[str, int]) -> None:
        """What an answer has used."""
        self._context += measures.get("context_tokens", 0)
        self._generated += measures.get("generated_tokens", 0)
        for name, amount in measures.items():
            if name.startswith("upstream_cost_micro_"):
                currency = name.rpartition("_")[2].upper()
                self._spent[currency] = self._spent.get(currency, 0) + amount

    def health(self) -> Health:
        """As of now."""
        is_well = (self._last_answer_at or 0.0) >= (self._last_failure_at or 0.0)
        return Health(
            service=self._service,
            status="unknown" if not self._calls else "well" if is_well else "failing",
            calls=self._calls,
            failures=self._failures,
            last_failure=self._last_failure,
            last_failure_at=self._last_failure_at,
            last_answer_at=self._last_answer_at,
            latency_ms=round(median(self._latencies) * 1000) if self._latencies else None,
            context_tokens=self._context,
            generated_tokens=self._generated,
            spent=dict(self._spent),
        )
