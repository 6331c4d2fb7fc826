"""Tells browsers that a company's balance may have moved, by server-sent events, whichever process has moved it.

For each company that somebody watches there is one look a second at the number of its last entry: one row by its key.
What time alone brings (a new month, a boost's end) writes no entry, so something is told once a minute in any case. A
stream carries no figures: the browser asks for them, and is judged anew.
"""

import asyncio
from collections.abc import AsyncGenerator

from kvota.asgi.services import Services
from kvota.errors import KvotaError

LOOK_SECONDS = 1.0
TELL_SECONDS = 60.0
LIFE_SECONDS = 900.0
"""A stream ends after so long, and the browser begins another: who has been signed out gets none."""
MOST = 500
CHANGED = b"event: changed\ndata:\n\n"


class _Watched:
    """A company, with the number of its last entry and how many streams wait for another."""

    def __init__(self) -> None:
        self.head: int | None = None
        self.streams = 0
        self.moved = asyncio.Event()


class Live:
    """The streams of one process: at most ``most`` at once."""

    def __init__(
        self,
        services: Services,
        *,
        most: int = MOST,
        look_seconds: float = LOOK_SECONDS,
        life_seconds: float = LIFE_SECONDS,
    ) -> None:
        self._services, self._most = services, most
        self._look_seconds, self._life_seconds = look_seconds, life_seconds
        self._watched: dict[str, _Watched] = {}
        self._lookers: set[asyncio.Task[None]] = set()
        self._streams = 0
        self._is_over = False

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another stream."""
        return self._is_over or self._streams >= self._most

    def end(self) -> None:
        """The server ends: so do the streams."""
        self._is_over = True
        for watched in self._watched.values():
            watched.moved.set()

    async def tell(self, company: str, seen: int) -> AsyncGenerator[bytes]:
        """The pieces of one stream, for a page that shows the balance as of the entry of that number."""
        watched = self._watch(company)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._life_seconds
        try:
            yield b"retry: 3000\n\n"
            while not self._is_over:
                if watched.head in (None, seen):
                    try:
                        await asyncio.wait_for(watched.moved.wait(), min(TELL_SECONDS, ends_at - loop.time()))
                    except TimeoutError:
                        pass  # nothing was written; but time has passed
                    else:
                        if watched.head == seen:
                            continue
                if self._is_over or loop.time() >= ends_at:
                    return
                seen = seen if watched.head is None else watched.head
                yield CHANGED
        finally:
            self._streams -= 1
            watched.streams -= 1
            if not watched.streams:
                self._watched.pop(company, None)

    def _watch(self, company: str) -> _Watched:
        watched = self._watched.get(company)
        if watched is None:
            watched = self._watched[company] = _Watched()
            looker = asyncio.ensure_future(self._look(company, watched))
            self._lookers.add(looker)
            looker.add_done_callback(self._lookers.discard)
        watched.streams += 1
        self._streams += 1
        return watched

    async def _look(self, company: str, watched: _Watched) -> None:
        """Look while somebody watches; a store that does not answer is asked again."""
        while watched is self._watched.get(company) and not self._is_over:
            try:
                head = await self._services.read(self._services.reads.head, company)
            except KvotaError:
                head = watched.head
            if head != watched.head:
                watched.head = head
                moved, watched.moved = watched.moved, asyncio.Event()
                moved.set()
            await asyncio.sleep(self._look_seconds)
