"""Real processes of `kvota`: commands that end, and servers that run until they are told to end."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from kvota.cli import main

KVOTA = (sys.executable, "-m", "kvota")
OPERATOR_KEY = "kv_operator_of_the_tests_0123456789abcdef"
COMMAND_SECONDS = 300
STOP_SECONDS = 20


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests without settings of ours, and with some in their place."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KVOTA_", "LC_", "LANG"))}
    return {**kept, "LANG": "en_US.UTF-8", **more}


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Kvota(NamedTuple):
    """Runs commands with some settings, in some folder."""

    folder: Path
    settings: Mapping[str, str]

    def __call__(self, *arguments: str) -> Ended:
        """Run one command in a process of its own, forked from one that has everything imported already."""
        with tempfile.TemporaryDirectory() as name:
            streams = [Path(name) / "out", Path(name) / "err"]
            process = _warm.Process(target=_command, args=(arguments, self.folder, environment(self.settings), streams))
            process.start()
            process.join(COMMAND_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            assert process.exitcode is not None
            out, err = (stream.read_text() for stream in streams)
            return Ended(process.exitcode, out, err)

    def ok(self, *arguments: str) -> Ended:
        """A command that must succeed, without a word on stderr that speaks of an error."""
        ended = self(*arguments)
        assert ended.code == 0, f"{arguments}: {ended}"
        assert "error" not in ended.err, f"{arguments}: {ended}"
        return ended

    def with_settings(self, **more: str) -> "Kvota":
        return Kvota(self.folder, {**self.settings, **more})


_warm = multiprocessing.get_context("forkserver")
_warm.set_forkserver_preload(
    ["kvota.cli.app", "kvota.cli.door", "kvota.api.app", "kvota.stores.sqlite", "kvota.replay", "kvota.verify"]
)


def _command(arguments: tuple[str, ...], folder: Path, settings: Mapping[str, str], streams: list[Path]) -> None:
    """In the new process: be the command."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(settings)
    for descriptor, stream in enumerate(streams, 1):
        file = os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    main(list(arguments))


class Server:
    """`kvota serve` on a free port, or another command that serves."""

    def __init__(self, folder: Path, *options: str, command: str = "serve", port: int = 0, **settings: str) -> None:
        self._log = folder / "server.err"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*KVOTA, command, "--port", str(port), *options],
                cwd=folder, env=environment(settings), stdout=subprocess.PIPE, stderr=log, text=True,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self.lines: list[str] = []

    def read_until(self, beginning: str) -> str:
        """The rest of the first line of its output that begins so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()
        self.process.stdout.close()
        raise AssertionError(f"the server ended with {self.process.wait(STOP_SECONDS)}:\n{self.lines}\n{self.errors}")

    @property
    def errors(self) -> str:
        return self._log.read_text()

    def __enter__(self) -> Self:
        self.url = self.read_until("Kvota serves on ")
        self.read_until("sandbox: ")
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Signal it, alone or with its whole process group, and wait for its end."""
        (os.killpg if group else os.kill)(self.process.pid, how)
        return self.process.wait(STOP_SECONDS)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):  # whatever of it is left must not outlive the test
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            if self.process.stdout is not None:
                self.lines += self.process.stdout.read().splitlines()
                self.process.stdout.close()
