"""How long to wait, how often to try, and for what."""

import logging
import random
import time

import msgspec

from kvota.errors import KvotaError

_log = logging.getLogger("kvota.client")


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """``deadline_seconds`` bound a whole call with all its tries; the others each try and the pauses between them.

    No wait of a try is longer than half of the time that is left, so that there is time for another one. A file's
    first bytes may take ``file_seconds`` instead, with all tries, and so may each of its next ones: a workbook of a
    million entries takes minutes before it comes.
    """

    deadline_seconds: float = 60.0
    file_seconds: float = 600.0
    connect_seconds: float = 5.0
    read_seconds: float = 20.0
    tries: int = 8
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0


class Failed(Exception):
    """A try that failed. ``was_sent``: the server may have carried it out, or may yet."""

    def __init__(
        self, error: KvotaError, *, was_sent: bool, is_passing: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(str(error))
        self.error, self.was_sent, self.is_passing, self.retry_after = error, was_sent, is_passing, retry_after


class Tries:
    """The tries of one call: counts them, and says how long to pause after each.

    ``is_repeatable``: whether the call may be sent again when it may have been carried out.
    """

    def __init__(self, patience: Patience, *, is_repeatable: bool, is_file: bool) -> None:
        self._patience, self._is_repeatable = patience, is_repeatable
        self._until = time.monotonic() + (patience.file_seconds if is_file else patience.deadline_seconds)
        self._failed = 0
        self.was_sent = False
        """Whether an earlier try may have been carried out."""

    @property
    def left_seconds(self) -> float:
        """Until the deadline."""
        return max(0.0, self._until - time.monotonic())

    def pause_after(self, failed: Failed) -> float:
        """The seconds until the next try, which is logged; raises the failure's error where there is none."""
        self._failed += 1
        self.was_sent = self.was_sent or failed.was_sent
        pause = self._pause(failed)
        is_over = not failed.is_passing or (self.was_sent and not self._is_repeatable)
        if is_over or self._failed >= self._patience.tries or pause >= self.left_seconds:
            raise failed.error from failed.__cause__
        _log.info("try %d failed, the next in %.1f s: %s", self._failed, pause, failed.error)
        return pause

    def _pause(self, failed: Failed) -> float:
        longest = min(self._patience.longest_pause_seconds, self._patience.first_pause_seconds * 2**self._failed)
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - spreads the tries of many clients
        return max(pause, failed.retry_after or 0.0)
