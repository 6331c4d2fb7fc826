"""Prometheus metrics, in a registry of their own. A company is never a label."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kvota.core.account import Charge, Hold
from kvota.core.declines import Declined

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Metrics:
    """What is counted; made once for a process, before its engine."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "kvota_http_requests",
            "HTTP requests by operation and status.",
            ("operation", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "kvota_http_request_seconds",
            "Time until the reply was sent.",
            ("operation",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._of_request: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._charges = Counter("kvota_charges", "Charges, captured holds included.", ("tool",), registry=self.registry)
        self._amounts = Counter("kvota_ai_requests", "AI requests charged.", ("tool",), registry=self.registry)
        self._declines = Counter("kvota_declines", "Declines by reason.", ("reason",), registry=self.registry)
        self._batch_size = Histogram(
            "kvota_batch_commands", "Commands in one transaction.", buckets=SIZES, registry=self.registry
        )
        self._batch_seconds = Histogram(
            "kvota_batch_seconds", "Time to decide and commit a batch.", buckets=SECONDS, registry=self.registry
        )
        self._depth = Gauge("kvota_queue_depth", "Commands that wait.", registry=self.registry)
        self.clock_skew = Gauge(
            "kvota_clock_skew_seconds",
            "By how much the store's clock, which decides, is ahead of this process's.",
            registry=self.registry,
        )

    def watch_queue(self, depth: Callable[[], int]) -> None:
        """Ask ``depth`` whenever the metrics are read."""
        self._depth.set_function(depth)

    def observe_batch(self, size: int, seconds: float) -> None:
        """One transaction of the engine: what ``Engine(on_batch=…)`` is given."""
        self._batch_size.observe(size)
        self._batch_seconds.observe(seconds)

    def observe_request(self, operation: str, status: int, seconds: float) -> None:
        """One HTTP request."""
        found = self._of_request.get((operation, status))
        if found is None:  # finding a labelled metric costs more than counting, so it is done once
            found = (self._requests.labels(operation, status), self._seconds.labels(operation))
            self._of_request[operation, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def observe_reply(self, reply: object) -> None:
        """The reply to a command that was carried out now, not repeated."""
        match reply:
            case Charge(tool=tool, cost=cost):
                self._count(tool, cost)
            case Hold(status="captured", tool=tool, cost=int(cost)):
                self._count(tool, cost)
            case Declined(reason=reason):
                self._declines.labels(reason).inc()
            case _:
                pass

    def _count(self, tool: str, cost: int) -> None:
        self._charges.labels(tool).inc()
        self._amounts.labels(tool).inc(cost)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)
