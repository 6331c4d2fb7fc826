"""Prometheus metrics, in a registry of their own. A company is never a label.

Counting is plain arithmetic here, and becomes Prometheus's when somebody asks: the counters of its client lock and
look their labels up each time, which cost a tenth of a request. Each number is changed by one thread only: those of
batches by the engine's, all others by the event loop's.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from kvota.core.account import Charge, Hold
from kvota.core.declines import Declined
from kvota.upstreams import Health

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class _Histogram:
    """How many values were at most each bound, and what they add up to."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str] = ()) -> None:
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        family.add_metric(labels, list(zip(names, accumulate(self._counts), strict=True)), self._sum)


def _of_upstreams(services: Sequence[Health]) -> Iterable[Metric]:
    """What the AI services have done for this process; nothing where there are none."""
    if not services:
        return
    calls = CounterMetricFamily("kvota_upstream_calls", "Calls of AI services.", labels=("service",))
    failures = CounterMetricFamily("kvota_upstream_failures", "Those that failed.", labels=("service",))
    tokens = CounterMetricFamily("kvota_upstream_tokens", "Tokens, as far as told.", labels=("service", "kind"))
    spent = CounterMetricFamily("kvota_upstream_spent", "Money, by the price table.", labels=("service", "currency"))
    latency = GaugeMetricFamily(
        "kvota_upstream_first_byte_seconds",
        "Time to the first byte, the median of the last calls.",
        labels=("service",),
    )
    for one in services:
        calls.add_metric((one.service,), one.calls)
        failures.add_metric((one.service,), one.failures)
        tokens.add_metric((one.service, "context"), one.context_tokens)
        tokens.add_metric((one.service, "generated"), one.generated_tokens)
        for currency, units in one.spent.items():
            spent.add_metric((one.service, currency), units / 1_000_000)
        if one.latency_ms is not None:
            latency.add_metric((one.service,), one.latency_ms / 1000)
    yield from (calls, failures, tokens, spent, latency)


class Metrics(Collector):
    """What is counted; made once for a process, before its engine."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests: dict[tuple[str, str], int] = defaultdict(int)
        self._seconds: dict[str, _Histogram] = defaultdict(lambda: _Histogram(SECONDS))
        self._charges: dict[str, int] = defaultdict(int)
        self._amounts: dict[str, int] = defaultdict(int)
        self._declines: dict[str, int] = defaultdict(int)
        self._upstream_health: Callable[[], Sequence[Health]] = tuple
        self._batch_size, self._batch_seconds = _Histogram(SIZES), _Histogram(SECONDS)
        self._depth = Gauge("kvota_queue_depth", "Commands that wait.", registry=self.registry)
        self.clock_skew = Gauge(
            "kvota_clock_skew_seconds",
            "By how much the store's clock, which decides, is ahead of this process's.",
            registry=self.registry,
        )
        self.registry.register(self)

    def watch_queue(self, depth: Callable[[], int]) -> None:
        """Ask ``depth`` whenever the metrics are read."""
        self._depth.set_function(depth)

    def watch_upstreams(self, health: Callable[[], Sequence[Health]]) -> None:
        """Ask ``health`` whenever the metrics are read."""
        self._upstream_health = health

    def observe_batch(self, size: int, seconds: float) -> None:
        """One transaction of the engine: what ``Engine(on_batch=…)`` is given."""
        self._batch_size.observe(size)
        self._batch_seconds.observe(seconds)

    def observe_request(self, operation: str, status: int, seconds: float) -> None:
        """One HTTP request."""
        self._requests[operation, str(status)] += 1
        self._seconds[operation].observe(seconds)

    def observe_reply(self, reply: object) -> None:
        """The reply to a command that was carried out now, not repeated."""
        if isinstance(reply, Charge) or (isinstance(reply, Hold) and reply.status == "captured"):
            self._charges[reply.tool] += 1
            self._amounts[reply.tool] += reply.cost or 0
        elif isinstance(reply, Declined):
            self._declines[reply.reason] += 1

    def collect(self) -> Iterable[Metric]:
        """What Prometheus's client asks for."""
        requests = CounterMetricFamily(
            "kvota_http_requests", "HTTP requests by operation and status.", labels=("operation", "status")
        )
        for of, count in self._requests.items():
            requests.add_metric(of, count)
        seconds = HistogramMetricFamily(
            "kvota_http_request_seconds", "Time until the reply was sent.", labels=("operation",)
        )
        for operation, histogram in self._seconds.items():
            histogram.add_to(seconds, (operation,))
        yield requests
        yield seconds
        for name, text, label, counts in (
            ("kvota_charges", "Charges, captured holds included.", "tool", self._charges),
            ("kvota_ai_requests", "AI requests charged.", "tool", self._amounts),
            ("kvota_declines", "Declines by reason.", "reason", self._declines),
        ):
            family = CounterMetricFamily(name, text, labels=(label,))
            for of, count in counts.items():
                family.add_metric((of,), count)
            yield family
        for name, text, histogram in (
            ("kvota_batch_commands", "Commands in one transaction.", self._batch_size),
            ("kvota_batch_seconds", "Time to decide and commit a batch.", self._batch_seconds),
        ):
            family = HistogramMetricFamily(name, text)
            histogram.add_to(family)
            yield family
        yield from _of_upstreams(self._upstream_health())

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)
