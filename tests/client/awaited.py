"""The asynchronous client as tests can ask it that do not await: each call runs in a loop of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

from kvota.client import AsyncClient


class Awaited:
    """Makes its client in the loop, and closes it there."""

    def __init__(self, make: Callable[[], AsyncClient]) -> None:
        self._make, self._runner = make, asyncio.Runner()

    def __enter__(self) -> Self:
        async def made() -> AsyncClient:
            return self._make()

        self._client = self._runner.run(made())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*arguments: Any, **more: Any) -> Any:
            asked = method(*arguments, **more)
            if isinstance(asked, AsyncIterator):
                return iter(self._runner.run(_drained(asked)))
            return self._runner.run(asked)

        return call


async def _drained(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]
