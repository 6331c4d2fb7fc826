"""Several worker processes on one listening socket: started, watched, started again when one dies, and ended.

A worker is a new interpreter: nothing is forked, so no lock, thread or connection of this process lives on in it. It is
told its settings through its stdin, which stays open: when this process goes away, even by SIGKILL, the worker reads
the end of it and ends too. Signals are blocked here and waited for, so none is lost, however early it comes.
"""

import contextlib
import signal
import subprocess
import sys
import time

import msgspec
import structlog

from kvota.settings import Settings

ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
WATCHED = ENDING | {signal.SIGCHLD}
HEALTHY_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 10.0
WORK = "from kvota.server import work; work()"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told."""

    descriptor: int
    settings: Settings


class _Worker:
    """One place, and the process that has it at the moment."""

    def __init__(self, number: int, job: Job) -> None:
        self.number, self._job = number, job
        self._failures = 0
        self._started_at = 0.0
        self.start_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-P", "-c", WORK]
        self.process = subprocess.Popen(  # noqa: S603 - this very interpreter
            command, stdin=subprocess.PIPE, pass_fds=[self._job.descriptor]
        )
        self._started_at = time.monotonic()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it is dead already: the next look tells
                self.process.stdin.write(msgspec.json.encode(self._job) + b"\n")
                self.process.stdin.flush()

    def look(self) -> None:
        """See whether it has died; if so it is to be started again, after a pause that grows with each quick death."""
        if self.process is None or self.process.poll() is None:
            return
        now = time.monotonic()
        is_quick = now - self._started_at < HEALTHY_SECONDS
        self._failures = self._failures + 1 if is_quick else 0
        pause = min(LONGEST_PAUSE_SECONDS, 0.1 * 2 ** (self._failures - 1)) if self._failures > 1 else 0.0
        self.start_at = now + pause
        structlog.get_logger().error(
            "worker_died", worker=self.number, pid=self.process.pid, code=self.process.returncode, again_in=pause
        )
        self._forget()

    def _forget(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process = None

    def end(self, deadline: float) -> None:
        """Wait for the process to end, by force after the deadline."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            structlog.get_logger().error("worker_killed", worker=self.number, pid=self.process.pid)
            self.process.kill()
            self.process.wait()
        self._forget()


def supervise(descriptor: int, settings: Settings, workers: int, *, grace_seconds: float) -> None:
    """Keep ``workers`` processes serving on that socket until SIGTERM or SIGINT; then end them all."""
    # The workers inherit the mask: none of them is killed before it knows how to end in order.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    places = [_Worker(number, Job(descriptor=descriptor, settings=settings)) for number in range(1, workers + 1)]
    try:
        while not _is_ending(places):
            for place in places:
                place.look()
                if place.process is None and place.start_at <= time.monotonic():
                    place.start()
    finally:
        for place in places:
            if place.process is not None:
                place.process.terminate()
        deadline = time.monotonic() + grace_seconds + 2
        for place in places:
            place.end(deadline)


def _is_ending(places: list[_Worker]) -> bool:
    """Wait until a signal comes or a worker is due to be started; whether the signal says to end."""
    due = [place.start_at for place in places if place.process is None]
    wait = max(0.0, min(due) - time.monotonic()) if due else 60.0
    came = signal.sigtimedwait(WATCHED, wait)
    return came is not None and came.si_signo in ENDING


def receive_job() -> Job:
    """In a worker: what it is told on its stdin."""
    return msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
