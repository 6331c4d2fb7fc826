"""A receiver of webhooks on the loopback, which keeps what came and answers as it is told."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer


class Came(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """``answers`` are the statuses of the requests to come, then it is 204."""

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.answers: deque[int] = deque()
        self.arrived = asyncio.Event()
        app = web.Application()
        app.router.add_post("/{rest:.*}", self._take)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append(Came(request.path, headers, await request.read()))
        self.arrived.set()
        return web.Response(status=self.answers.popleft() if self.answers else 204)

    async def until(self, count: int) -> list[Came]:
        """What came, once there are so many."""
        async with asyncio.timeout(30):
            while len(self.came) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.came
