"""Options that many commands share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from kvota.errors import Invalid
from kvota.settings import Settings, from_environment

_WHERE = Group("Where", sort_key=10)
_OUTPUT = Group("Output", sort_key=11)


def _language(*names: str) -> Parameter:
    return Parameter(group=_OUTPUT, env_var=list(names), show_env_var=False)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """How the answer is told."""

    json: Annotated[bool, Parameter(group=_OUTPUT, negative=())] = False
    "The reply as JSON, exactly as the HTTP API gives it."
    lang: Annotated[str, _language("KVOTA_LANG", "LC_ALL", "LC_MESSAGES", "LANG")] = "en"
    "The language of messages that the API gives: en or ru; the environment's LANG where it is not given."

    @property
    def language(self) -> str:
        """``ru`` or ``en``."""
        return "ru" if self.lang.lower().startswith("ru") else "en"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where(Output):
    """A running server, or a store."""

    url: Annotated[str | None, Parameter(group=_WHERE)] = None
    "A running server, http://127.0.0.1:8024 for example; KVOTA_URL where it is not given."
    key: Annotated[str | None, Parameter(group=_WHERE)] = None
    "The API key for that server; KVOTA_KEY where it is not given (better: other users can see arguments)."
    store: Annotated[str | None, Parameter(group=_WHERE)] = None
    "A store to open without a server: sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE."

    def settings(self) -> Settings:
        """The environment's settings, with what was given in their place.

        A store that is given wins over the environment's server.
        """
        if self.url is not None and self.store is not None:
            raise Invalid("--url and --store cannot both be given: a command speaks to a server or opens a store.")
        found = from_environment()
        return Settings(
            store=self.store or found.store,
            catalogue=found.catalogue,
            operator_key=found.operator_key,
            is_sandbox=found.is_sandbox,
            log_level=found.log_level,
            url=self.url or (found.url if self.store is None else None),
            key=self.key or found.key,
        )


Quantities = Annotated[list[str] | None, Parameter(name=["--quantity", "-q"], negative=())]
Measures = Annotated[list[str] | None, Parameter(name=["--measure", "-m"], negative=())]
Stages = Annotated[list[str] | None, Parameter(name="--stage", negative=())]
IdempotencyKey = Annotated[str | None, Parameter(name="--idempotency-key")]


def amounts(option: str, given: Sequence[str] | None) -> dict[str, int]:
    """``images=3`` and the like, as names with whole numbers."""
    found: dict[str, int] = {}
    for text in given or ():
        name, is_given, number = text.partition("=")
        if not is_given or not name or not number.isascii() or not number.removeprefix("-").isdigit():
            raise Invalid.field(option, "a name and a whole number are needed, images=3 for example", text)
        if name in found:
            raise Invalid.field(option, f"{name} is given twice", text)
        found[name] = int(number)
    return found


def named(option: str, given: Sequence[str] | None) -> list[tuple[str, str]]:
    """``context_tokens=ContextTokens`` and the like."""
    found: list[tuple[str, str]] = []
    for text in given or ():
        name, is_given, other = text.partition("=")
        if not is_given or not name or not other:
            raise Invalid.field(option, "two names are needed, context_tokens=ContextTokens for example", text)
        found.append((name, other))
    return found


def given(**fields: object) -> dict[str, object]:
    """A body of the fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}
