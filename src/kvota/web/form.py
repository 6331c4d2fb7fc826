"""What came in a form: text by the names of its fields, read as the requests of the API are."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar
from urllib.parse import parse_qsl

from kvota.errors import Malformed
from kvota.wire.reading import read_query

T = TypeVar("T")
MAX_FIELDS = 500
FORM = "application/x-www-form-urlencoded"
TOKEN, ONCE = "form_token", "once"
"""The hidden fields: the proof that the form is ours, and the idempotency key of what it does."""


class Form:
    """The fields of a form; one that came several times is a list."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._pairs = pairs

    def get(self, name: str, default: str = "") -> str:
        """The last value of a field, without blanks around it."""
        found = [value for field, value in self._pairs if field == name]
        return found[-1].strip() if found else default

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value.strip() for field, value in self._pairs if field == name]

    def __contains__(self, name: str) -> bool:
        return any(field == name for field, _ in self._pairs)

    def digest(self) -> str:
        """The same for the same fields of the same form, sent again."""
        return sha256("\n".join(f"{name}={value}" for name, value in self._pairs if name != TOKEN).encode()).hexdigest()

    def read(self, kind: type[T], *names: str) -> T:
        """The named fields as a request; one left empty is absent. Raises ``Invalid`` with an error for each field."""
        return read_query(kind, {name: value for name in names if (value := self.get(name))})


def read_form(body: bytes, content_type: bytes) -> Form:
    """The fields of a body. Raises ``Malformed``."""
    came = content_type.decode("latin-1").partition(";")[0].strip().lower()
    if came != FORM and body:
        raise Malformed(f"A form is sent as {FORM}, and this came as {came[:80] or 'nothing'}.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Malformed("The form is not text in UTF-8, or has too many fields.") from None
    return Form(pairs)
