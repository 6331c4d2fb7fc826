"""Real processes for the tests of the gateway: Kvota's server, and AI services of two makes behind it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import Any

from tests.acceptance.servers import OPERATOR_KEY, Server, environment
from tests.faults.ledgers import entries_of
from tests.gateway.eventually import eventually
from tests.ports import free_port
from tests.upstreams.service import KEY, AiService

CATALOGUE = Path(__file__).parent / "gateway.toml"
PRICES = """
[services.one.prices."*"]
currency = "USD"
input = 1000000
output = 2000000
image = 40000
audio_minute = 6000
"""
_numbers = count(1)


class Acting:
    """The service of the tests' own, in a thread with an event loop of its own."""

    def __init__(self) -> None:
        self.service = AiService()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ai-service", daemon=True)

    def __enter__(self) -> AiService:
        self._thread.start()
        self.run(self.service.__aenter__()).result(20)
        return self.service

    def __exit__(self, *_: object) -> None:
        self.run(self.service.__aexit__()).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def run(self, step: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(step, self._loop)


@contextlib.contextmanager
def other_make(folder: Path) -> Iterator[str]:
    """The base URL of `mock-ai-api`, a server of this interface that others have written."""
    port = free_port()
    log = folder / "other.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app.openai_app:app", "--port", str(port), "--log-level", "warning"],
            stdout=output, stderr=output, start_new_session=True, cwd=folder,
        )  # fmt: skip
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(log.read_text(errors="replace"))


def file_of(folder: Path, *urls: str, more: str = PRICES) -> Path:
    """A file of upstreams, with services that have every model, tried in this order."""
    names = ("one", "two", "three")
    texts = [
        f'[services.{name}]\nbase_url = "{url}"\nkey_env = "AI_KEY"\nmodels = ["*"]\nconnect_seconds = 2\n'
        "first_byte_seconds = 8\nidle_seconds = 8\n"
        for name, url in zip(names, urls, strict=False)
    ]
    path = folder / f"upstreams-{next(_numbers)}.toml"
    path.write_text("".join(texts) + more)
    return path


def settings_of(store: str, upstreams: Path, catalogue: Path | str = CATALOGUE) -> dict[str, str]:
    """The environment of a server with a gateway."""
    return {**environment(store, catalogue=catalogue), "KVOTA_UPSTREAMS": str(upstreams), "AI_KEY": KEY}


@contextlib.contextmanager
def gateway(
    store: str, folder: Path, upstreams: Path, *, workers: int = 1, catalogue: Path | str = CATALOGUE
) -> Iterator[Server]:
    """A server with a gateway, ready; killed afterwards."""
    server = Server(folder, settings_of(store, upstreams, catalogue), workers=workers)
    try:
        server.start()
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()


class Company:
    """A company of a server, with its keys by role."""

    def __init__(self, server: Server, plan: str = "large", **settings: object) -> None:
        self.server, self.id = server, f"acme-{os.getpid()}-{next(_numbers)}"
        body = {"name": "Acme", "plan": plan, "time_zone": "UTC", **settings}
        made = server.call("PUT", f"/v1/companies/{self.id}", body)
        assert made.status == 201, made
        self.app, self.member = self.key("app"), self.key("member", user="anna")

    def key(self, role: str, **more: object) -> str:
        made = self.server.call("POST", f"/v1/companies/{self.id}/keys", {"role": role, **more})
        assert made.status == 201, made
        return made.body["key"]

    @property
    def openai(self) -> str:
        return f"{self.server.url}/openai/v1"

    def entries(self, *kinds: str) -> list[dict[str, Any]]:
        return [one for one in entries_of(self.server, self.id) if not kinds or one["kind"] in kinds]

    def kinds(self) -> list[str]:
        return [one["kind"] for one in self.entries() if one["kind"] not in ("company_created", "period_started")]

    def becomes(self, *kinds: str) -> bool:
        """Whether the ledger tells these facts, in a moment at the latest: measures come after the answer."""
        return eventually(self.kinds, lambda found: len(found) >= len(kinds)) == list(kinds)

    @property
    def available(self) -> int:
        return self.server.call("GET", f"/v1/companies/{self.id}/balance").body["available"]

    def open_holds(self) -> list[Any]:
        return self.server.call("GET", f"/v1/companies/{self.id}/holds?status=open").body["items"]


__all__ = ["CATALOGUE", "OPERATOR_KEY", "Acting", "Company", "file_of", "gateway", "other_make", "settings_of"]
