"""Whether a SQLite file and its log are still where they were opened.

Who holds a file open goes on writing into it when it has been removed, moved or replaced: everything would be answered
as durable, and nobody would ever find it again. So there is a look when a batch has begun and before it is answered,
and one now and then where nothing depends on it: before something is read.
"""

import os
import time

from kvota.errors import StoreUnavailable

LOOK_SECONDS = 0.02


class Place:
    """What lies at the path of a file, of its write-ahead log and of the log's index; made when they are there."""

    def __init__(self, path: str) -> None:
        self._path = path
        real = os.path.realpath(path)
        self._file = _identity(path)
        self._log = [(name, _identity(name)) for name in (f"{real}-wal", f"{real}-shm")]
        self._fine_until = 0.0

    def was_fine(self) -> bool:
        """Whether a look found all as it was, just before; there is none of late after one that did not."""
        return time.monotonic() < self._fine_until

    def has_log(self) -> bool:
        """Whether all is as it was; False where only the log, or a part of it, has been removed or replaced.

        Raises ``StoreUnavailable`` where the file has been removed, or something else lies in its place.
        """
        self._fine_until = 0.0
        found = _identity(self._path)
        if found is None:
            raise StoreUnavailable(
                f"{self._path} is not there any more: it was removed or moved while it was in use. Nothing more is "
                "written until it is back in its place; to go on with a backup, put that there and start again."
            )
        if found != self._file:
            raise replaced(self._path)
        is_whole = all(_identity(name) == known for name, known in self._log)
        if is_whole:
            self._fine_until = time.monotonic() + LOOK_SECONDS
        return is_whole

    def has_another_log(self) -> bool:
        """Whether something else lies where the log, or a part of it, was."""
        return any(_identity(name) not in (None, known) for name, known in self._log)


def replaced(name: str) -> StoreUnavailable:
    """What is told where something else lies in the place of a file."""
    return StoreUnavailable(
        f"{name} is another file than the one that was opened: it was replaced while it was in use. Nothing "
        "more is written until the former one is back in its place; to go on with this one, start again."
    )


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - Path.stat takes three times as long
    except OSError:
        return None
    return found.st_dev, found.st_ino
