"""Real server processes for the tests, and calls to them over HTTP."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.processes import Kvota
from tests.ports import free_port

OPERATOR_KEY = "kv_operator_acceptance_0123456789abcdefghij"
CATALOGUE = Path(__file__).parents[1] / "catalogue" / "cases.toml"
START_SECONDS = 60


class Reply(NamedTuple):
    """A status with the parsed body."""

    status: int
    body: Any
    headers: dict[str, str]


class Server:
    """One server on a port of its own, which can be killed and started again; ``before`` is put before its command."""

    def __init__(self, folder: Path, settings: dict[str, str], *, workers: int = 1, before: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        self._command = [
            *before,
            sys.executable,
            "-m",
            "kvota",
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        self._command += ["--workers", str(workers)]
        self._settings = settings

    def spawn(self) -> None:
        """Start the process, without waiting for anything."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command, env=self._settings, stdout=output, stderr=output, start_new_session=True
            )

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.spawn()
        wait_until_ready(self.process, self.url, self.log)

    def call(self, method: str, path: str, body: object = None, *, key: str | None = None, bearer: str = "") -> Reply:
        """One call; any status is a reply."""
        headers = {"Authorization": f"Bearer {bearer or OPERATOR_KEY}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - loopback
                return Reply(reply.status, json.loads(reply.read() or b"null"), dict(reply.headers))
        except urllib.error.HTTPError as error:
            return Reply(error.code, json.loads(error.read() or b"null"), dict(error.headers))

    def kill(self) -> None:
        """SIGKILL to the whole process group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def environment(store: str, *, sandbox: bool = False, catalogue: Path | str = CATALOGUE) -> dict[str, str]:
    """What tells a ``kvota`` process its store."""
    return {
        **os.environ,
        "KVOTA_STORE": store,
        "KVOTA_CATALOGUE": str(catalogue),
        "KVOTA_OPERATOR_KEY": OPERATOR_KEY,
        "KVOTA_SANDBOX": "1" if sandbox else "0",
    }


@contextlib.contextmanager
def serving(
    store: str, folder: Path, *, sandbox: bool = False, catalogue: Path | str = CATALOGUE, workers: int = 1
) -> Iterator[Server]:
    """A server on a free port, ready; killed afterwards."""
    server = Server(folder, environment(store, sandbox=sandbox, catalogue=catalogue), workers=workers)
    try:
        server.start()
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Return once the server answers that it is ready; what its log says otherwise is raised."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url + "/readyz", timeout=5) as reply:  # noqa: S310 - loopback
                if reply.status == 200:
                    return
        except (OSError, HTTPException):
            time.sleep(0.02)
    raise AssertionError(f"the server is not ready:\n{log.read_text(errors='replace')[-3000:]}")


def kvota(
    *arguments: str, store: str, url: str | None = None, sandbox: bool = False, catalogue: Path | str = CATALOGUE
) -> subprocess.CompletedProcess[str]:
    """Run the command line, in a process forked from one that has everything imported."""
    where = {"KVOTA_URL": url, "KVOTA_KEY": OPERATOR_KEY} if url else {}
    command = Kvota(Path.cwd(), {**environment(store, sandbox=sandbox, catalogue=catalogue), **where})
    ended = command(*arguments)
    return subprocess.CompletedProcess(arguments, ended.code, ended.out, ended.err)
