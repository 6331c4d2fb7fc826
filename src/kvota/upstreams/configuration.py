"""The file of upstreams: which AI services there are, which models each has, and what they cost.

Its grammar is told in ``docs/upstreams.md``. All mistakes are told at once, each with its line; no key is ever in it,
nor shown where one was pasted by mistake.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from kvota.errors import FieldError, UpstreamsInvalid
from kvota.toml_file import MAX_BYTES, Mistakes, Table, decoded, locate, values

MAX_UNITS = 10**15
MAX_SECONDS = 3_600
KEY_IN = "Authorization: Bearer {key}"

_TOP = ("services",)
_SERVICE = (
    "base_url", "models", "key_env", "key_in", "connect_seconds", "first_byte_seconds", "idle_seconds", "rename",
    "prices",
)  # fmt: skip
_PRICE = ("currency", "input", "cached_input", "output", "image", "audio_minute")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_NAME_WORDS = "a small letter, then at most 31 of a-z 0-9 _ -"
_MODEL = re.compile(r"[\x21-\x7e]{1,200}")
_MODEL_WORDS = "a model's name of 1 to 200 printable characters, * for any others"
_URL = re.compile(r"https?://[^\s?#@\\]{1,500}")
_URL_WORDS = 'an address such as "https://api.openai.com/v1", without a user, a query or a fragment'
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_KEY_IN = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}: [\x20-\x7e]{0,100}\{key\}")
_KEY_IN_WORDS = 'a header such as "Authorization: Bearer {key}" or "api-key: {key}"'
_CURRENCY = re.compile(r"[A-Z]{3}")


class Secret:
    """A key. It shows itself to nobody but who asks for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(***)"

    def reveal(self) -> str:
        """The key itself, for the header that carries it."""
        return self._text


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs, in millionths of the currency: for a million tokens, for one picture, for a minute."""

    currency: str
    input: int = 0
    cached_input: int | None = None
    output: int = 0
    image: int = 0
    audio_minute: int = 0


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One AI service with an OpenAI-compatible interface."""

    name: str
    base_url: str
    models: tuple[str, ...]
    key: Secret | None = None
    key_in: str = KEY_IN
    connect_seconds: int = 5
    first_byte_seconds: int = 120
    idle_seconds: int = 60
    rename: Mapping[str, str] = {}
    prices: Mapping[str, Price] = {}

    def serves(self, model: str) -> bool:
        """Whether the model is one of its own."""
        return any(is_like(model, pattern) for pattern in self.models)

    def price(self, model: str) -> Price | None:
        """What the model costs; the first pattern that it is like."""
        return next((price for pattern, price in self.prices.items() if is_like(model, pattern)), None)

    def key_header(self) -> dict[str, str]:
        """The header that carries the key; none where there is no key."""
        if self.key is None:
            return {}
        name, _, template = self.key_in.partition(": ")
        return {name: template.replace("{key}", self.key.reveal())}


def is_like(model: str, pattern: str) -> bool:
    """Whether the pattern, in which only ``*`` has a meaning, stands for the model."""
    head, *rest = pattern.split("*")
    if not rest:
        return model == pattern
    if not model.startswith(head):
        return False
    at = len(head)
    for part in rest[:-1]:
        found = model.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(model) - at >= len(rest[-1]) and model.endswith(rest[-1])


def parse(text: str | bytes, environment: Mapping[str, str]) -> tuple[Service, ...]:
    """The services of a file, in its order. Raises UpstreamsInvalid with every mistake, in the order of the lines."""
    source = decoded(text, UpstreamsInvalid).replace("\r\n", "\n")
    mistakes = Mistakes(locate(source, UpstreamsInvalid), UpstreamsInvalid)
    root = Table(values(source, UpstreamsInvalid), (), mistakes, _TOP)
    tables = root.table("services", required=True).tables(_NAME, _NAME_WORDS, _SERVICE)
    if root.values.get("services") == {}:
        root.refuse("services", "has no service; at least one is needed: [services.openai]")
    services = tuple(_service(name, table, environment) for name, table in tables.items())
    mistakes.raise_if_any()
    return services


def load(path: str, environment: Mapping[str, str]) -> tuple[Service, ...]:
    """The services of a file. Raises UpstreamsInvalid also where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "no path"
        message = f"a TOML file that can be read is needed: {why}"
        raise UpstreamsInvalid(
            f"There is no file of upstreams {path[:200]!r}: {message}.",
            errors=[FieldError("upstreams", message, path[:200])],
        ) from error
    return parse(text, environment)


def _service(name: str, table: Table, environment: Mapping[str, str]) -> Service:
    models = table.texts("models", _MODEL, _MODEL_WORDS)
    if "models" not in table or table.values["models"] == []:
        table.refuse("models", 'is missing; name at least one, such as ["gpt-*"]')
    seconds = {
        key: value
        for key in ("connect_seconds", "first_byte_seconds", "idle_seconds")
        if (value := table.whole(key, 1, MAX_SECONDS)) is not None
    }
    if "key_in" in table and "key_env" not in table:
        table.refuse("key_in", "says where the key goes, but there is no key_env; leave it out, or add that")
    return Service(
        name=name,
        base_url=_base_url(table),
        models=models,
        key=_key(table, environment),
        key_in=table.text("key_in", _KEY_IN, _KEY_IN_WORDS) or KEY_IN,
        **seconds,
        rename=_rename(table.table("rename")),
        prices=_prices(table),
    )


def _base_url(table: Table) -> str:
    url = table.text("base_url", _URL, _URL_WORDS, required=True) or ""
    try:
        parts = urlsplit(url)
        is_right = not url or (bool(parts.hostname) and (parts.port is None or parts.port > 0))
    except ValueError:
        is_right = False
    if not is_right:
        table.refuse("base_url", f"{_URL_WORDS} is needed", url)
    return url.rstrip("/")


def _key(table: Table, environment: Mapping[str, str]) -> Secret | None:
    if "key_env" not in table:
        return None
    name = table.values["key_env"]
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        # Whatever stands there is not repeated: it may be the key.
        table.refuse("key_env", "the name of an environment variable is needed, such as OPENAI_API_KEY; never the key")
        return None
    value = environment.get(name, "")
    if not value:
        table.refuse("key_env", f"the environment has no {name}; set it, or leave key_env out for a service without")
    elif not (value.isascii() and value.isprintable()) or " " in value:
        table.refuse("key_env", f"what the environment has in {name} is no key: it has spaces, line ends or the like")
    return Secret(value)


def _rename(table: Table) -> dict[str, str]:
    names = table.names(_MODEL, "a model's name, as clients give it")
    return {name: to for name in names if (to := table.text(name, _MODEL, "the name that the service has for it"))}


def _prices(table: Table) -> dict[str, Price]:
    prices = table.table("prices").tables(_MODEL, _MODEL_WORDS, _PRICE)
    return {
        pattern: Price(
            currency=one.text("currency", _CURRENCY, 'three capital letters, such as "USD",', required=True) or "",
            input=one.whole("input", 0, MAX_UNITS) or 0,
            cached_input=one.whole("cached_input", 0, MAX_UNITS),
            output=one.whole("output", 0, MAX_UNITS) or 0,
            image=one.whole("image", 0, MAX_UNITS) or 0,
            audio_minute=one.whole("audio_minute", 0, MAX_UNITS) or 0,
        )
        for pattern, one in prices.items()
    }
