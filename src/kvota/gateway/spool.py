"""A body that may be larger than memory should hold: in memory up to a megabyte, beyond that in an unnamed file."""

import asyncio
import io
import mmap
import tempfile
from types import TracebackType
from typing import IO, Self

from kvota.asgi.streaming import Disconnected, Receive
from kvota.errors import BodyTooLarge

IN_MEMORY = 1 << 20


class Spool:
    """What came, to be read more than once; a ``with`` block ends it."""

    def __init__(self) -> None:
        self.file: IO[bytes] = io.BytesIO()
        self.size = 0
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._map is not None:
            self._map.close()
        self.file.close()

    async def take(self, receive: Receive, headers: dict[bytes, bytes], limit: int) -> None:
        """Take the body; ``BodyTooLarge`` as soon as it is known to be larger than ``limit``."""
        length = headers.get(b"content-length", b"")
        if length.isdigit() and (len(length) > 12 or int(length) > limit):  # noqa: PLR2004 - no need to read it all
            raise BodyTooLarge(f"{limit}")
        has_more = True
        while has_more:
            message = await receive()
            if message["type"] != "http.request":
                raise Disconnected
            piece: bytes = message.get("body", b"")
            self.size += len(piece)
            if self.size > limit:
                raise BodyTooLarge(f"{limit}")
            if self.size > IN_MEMORY:
                await asyncio.to_thread(self._write_to_disk, piece)
            else:
                self.file.write(piece)
            has_more = message.get("more_body", False)

    def _write_to_disk(self, piece: bytes) -> None:
        if isinstance(self.file, io.BytesIO):
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
            file.write(self.file.getbuffer())
            self.file = file
        self.file.write(piece)

    def content(self) -> bytes | mmap.mmap:
        """All of it, to be looked through; what is on the disk stays there."""
        if isinstance(self.file, io.BytesIO):
            return self.file.getvalue()
        self.file.flush()
        self._map = self._map or mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map
