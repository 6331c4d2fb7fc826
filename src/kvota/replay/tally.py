"""What became of the calls of a replay."""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple, TextIO

from kvota.core.periods import rfc3339
from kvota.replay.trace import Call


class Answer(NamedTuple):
    """The answer to one call. ``reason`` is a decline's reason or an error's code; ``cost`` is what was charged."""

    status: Literal["approved", "declined", "error"]
    cost: int = 0
    reason: str | None = None
    is_replayed: bool = False


class Tally:
    """Counts answers; ``log`` gets one JSON line for each, ``on_call`` is called after each."""

    def __init__(self, log: TextIO | None = None, on_call: Callable[[], None] | None = None) -> None:
        self._log, self._on_call = log, on_call
        self.approved = 0
        self.replayed = 0
        self.requests = 0
        self.declined: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._seconds: list[float] = []
        self._started = time.perf_counter()
        self._elapsed = 0.0

    def start(self) -> None:
        """The clock of the report begins here."""
        self._started = time.perf_counter()

    def stop(self) -> None:
        """And it ends here."""
        self._elapsed = time.perf_counter() - self._started

    def add(self, call: Call, answer: Answer, seconds: float) -> None:
        """Count the answer to a call, which took ``seconds``."""
        self._seconds.append(seconds)
        if answer.status == "approved":
            self.approved += 1
            self.requests += answer.cost
            self.replayed += answer.is_replayed
        else:
            (self.declined if answer.status == "declined" else self.errors)[answer.reason or "unknown"] += 1
        if self._log is not None:
            self._log.write(_line(call, answer))
        if self._on_call is not None:
            self._on_call()

    def report(self) -> dict[str, object]:
        """The figures: whole AI requests, seconds, milliseconds."""
        ordered = sorted(self._seconds)
        return {
            "calls": len(ordered),
            "approved": self.approved,
            "replayed": self.replayed,
            "declined": dict(sorted(self.declined.items())),
            "errors": dict(sorted(self.errors.items())),
            "requests": self.requests,
            "seconds": round(self._elapsed, 3),
            "calls_per_second": round(len(ordered) / self._elapsed, 1) if self._elapsed else None,
            "p50_ms": _percentile(ordered, 0.50),
            "p99_ms": _percentile(ordered, 0.99),
        }


def _percentile(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 3) if ordered else None


def _line(call: Call, answer: Answer) -> str:
    told = {
        "number": call.number,
        "at": rfc3339(call.at),
        "company": call.company,
        "user": call.user,
        "action": call.action,
        "status": answer.status,
        "cost": answer.cost,
        "reason": answer.reason,
    }
    return json.dumps(told) + "\n"
