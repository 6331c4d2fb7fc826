"""How often somebody may come with secrets that nobody has: who guesses is stopped, and costs the store nothing."""

import ipaddress
import time
from collections.abc import Callable

WINDOW_SECONDS = 60.0
FAILURES = 100
MAX_ADDRESSES = 10_000


class Attempts:
    """Counts failures by address in windows of time. IPv6 addresses count by their /64, which one host owns.

    At most so many addresses are kept: where more come, those whose window is over go, and then all.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        failures: int = FAILURES,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._clock, self._most, self._window = clock, failures, window_seconds
        self._failed: dict[str, tuple[float, int]] = {}

    def wait_seconds(self, address: str) -> float:
        """How long the address has to wait before its next try is looked at; 0.0 where it need not."""
        until, failures = self._failed.get(_host(address), (0.0, 0))
        return max(0.0, until - self._clock()) if failures >= self._most else 0.0

    def failed(self, address: str) -> None:
        """One more try that opened nothing."""
        now, host = self._clock(), _host(address)
        until, failures = self._failed.get(host, (0.0, 0))
        if until <= now:
            until, failures = now + self._window, 0
            self._make_room(now)
        self._failed[host] = (until, failures + 1)

    def _make_room(self, now: float) -> None:
        if len(self._failed) >= MAX_ADDRESSES:
            self._failed = {host: one for host, one in self._failed.items() if one[0] > now}
        if len(self._failed) >= MAX_ADDRESSES:
            self._failed.clear()


def _host(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address  # the path of a socket, or nothing
    if parsed.version == 4:  # noqa: PLR2004 - the name of the protocol
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network(f"{address}/64", strict=False))
