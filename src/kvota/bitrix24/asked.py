"""What a portal asks of an engine, read as tolerantly as the documentation wants it."""

from typing import Any, cast

import msgspec

from kvota.errors import Invalid, Malformed
from kvota.wire.fields import is_id

MAX_HASH = 200
MAX_PICTURES = 10
MAX_TTL = 86_400
TTL = 14_400
SIZES = {"square": "1024x1024", "portrait": "1024x1792", "landscape": "1792x1024"}


class Message(msgspec.Struct, frozen=True):
    role: str
    content: str


class Asked(msgspec.Struct, frozen=True, rename={"callback": "callbackUrl", "error_callback": "errorCallbackUrl"}):
    """The fields that are read; any others are let pass."""

    callback: str
    error_callback: str
    prompt: Any = None
    payload_raw: Any = None
    payload_markers: Any = None
    payload_role: str | None = None
    collect_context: bool | None = False
    context: list[Message] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    auth: Any = None
    ttl: float | None = None

    @property
    def code(self) -> str:
        """The prompt's code; '' where the request brings a text of the user's own."""
        return self.payload_raw if isinstance(self.payload_raw, str) and len(self.payload_raw) <= MAX_HASH else ""

    @property
    def user(self) -> str | None:
        """Who asks, where an application registered the engine."""
        found = str(_of(self.auth, "user_id") or "")
        return found if is_id(found) else None

    @property
    def said_before(self) -> list[Message]:
        """The conversation so far, oldest first; only to be used where the portal says so."""
        return list(self.context or ()) if self.collect_context else []

    @property
    def ttl_seconds(self) -> float:
        """How long the portal waits."""
        return min(MAX_TTL, self.ttl) if self.ttl is not None and self.ttl > 0 else TTL

    @property
    def text(self) -> str:
        """The text to be answered, or what a picture is to show."""
        text = self.prompt if isinstance(self.prompt, str) else _of(self.prompt, "prompt")
        return text if isinstance(text, str) else ""

    @property
    def texts(self) -> list[str]:
        """Everything in which a transcript may stand."""
        markers = [_of(self.payload_markers, name) for name in ("original_message", "user_message")]
        return [text for text in (self.text, *markers) if isinstance(text, str) and text]

    @property
    def file(self) -> str:
        """Where the recording is."""
        found = _of(self.prompt, "file")
        return found if isinstance(found, str) else ""

    @property
    def file_name(self) -> str:
        """A name for the recording, whose ending tells services what it is."""
        ending = str(_of(self.prompt, "fileExtension") or "").strip(".").lower()
        return f"recording.{ending if ending.isalnum() and len(ending) <= 5 else 'mp3'}"  # noqa: PLR2004 - .webm, .flac

    @property
    def media(self) -> str:
        """The recording's type."""
        found = _of(_of(self.prompt, "fields"), "type")
        return found if isinstance(found, str) and "/" in found and found.isprintable() else "audio/mpeg"

    @property
    def hint(self) -> str | None:
        """What the recording is about."""
        found = _of(_of(self.prompt, "fields"), "prompt")
        return found if isinstance(found, str) and found else None

    @property
    def pictures(self) -> int:
        """How many pictures; one where nothing is said."""
        found = _of(self.prompt, "images_number")
        return min(MAX_PICTURES, found) if isinstance(found, int) and found > 0 else 1

    @property
    def size(self) -> str:
        """Their size, in pixels."""
        return SIZES.get(str(_of(self.prompt, "format")), SIZES["square"])

    @property
    def style(self) -> str | None:
        """Their style, in the portal's words."""
        found = _of(self.prompt, "style")
        return found if isinstance(found, str) and found else None


def _of(value: object, name: str) -> object:
    return cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None


_decoder = msgspec.json.Decoder(Asked, strict=False)


def read_asked(body: bytes | str) -> Asked:
    """Read a request. Raises ``Malformed`` or ``Invalid``."""
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Invalid(f"The request is not one of a custom AI provider: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("The body is not JSON in UTF-8.") from error


def check_asked(asked: Asked, category: str) -> None:
    """Refuse what could never be answered, while the portal still listens."""
    if category in ("audio", "call"):
        if not asked.file:
            raise Invalid.field("prompt.file", "the URL of a recording is needed")
    elif not asked.text.strip():
        raise Invalid.field("prompt", "a text is needed")
