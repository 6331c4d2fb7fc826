"""Having a request answered by an AI service: a text, pictures, or a recording fetched and written down."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp

from kvota.bitrix24.asked import Asked
from kvota.outgoing import Outgoing

MAX_RECORDING = 100 * 1024 * 1024
RECORDING_SECONDS = 300.0
MAX_REDIRECTS = 3
AT_ONCE = 4


class Fetched(NamedTuple):
    """A recording."""

    content: bytes
    name: str
    media: str


class FetchFailed(Exception):
    """A recording cannot be had; ``is_final``: trying again is of no use."""

    def __init__(self, detail: str, *, is_final: bool) -> None:
        super().__init__(detail)
        self.is_final = is_final


class Given(Protocol):
    """What a service has answered: ``kvota.upstreams.Answered``."""

    @property
    def texts(self) -> list[str]: ...

    @property
    def measures(self) -> dict[str, int]: ...


class Models(NamedTuple):
    """Which model answers what."""

    text: str
    image: str
    audio: str


class Recordings:
    """Fetches recordings, from the portal's hosts alone; a few at a time, since each is held in memory."""

    def __init__(self, outgoing: Outgoing, *, most: int = MAX_RECORDING, seconds: float = RECORDING_SECONDS) -> None:
        self._outgoing, self._most, self._seconds = outgoing, most, seconds
        self.room = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, session: aiohttp.ClientSession, asked: Asked, hosts: tuple[str, ...]) -> Fetched:
        """Fetch the recording of a request. Raises ``FetchFailed``."""
        url = asked.file
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(MAX_REDIRECTS + 1):
                    self._check(url, hosts)
                    async with session.get(url, allow_redirects=False, timeout=_UNTIMED) as reply:
                        if 300 <= reply.status < 400 and "Location" in reply.headers:  # noqa: PLR2004
                            url = urljoin(url, reply.headers["Location"])
                            continue
                        if reply.status != 200:  # noqa: PLR2004
                            is_final = 400 <= reply.status < 500  # noqa: PLR2004
                            raise FetchFailed(f"HTTP {reply.status}.", is_final=is_final)
                        return Fetched(await self._read(reply), asked.file_name, asked.media)
                raise FetchFailed("too many redirects.", is_final=True)
        except TimeoutError as error:
            raise FetchFailed(f"more than {self._seconds:.0f} s.", is_final=False) from error
        except aiohttp.ClientError as error:
            raise FetchFailed(f"{type(error).__name__}.", is_final=False) from error

    def _check(self, url: str, hosts: tuple[str, ...]) -> None:
        try:
            self._outgoing.check(url)
            host = urlsplit(url).netloc.lower()
        except (aiohttp.ClientError, ValueError) as error:
            raise FetchFailed(f"{error}.", is_final=True) from error
        if host not in hosts:
            raise FetchFailed(f"host {host[:100]}.", is_final=True)

    async def _read(self, reply: aiohttp.ClientResponse) -> bytes:
        if (reply.content_length or 0) > self._most:
            raise FetchFailed(f"> {self._most // 1024 // 1024} MiB.", is_final=True)
        read = bytearray()
        async for piece in reply.content.iter_any():
            read += piece
            if len(read) > self._most:
                raise FetchFailed(f"> {self._most // 1024 // 1024} MiB.", is_final=True)
        return bytes(read)


_UNTIMED = aiohttp.ClientTimeout(total=None)


class Asking(Protocol):
    """Whoever asks the services: ``kvota.upstreams.Calls``."""

    async def chat(self, model: str, messages: list[dict[str, str]], **options: object) -> Given: ...

    async def transcribe(self, model: str, content: bytes, *, name: str, media: str, **options: object) -> Given: ...

    async def image(self, model: str, prompt: str, *, n: int, **options: object) -> Given: ...


async def written(calls: Asking, models: Models, asked: Asked) -> Given:
    """A text for a prompt, with what was said before where the portal wants it used."""
    messages: list[Mapping[str, str]] = []
    if asked.payload_role:
        messages.append({"role": "system", "content": asked.payload_role})
    messages += [{"role": one.role, "content": one.content} for one in asked.said_before]
    messages.append({"role": "user", "content": asked.text})
    options = {"max_tokens": asked.max_tokens or None, "temperature": asked.temperature}
    return await calls.chat(models.text, [dict(one) for one in messages], **options)


async def drawn(calls: Asking, models: Models, asked: Asked) -> Given:
    """Pictures, so many and of that size; the portal's word for a style is put into the prompt."""
    prompt = asked.text if asked.style is None else f"{asked.text}\n\nStyle: {asked.style}"
    return await calls.image(models.image, prompt, n=asked.pictures, size=asked.size)


async def heard(calls: Asking, models: Models, asked: Asked, fetched: Fetched) -> Given:
    """A recording written down."""
    return await calls.transcribe(
        models.audio, fetched.content, name=fetched.name, media=fetched.media, prompt=asked.hint
    )
