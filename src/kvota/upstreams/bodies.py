"""What is sent to a service: the bytes as they came, but for the model's name where the service has another for it."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import IO, NamedTuple, cast

import msgspec

PIECE = 65_536


class Json(NamedTuple):
    """A body of JSON, an object with a ``model``."""

    content: bytes
    content_type: str = "application/json"

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> "Json":
        """The body that says these fields."""
        return cls(msgspec.json.encode(fields))

    def sent(self, model: str | None) -> tuple[bytes, int]:
        """The bytes and their number; with ``model`` in the model's place, unless it is None."""
        content = self.content
        if model is not None:
            fields = cast("dict[str, object]", json.loads(content))
            content = json.dumps({**fields, "model": model}, ensure_ascii=False).encode()
        return content, len(content)


class Upload(NamedTuple):
    """A form with a file in it (``multipart/form-data``), which may be larger than memory should hold.

    ``model_at``: where in the file the value of the field ``model`` begins and ends. The file is read from its
    beginning for each service that is tried; who made it closes it.
    """

    file: IO[bytes]
    size: int
    content_type: str
    model_at: tuple[int, int]

    @classmethod
    def of(cls, file: IO[bytes], fields: Mapping[str, str], name: str, media: str, content: bytes) -> "Upload":
        """Write a form into ``file``: the fields, ``model`` among them, and a file of that name and media type."""
        boundary = secrets.token_hex(16)
        model_at = (0, 0)
        for field, value in fields.items():
            file.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field)}"\r\n\r\n'.encode())
            start = file.tell()
            file.write(value.encode())
            if field == "model":
                model_at = (start, file.tell())
            file.write(b"\r\n")
        disposition = f'form-data; name="file"; filename="{_quoted(name)}"'
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {media}\r\n\r\n"
        file.write(head.encode() + content + f"\r\n--{boundary}--\r\n".encode())
        return cls(file, file.tell(), f"multipart/form-data; boundary={boundary}", model_at)

    def sent(self, model: str | None) -> tuple[AsyncIterator[bytes], int]:
        """The bytes in pieces and their number; with ``model`` in the model's place, unless it is None."""
        start, end = self.model_at
        name = b"" if model is None else model.encode()
        size = self.size if model is None else self.size - (end - start) + len(name)
        return self._pieces(None if model is None else name), size

    async def _pieces(self, name: bytes | None) -> AsyncIterator[bytes]:
        start, end = self.model_at
        spans = [(0, self.size)] if name is None else [(0, start), (end, self.size)]
        for number, (at, until) in enumerate(spans):
            if number and name:
                yield name
            self.file.seek(at)
            left = until - at
            while left and (piece := self.file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece


Body = Json | Upload


def _quoted(text: str) -> str:
    return text.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
