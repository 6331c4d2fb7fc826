"""The AI service of the tests in a process of its own, which can be killed; it is told what to do over HTTP."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

from tests.ports import free_port
from tests.upstreams import service as acting
from tests.upstreams.service import AiService


class AiProcess:
    """Started, told how to behave, killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._log = folder / f"ai-service-{self.port}.log"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.upstreams.process", str(self.port)],
                cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", self._log.read_text()

    def behave(self, name: str) -> None:
        """`right`, or the name of a behaviour of this module or of `service`."""
        self._tell(f"behave/{name}")

    def go(self) -> None:
        """Let the call that waits for it go on."""
        self._tell("go")

    def _tell(self, what: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{what}", b"")
        with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310 - loopback
            assert reply.status == 200

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextlib.contextmanager
def ai_process(folder: Path) -> Iterator[AiProcess]:
    """One that runs, and is killed afterwards."""
    running = AiProcess(folder)
    running.start()
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()


async def serve(port: int) -> None:
    service, going = AiService(port=port), asyncio.Event()

    async def waits_to_begin(request, fields):
        going.clear()
        await going.wait()
        return await acting.chat(request, fields)

    async def waits_in_the_middle(request, fields):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices": []}\n\n')
        going.clear()
        await going.wait()
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    own = {"right": None, "waits_to_begin": waits_to_begin, "waits_in_the_middle": waits_in_the_middle}

    async def behave(request):
        name = request.match_info["name"]
        service.behaviour = own[name] if name in own else getattr(acting, name)
        return web.Response()

    async def go(request):
        going.set()
        return web.Response()

    service.app.router.add_post("/behave/{name}", behave)
    service.app.router.add_post("/go", go)
    async with service:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
