"""HTTP servers of the tests' own, in this process, that are shut while others knock."""

import asyncio
import socket

from aiohttp import web


async def listen(runner: web.AppRunner, port: int) -> socket.socket:
    """Serve on this machine, at a free port where that is 0; what it listens on."""
    listening = socket.create_server(("127.0.0.1", port))
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return listening


async def shut(runner: web.AppRunner, listening: socket.socket) -> None:
    """Let nobody in any more, then cut who is in: Python 3.11 loses those who come in while its server closes."""
    asyncio.get_running_loop().remove_reader(listening)
    await asyncio.sleep(0)  # who has been accepted gets in
    await runner.cleanup()
