"""A small disk of the test's own, which can be filled and emptied again."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PARENT

CHUNK = 4096
HELP = """\
A small file system could not be mounted, which this test needs: {}
This helps: run the tests as root, or in a container with --cap-add SYS_ADMIN."""


class Disk:
    """A file system of a few megabytes, mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, CHUNK):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass

    def clear(self) -> None:
        """Give the room back."""
        self._ballast.unlink()


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Disk]:
    """Mounted for the block; where that is not permitted the test fails and says what helps."""
    with tempfile.TemporaryDirectory(prefix="kvota-disk-", dir=PARENT) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        with _mounted(folder, megabytes):
            yield Disk(folder)


@contextlib.contextmanager
def _mounted(folder: Path, megabytes: int) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(folder)]
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    try:
        mounted = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False)
    except FileNotFoundError as problem:
        raise pytest.fail.Exception(HELP.format(problem), pytrace=False) from None
    if mounted.returncode:
        raise pytest.fail.Exception(HELP.format(mounted.stderr.strip()), pytrace=False)
    try:
        yield
    finally:
        subprocess.run([*prefix, "umount", "--lazy", str(folder)], check=True)
