"""From the bytes of a file to its text and its values."""

import re
import tomllib

from kvota.errors import FileInvalid
from kvota.toml_file.lines import refusal

MAX_BYTES = 1_048_576
_SYNTAX_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")


def decoded(text: str | bytes, kind: type[FileInvalid]) -> str:
    """The text of a file, without a byte order mark; ``kind`` is raised if it is not UTF-8 or too long."""
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > MAX_BYTES:
            raise refusal(1, f"{kind.a_file} has at most {MAX_BYTES:,} bytes; this one has more", kind)
        return data.decode("utf-8-sig")
    except UnicodeEncodeError as error:
        raise refusal(1, f"{kind.a_file} is UTF-8; this text has half a surrogate pair", kind) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise refusal(line, f"{kind.a_file} is UTF-8; save it in that encoding", kind) from error


def values(source: str, kind: type[FileInvalid]) -> dict[str, object]:
    """What the text says; ``kind`` is raised where it is no TOML."""
    try:
        return tomllib.loads(source)
    except ValueError as error:
        found = _SYNTAX_LINE.search(str(error))
        line = int(found.group(1)) if found else source.rstrip("\n").count("\n") + 1
        reason = _SYNTAX_LINE.sub(rf"(column {found.group(2)})" if found else "", str(error)).rstrip(". ")
        raise refusal(line, f"this is no TOML: {reason}", kind) from error
