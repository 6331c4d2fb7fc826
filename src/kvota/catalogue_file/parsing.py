"""A catalogue file, TOML, as a ``Catalogue``; all its mistakes at once, each with its line and what would be right.

The grammar is told in ``docs/catalogue.md``. What one key may hold is said here, what several must agree on in
``kvota.catalogue_file.checks``.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path as FilePath

from kvota.catalogue_file.checks import check_actions, check_plans
from kvota.catalogue_file.prompts import PROMPTS, read_prompts
from kvota.catalogue_file.route_actions import ROUTES, read_route_actions
from kvota.core.catalogue import (
    MAX_AMOUNT,
    MAX_QUANTITY,
    Action,
    BoostOffer,
    Catalogue,
    Condition,
    Funds,
    Plan,
    Policy,
    Price,
)
from kvota.errors import CatalogueInvalid, FieldError
from kvota.toml_file import MAX_BYTES, Mistakes, Table, decoded, locate, values

MAX_PRICE = 1_000_000_000_000
MAX_VALID_DAYS = 36_500
MAX_TITLE = 200
LANGUAGES = ("en", "ru")

_ID = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
_ID_WORDS = "1 to 64 of A-Z a-z 0-9 . _ : @ -"
_FILE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FILE_ID_WORDS = "a text in quotes of 1 to 64 of A-Z a-z 0-9 . _ -"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME_WORDS = "a small letter, then at most 63 of a-z 0-9 _"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_FUNDS: tuple[Funds, ...] = ("allowance_first", "boosts_first")
_FINER_THAN_MILLISECOND = re.compile(r"[-0-9]+[Tt ][0-9:]+\.\d{3}\d*[1-9]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(3000, 1, 1, tzinfo=UTC)

_TOP = ("catalogue", "policy", "plans", "boosts", "tools", "actions", "bitrix24", "gateway")
_CATALOGUE = ("id", "version", "effective_from", "title")
_POLICY = ("funds", "hourly_limit")
_PLAN = ("title", "allowance", "price", "codes", "self_service", "actions", "user_daily_cap")
_BOOST = ("title", "amount", "valid_days", "price")
_ACTION = ("title", "tool", "base", "stages", "per", "min", "max", "free_when", "once_per_subject")
_CONDITION = ("at_least", "at_most", "equals")


def parse(text: str | bytes) -> Catalogue:
    """The catalogue that a TOML text of at most ``MAX_BYTES`` describes.

    Raises CatalogueInvalid, and nothing else, with every mistake in the order of the lines: ``FieldError.field`` is
    ``line 12: plans.small.allowance``.
    """
    source = decoded(text, CatalogueInvalid).replace("\r\n", "\n")
    mistakes = Mistakes(locate(source, CatalogueInvalid), CatalogueInvalid)
    root = Table(values(source, CatalogueInvalid), (), mistakes, _TOP)
    catalogue = _catalogue(root, source)
    mistakes.raise_if_any()
    return catalogue


def load(name_or_path: str) -> tuple[Catalogue, str]:
    """The catalogue of a shipped name or of a file, and its text.

    A shipped name wins over a file of the same name in the present directory (write ``./bitrix24`` for that). Raises
    CatalogueInvalid also where there is neither.
    """
    if name_or_path in shipped():
        data = resources.files("kvota.catalogues").joinpath(f"{name_or_path}.toml").read_bytes()
    else:
        data = _file(name_or_path)
    text = decoded(data, CatalogueInvalid)
    return parse(text), text


def shipped() -> tuple[str, ...]:
    """The names of the catalogues that come with the package."""
    files = resources.files("kvota.catalogues").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def _file(path: str) -> bytes:
    try:
        with FilePath(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "no path"
        message = f"neither a shipped catalogue ({', '.join(shipped())}) nor a file that can be read: {why}"
        shortened = path[:200]
        raise CatalogueInvalid(
            f"There is no catalogue {shortened!r}: {message}.", errors=[FieldError("catalogue", message, shortened)]
        ) from error


def _catalogue(root: Table, source: str) -> Catalogue:
    head = root.table("catalogue", _CATALOGUE, required=True)
    tools = root.table("tools", required=True)
    titles = {tool: _title(tools, tool) for tool in tools.names(_ID, _ID_WORDS)}
    actions = root.table("actions", required=True)
    action_tables = actions.tables(_ID, _ID_WORDS, _ACTION)
    plans = root.table("plans", required=True)
    plan_tables = plans.tables(_ID, _ID_WORDS, _PLAN)
    boost_tables = root.table("boosts").tables(_ID, _ID_WORDS, _BOOST)
    for name, what in (("tools", "tool"), ("actions", "action"), ("plans", "plan")):
        if root.values.get(name) == {}:
            root.refuse(name, f"has no {what}; at least one is needed")
    built_actions = {name: _action(name, table, titles) for name, table in action_tables.items()}
    check_actions(built_actions, action_tables)
    built_plans = {name: _plan(name, table) for name, table in plan_tables.items()}
    check_plans(built_plans, plan_tables, actions.values)
    return Catalogue(
        id=head.text("id", _FILE_ID, _FILE_ID_WORDS, required=True) or "",
        version=head.text("version", _FILE_ID, _FILE_ID_WORDS, required=True) or "",
        effective_from=_effective_from(head, source),
        title=_title(head, "title"),
        policy=_policy(root.table("policy", _POLICY)),
        tools=titles,
        actions=built_actions,
        plans=built_plans,
        boosts={name: _boost(name, table) for name, table in boost_tables.items()},
        bitrix24=read_prompts(root.table("bitrix24", PROMPTS), built_actions),
        gateway=read_route_actions(root.table("gateway", ROUTES), built_actions),
    )


def _effective_from(head: Table, source: str) -> int:
    instant = head.instant("effective_from")
    if instant is None:
        return 0
    # The text is asked and not the value: tomllib drops what is finer than a microsecond.
    value_at = head.mistakes.value_at((*head.path, "effective_from"))
    if value_at is not None and _FINER_THAN_MILLISECOND.match(source, value_at):
        head.refuse("effective_from", "is finer than a millisecond; at most three digits after the point", instant)
    if not _EPOCH <= instant < _END:
        head.refuse("effective_from", "an instant from 1970 to 2999 is needed", instant)
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def _policy(table: Table) -> Policy:
    funds = table.text("funds", re.compile("|".join(_FUNDS)), " or ".join(f'"{name}"' for name in _FUNDS))
    return Policy(
        funds="boosts_first" if funds == "boosts_first" else "allowance_first",
        hourly_limit=table.whole("hourly_limit", 1, MAX_AMOUNT),
    )


def _title(table: Table, key: str) -> dict[str, str]:
    if key not in table:
        return {}
    titles = table.table(key)
    found: dict[str, str] = {}
    if not isinstance(table.values[key], dict):
        return found
    for language in titles.names(_LANGUAGE, "a language, such as en or ru"):
        text = titles.values[language]
        if isinstance(text, str) and _is_printable(text):
            found[language] = text
        else:
            titles.refuse(language, f"a text of 1 to {MAX_TITLE} printable characters is needed", text)
    for language in LANGUAGES:
        if language not in titles:
            titles.refuse(language, "is missing; a title is written in English and in Russian: { en = …, ru = … }")
    return found


def _is_printable(text: str) -> bool:
    return (
        1 <= len(text) <= MAX_TITLE
        and bool(text.strip())
        and not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for character in text)
    )


def _price(table: Table) -> Price | None:
    if "price" not in table:
        return None
    price = table.table("price", ("amount", "currency"))
    if not isinstance(table.values["price"], dict):
        return None
    return Price(
        amount=price.whole("amount", 0, MAX_PRICE, required=True) or 0,
        currency=price.text("currency", _CURRENCY, 'a currency of three capital letters, such as "RUB"', required=True)
        or "",
    )


def _plan(name: str, table: Table) -> Plan:
    actions = table.texts("actions", _ID, f"an action's id ({_ID_WORDS})")
    return Plan(
        id=name,
        allowance=table.whole("allowance", 0, MAX_AMOUNT, required=True) or 0,
        title=_title(table, "title"),
        price=_price(table),
        codes=table.texts("codes", _ID, f"a portal's code ({_ID_WORDS})"),
        self_service=table.flag("self_service"),
        actions=frozenset(actions) if actions else None,
        user_daily_cap=table.whole("user_daily_cap", 0, MAX_AMOUNT),
    )


def _boost(name: str, table: Table) -> BoostOffer:
    return BoostOffer(
        id=name,
        amount=table.whole("amount", 1, MAX_AMOUNT, required=True) or 0,
        valid_days=table.whole("valid_days", 1, MAX_VALID_DAYS, required=True) or 0,
        title=_title(table, "title"),
        price=_price(table),
    )


def _action(name: str, table: Table, tools: dict[str, dict[str, str]]) -> Action:
    tool = table.text("tool", _ID, f"a tool's id ({_ID_WORDS})", required=True)
    if tool is not None and tools and tool not in tools:
        table.refuse("tool", f'there is no tool "{tool}"{table.choices(tool, tools)}', tool)
    return Action(
        id=name,
        tool=tool or "",
        title=_title(table, "title"),
        base=table.whole("base", 0, MAX_AMOUNT) or 0,
        stages=_amounts(table.table("stages")),
        per=_amounts(table.table("per")),
        min=table.whole("min", 0, MAX_AMOUNT),
        max=table.whole("max", 0, MAX_AMOUNT),
        free_when=_conditions(table.table("free_when")),
        once_per_subject=table.texts("once_per_subject", _NAME, f"a stage's name ({_NAME_WORDS})"),
    )


def _amounts(table: Table) -> dict[str, int]:
    names = table.names(_NAME, _NAME_WORDS)
    return {name: amount for name in names if (amount := table.whole(name, 0, MAX_AMOUNT)) is not None}


def _conditions(table: Table) -> dict[str, Condition]:
    return {
        name: Condition(
            at_least=bounds.whole("at_least", 0, MAX_QUANTITY),
            at_most=bounds.whole("at_most", 0, MAX_QUANTITY),
            equals=bounds.whole("equals", 0, MAX_QUANTITY),
        )
        for name, bounds in table.tables(_NAME, _NAME_WORDS, _CONDITION).items()
    }
