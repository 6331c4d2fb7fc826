"""Load by wrk, which takes a small part of one core."""

import secrets
import subprocess
from pathlib import Path

import msgspec

from bench.machine import cpu_seconds
from bench.serving import Server
from tests.acceptance.servers import OPERATOR_KEY

CONNECTIONS = 64
SECONDS = 2
SCRIPT = Path(__file__).parent / "requests.lua"
CHARGE = '{"action":"chat_question","user":"user-0001"}'
CHARGES = "/v1/companies/{company}/charges"


class Loaded(msgspec.Struct):
    """What came of it; latencies in milliseconds, ``cpu`` in microseconds of the server's process for each request."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def load(
    server: Server,
    path: str,
    body: str = "",
    *,
    companies: int = 1,
    keys: bool = False,
    pairs: bool = False,
    batch: int = 0,
    connections: int = CONNECTIONS,
    seconds: float = SECONDS,
) -> Loaded:
    """Ask ``path`` over and over, with each company in turn; every reply must be a good one.

    ``pairs``: each call is a hold of something with images, and the next one captures it. ``batch``: each call is a
    batch of so many operations like ``body``.
    """
    before = cpu_seconds(server.pid)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(SCRIPT), server.url]
    told = [
        OPERATOR_KEY,
        path,
        body,
        str(companies),
        f"batch-{batch}" if batch else "pairs" if pairs else "yes" if keys else "no",
        secrets.token_hex(6),
    ]
    done = subprocess.run([*command, "--", *told], capture_output=True, text=True, check=True)
    found = msgspec.json.decode(done.stdout.splitlines()[-1], type=Loaded)
    if found.refused or found.broken or not found.requests:
        raise RuntimeError(f"{path}: {done.stdout}{done.stderr}")
    found.cpu = (cpu_seconds(server.pid) - before) / found.requests * 1e6
    return found
