"""The heads of all ledgers in a file: what proves later that nothing was cut off and no history was rewritten.

JSON lines: a header, a line for each company in the order of their names, and a last line that counts them, so that a
file which was cut off itself is noticed. The same ledgers give the same bytes.
"""

import os
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from kvota.errors import Invalid, StoreUnavailable

FORMAT = "kvota heads 1"


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last entry of a company's ledger: its number and its hash."""

    company: str
    seq: int
    hash: str


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    format: str


class Footer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line."""

    companies: int


_encode = msgspec.json.Encoder().encode
_decode_head = msgspec.json.Decoder(Head).decode


class Export:
    """A file that is being written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._count, self.is_ended = file, 0, False
        self._line(Header(format=FORMAT))

    def _line(self, line: msgspec.Struct) -> None:
        self._file.write(_encode(line) + b"\n")

    def add(self, head: Head) -> None:
        """The next company; one without an entry has no head."""
        if head.seq:
            self._line(head)
            self._count += 1

    def end(self) -> None:
        """Count the companies, and see that it is on the disk."""
        self._line(Footer(companies=self._count))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.is_ended = True


@contextmanager
def exporting(path: Path) -> Generator[Export]:
    """Write a file that bears its name once ``end`` was called; without it nothing is changed, and nothing is left."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            export = Export(file)
            yield export
        if export.is_ended:
            part.replace(path)
    except OSError as problem:
        raise StoreUnavailable(f"The heads cannot be written to {path}: {problem}.") from problem
    finally:
        part.unlink(missing_ok=True)


def read_heads(path: Path) -> Iterator[Head]:
    """The heads of a file, one after the other; ``Invalid`` with the line where the file is not whole."""
    before, count = "", 0
    with _lines(path) as lines:
        _check(next(lines, b""), 1, path)
        for number, line in enumerate(lines, 2):
            if (footer := _footer(line)) is not None:
                if footer.companies != count or next(lines, None) is not None:
                    raise _wrong(path, number, f"it counts {footer.companies} companies, before it are {count}")
                return
            head = _head(path, number, line)
            if head.company <= before:
                raise _wrong(path, number, f"{head.company!r} must stand before {before!r}, and each company once")
            yield head
            before, count = head.company, count + 1
    raise _wrong(path, count + 2, "the last line is missing: the file was cut off")


def check(path: Path) -> None:
    """Read a file to its end, before anything is compared with it."""
    for _ in read_heads(path):
        pass


@contextmanager
def _lines(path: Path) -> Generator[Iterator[bytes]]:
    try:
        with path.open("rb") as file:
            yield iter(file)
    except OSError as problem:
        raise Invalid(f"The heads cannot be read from {path}: {problem}.") from problem


def _check(line: bytes, number: int, path: Path) -> None:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, ValueError) as problem:
        raise _wrong(path, number, f"it is no file that `kvota verify --export` wrote: {problem}") from problem
    if header.format != FORMAT:
        raise _wrong(path, number, f"the format is {header.format!r}, and must be {FORMAT!r}")


def _footer(line: bytes) -> Footer | None:
    try:
        return msgspec.json.decode(line, type=Footer)
    except (msgspec.MsgspecError, ValueError):
        return None


def _head(path: Path, number: int, line: bytes) -> Head:
    try:
        head = _decode_head(line)
    except (msgspec.MsgspecError, ValueError) as problem:
        raise _wrong(path, number, f"{line!r} is no head of a ledger: {problem}") from problem
    if head.seq < 1 or re.fullmatch("[0-9a-f]{64}", head.hash) is None:
        raise _wrong(path, number, f"{line!r} is no head: seq is at least 1, hash has 64 hexadecimal digits")
    return head


def _wrong(path: Path, number: int, why: str) -> Invalid:
    return Invalid(
        f"{path}, line {number}: {why}. Take the file as `kvota verify --export` wrote it, from where it is kept."
    )


def joined(companies: Iterable[str], heads: Iterable[Head]) -> Iterator[tuple[str, Head | None]]:
    """Every company of either, by name, with its head where there is one. Both come in order."""
    expected = iter(heads)
    head = next(expected, None)
    for company in companies:
        while head is not None and head.company < company:
            yield head.company, head
            head = next(expected, None)
        if head is not None and head.company == company:
            yield company, head
            head = next(expected, None)
        else:
            yield company, None
    while head is not None:
        yield head.company, head
        head = next(expected, None)
