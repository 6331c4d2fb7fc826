"""Where each key of a TOML text stands, which ``tomllib`` does not tell.

The scanner goes first, over text that nobody has judged yet. So it accepts more than TOML (``tomllib`` reports what is
wrong with the syntax) but refuses what would make ``tomllib`` slow or overflow its stack: deep nesting, keys of very
many parts, endless numbers.
"""

import re
import tomllib
from bisect import bisect_left
from contextlib import suppress
from typing import NamedTuple

from kvota.errors import FieldError, FileInvalid

Path = tuple[str | int, ...]
MAX_DEPTH = 16
MAX_SCALAR = 100

_BLANK = re.compile(r"(?:[ \t\n]++|#[^\n]*+)*+")
_SPACE = re.compile(r"[ \t]*+")
_BASIC = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_LITERAL = r"'[^'\n]*+'"
_KEY_PART = re.compile(rf"[A-Za-z0-9_-]++|{_BASIC}|{_LITERAL}")
# A multi-line string may end in one or two quotes of its own before the three that close it.
_LONG_BASIC = r'"""[^"\\]*+(?:(?:\\.|"{1,2}(?!"))[^"\\]*+)*+"{3,5}'
_LONG_LITERAL = r"'''[^']*+(?:'{1,2}(?!')[^']*+)*+'{3,5}"
_STRING = re.compile(f"{_LONG_BASIC}|{_LONG_LITERAL}|{_BASIC}|{_LITERAL}", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]++")


class Place(NamedTuple):
    """A key's line, counted from 1, and the offset at which its value starts (of a table's header: the header)."""

    line: int
    value_at: int


def locate(text: str, kind: type[FileInvalid]) -> dict[Path, Place]:
    r"""Where every key, table and list element stands, by its path; ``text`` has ``\n`` as its only line end.

    Of a text that is no TOML: what stands before the first mistake. Raises ``kind`` for nesting deeper than
    ``MAX_DEPTH`` and for a number or an instant longer than ``MAX_SCALAR`` characters.
    """
    scanner = _Scanner(text, kind)
    with suppress(_NoTomlError):
        scanner.document()
    return scanner.places


class _NoTomlError(Exception):
    """The text is no TOML from here on; ``tomllib`` says why."""


class _Scanner:
    def __init__(self, text: str, kind: type[FileInvalid]) -> None:
        self.places: dict[Path, Place] = {}
        self._text, self._kind = text, kind
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._last_element: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._sees("["):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Path:
        start = self._at
        opening, closing = ("[[", "]]") if self._sees("[[") else ("[", "]")
        self._take(opening)
        parts = self._key(())
        self._take(closing)
        path: Path = ()
        for number, part in enumerate(parts, start=1):
            path = (*path, part)
            self._put(path, start, start)
            if opening == "[[" and number == len(parts):
                self._last_element[path] = self._last_element.get(path, -1) + 1
            if path in self._last_element:
                path = (*path, self._last_element[path])
                self._put(path, start, start)
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        parts = self._key(table)
        self._take("=")
        self._skip(_SPACE)
        path = table
        for part in parts:
            path = (*path, part)
            self._put(path, start, self._at)
        self._value(path)

    def _key(self, table: Path) -> list[str]:
        parts: list[str] = []
        while not parts or self._takes("."):
            self._skip(_SPACE)
            parts.append(_plain(self._match(_KEY_PART)))
            self._check_depth(len(table) + len(parts))
            self._skip(_SPACE)
        return parts

    def _value(self, path: Path) -> None:
        self._check_depth(len(path))
        if self._takes("["):
            self._elements(path)
        elif self._takes("{"):
            self._inline_pairs(path)
        elif self._sees('"') or self._sees("'"):
            self._match(_STRING)
        else:
            start = self._at
            if len(self._match(_SCALAR).rstrip()) > MAX_SCALAR:
                raise refusal(
                    self._line(start), f"a number or an instant has at most {MAX_SCALAR} characters", self._kind
                )

    def _elements(self, path: Path) -> None:
        number = 0
        self._skip(_BLANK)
        while not self._takes("]"):
            self._put((*path, number), self._at, self._at)
            self._value((*path, number))
            number += 1
            self._separator("]")

    def _inline_pairs(self, path: Path) -> None:
        self._skip(_BLANK)
        while not self._takes("}"):
            self._pair(path)
            self._separator("}")

    def _separator(self, closing: str) -> None:
        self._skip(_BLANK)
        if self._takes(","):
            self._skip(_BLANK)
        elif not self._sees(closing):
            raise _NoTomlError

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise refusal(
                self._line(self._at), f"tables, lists and dotted keys nest at most {MAX_DEPTH} deep", self._kind
            )

    def _put(self, path: Path, start: int, value_at: int) -> None:
        self.places.setdefault(path, Place(self._line(start), value_at))

    def _line(self, offset: int) -> int:
        return bisect_left(self._newlines, offset) + 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _NoTomlError
        self._at = match.end()
        return match.group()

    def _sees(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def _takes(self, token: str) -> bool:
        if not self._sees(token):
            return False
        self._at += len(token)
        return True

    def _take(self, token: str) -> None:
        if not self._takes(token):
            raise _NoTomlError


def _plain(part: str) -> str:
    """A key's part without its quotes and escapes."""
    if part[0] not in "\"'":
        return part
    try:
        return str(tomllib.loads(f"part = {part}")["part"])
    except ValueError as error:
        raise _NoTomlError from error


def refusal(line: int, message: str, kind: type[FileInvalid]) -> FileInvalid:
    """A file that cannot be read beyond ``line``."""
    return kind(f"Line {line}: {message}.", errors=[FieldError(f"line {line}", message)])
