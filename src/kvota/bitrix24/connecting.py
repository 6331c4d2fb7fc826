"""Registering our engines in a portal, one for each scenario that its administrator chooses a provider for."""

import secrets
from collections.abc import Collection
from typing import Any, NamedTuple

from kvota.asgi.languages import Language
from kvota.bitrix24.desk import secret_hash
from kvota.bitrix24.rest import PortalRefused, Rest
from kvota.catalogue_file.prompts import SCENARIOS
from kvota.errors import CallerError, Invalid
from kvota.portals import Engine, Portal
from kvota.store import Store

PREFIX = "kvota_"
CATEGORY = {"images": "image", "crm_audio": "audio", "follow_up_audio": "audio"}
"""``text`` for the others."""
NAMES: dict[str, tuple[str, str]] = {
    "crm": ("Kvota · CRM", "Kvota · CRM"),
    "follow_up": ("Kvota · Follow-up", "Kvota · Follow-up"),
    "sites": ("Kvota · Sites", "Kvota · Сайты"),
    "texts": ("Kvota · Chats and texts", "Kvota · Чаты и тексты"),
    "images": ("Kvota · Images", "Kvota · Изображения"),
    "crm_audio": ("Kvota · Audio of CRM", "Kvota · Аудио для CRM"),
    "follow_up_audio": ("Kvota · Audio of Follow-up", "Kvota · Аудио для Follow-up"),
}
CONTEXT_TOKENS = 15_666
_ERRORS: dict[str, tuple[str, str]] = {
    "NAME": ("The engine has no name.", "У провайдера нет названия."),
    "CODE": ("The engine has no code.", "У провайдера нет кода."),
    "CODE_FORMAT": (
        "The engine's code has other characters than A-Z a-z 0-9 - _.",
        "В коде провайдера есть знаки кроме A-Z a-z 0-9 - _.",
    ),
    "CODE_UNIQUE": (
        (
            "The portal has an engine of this code already, from another application or webhook. "
            "Remove it there (`ai.engine.unregister`), then connect again."
        ),
        (
            "В портале уже есть провайдер с этим кодом — от другого приложения или вебхука. "
            "Удалите его там (`ai.engine.unregister`) и подключите снова."
        ),
    ),
    "CATEGORY": ("The engine has no category.", "У провайдера нет категории."),
    "CATEGORY_FORMAT": (
        "This portal does not know the engine's category; it may be an older version. Leave the scenario out.",
        "Портал не знает категории провайдера; возможно, его версия старая. Исключите этот сценарий.",
    ),
    "COMPLETIONS_URL": ("The engine has no address.", "У провайдера нет адреса."),
    "COMPLETIONS_URL_FAIL": (
        (
            "The portal has asked Kvota's address with a GET and got no 200. It must be reached from the internet by "
            "https: look at --public-url (KVOTA_PUBLIC_URL), at the proxy before Kvota, and whether `kvota serve` "
            "runs on this very store."
        ),
        (
            "Портал обратился к адресу Kvota запросом GET и не получил 200. Адрес должен открываться из интернета по "
            "https: проверьте --public-url (KVOTA_PUBLIC_URL), прокси перед Kvota и то, что `kvota serve` работает с "
            "этим же хранилищем."
        ),
    ),
    "SETTINGS_FORMAT": ("The engine's settings are not taken.", "Настройки провайдера не приняты."),
}
_OTHERS: dict[str, tuple[str, str]] = {
    "ACCESS_DENIED": (
        "The webhook or application may not do this: only an administrator's may, with the scope ai_admin.",
        "Вебхуку или приложению это запрещено: нужен вебхук администратора с правом ai_admin.",
    ),
    "insufficient_scope": (
        "The webhook or application lacks the scope ai_admin. Tick it in the portal, and try again.",
        "Вебхуку или приложению не дано право ai_admin. Отметьте его в портале и повторите.",
    ),
    "INVALID_CREDENTIALS": (
        "The portal does not know this webhook. Copy its address from the portal again.",
        "Портал не знает такого вебхука. Скопируйте его адрес из портала ещё раз.",
    ),
    "ERROR_METHOD_NOT_FOUND": (
        "The portal has no custom AI providers: it is no cloud portal, or its plan is without REST.",
        "В портале нет собственных ИИ-провайдеров: это не облачный портал или тариф без REST.",
    ),
}


class NotRegistered(CallerError):
    """The portal does not take an engine; the text says why and what to do."""

    code = "engine_refused"


class Registered(NamedTuple):
    """An engine of ours, and whether the portal has it, and we do."""

    code: str
    scenario: str
    category: str
    is_here: bool
    is_there: bool


def explained(refusal: PortalRefused, scenario: str, language: Language) -> NotRegistered:
    """A portal's refusal in words that say what to do."""
    name = refusal.error.removeprefix("ENGINE_REGISTER_ERROR_")
    known = _ERRORS.get(name) if name != refusal.error else _OTHERS.get(refusal.error)
    text = known[language == "ru"] if known is not None else refusal.description
    return NotRegistered(f"{NAMES[scenario][language == 'ru']}: {text} ({refusal.error})")


def url_of(public_url: str, secret: str) -> str:
    """Where a portal finds an engine."""
    return f"{public_url.rstrip('/')}/bitrix24/engines/{secret}"


class Connection(NamedTuple):
    """What registering needs: the store that answers, the portal that is asked, and where it finds us."""

    store: Store
    rest: Rest
    portal: Portal
    public_url: str
    language: Language


async def connect(to: Connection, scenarios: Collection[str]) -> list[Engine]:
    """Register the engines of these scenarios, each at a new secret URL; what the portal has of them is replaced.

    Raises ``NotRegistered`` at the first that the portal refuses: those before it stay.
    """
    for scenario in scenarios:
        if scenario not in SCENARIOS:
            raise Invalid.field("scenario", f"must be one of {', '.join(SCENARIOS)}", scenario)
    to.store.put_portal(to.portal)
    try:
        there = {_code_of(one) for one in await to.rest.call("ai.engine.list")}
    except PortalRefused as refusal:
        raise explained(refusal, "texts", to.language) from refusal
    return [await _register(to, scenario, is_there=PREFIX + scenario in there) for scenario in scenarios]


async def _register(to: Connection, scenario: str, *, is_there: bool) -> Engine:
    code, secret = PREFIX + scenario, secrets.token_urlsafe(32)
    engine = Engine(
        hash=secret_hash(to.store, secret),
        portal=to.portal.portal,
        company=to.portal.company,
        scenario=scenario,
        category=CATEGORY.get(scenario, "text"),
        code=code,
        registered_at=to.store.real_clock(),
    )
    if is_there:
        await to.rest.call("ai.engine.unregister", {"code": code})
    to.store.remove_engine(to.portal.portal, code)
    to.store.add_engine(engine)  # before the portal looks whether somebody is there
    parameters: dict[str, Any] = {
        "name": NAMES[scenario][to.language == "ru"],
        "code": code,
        "category": engine.category,
        "completions_url": url_of(to.public_url, secret),
        "settings": {"code_alias": "Kvota", "model_context_type": "token", "model_context_limit": CONTEXT_TOKENS},
    }
    try:
        await to.rest.call("ai.engine.register", parameters)
    except PortalRefused as refusal:
        to.store.remove_engine(to.portal.portal, code)
        raise explained(refusal, scenario, to.language) from refusal
    return engine


def _code_of(one: dict[str, object]) -> str:
    return str(one.get("CODE", one.get("code")))


async def listed(store: Store, rest: Rest, portal: str) -> list[Registered]:
    """Our engines, those that we know and those that the portal has."""
    there = {_code_of(one): one for one in await rest.call("ai.engine.list")}
    here = {one.code: one for one in store.engines(portal)}
    codes = sorted({*here, *(code for code in there if code.startswith(PREFIX))})
    return [
        Registered(
            code=code,
            scenario=code.removeprefix(PREFIX),
            category=here[code].category if code in here else str(there[code].get("CATEGORY", "")),
            is_here=code in here,
            is_there=code in there,
        )
        for code in codes
    ]


async def remove(store: Store, rest: Rest, portal: str) -> list[str]:
    """Take our engines out of the portal, and forget the portal; the codes that it had."""
    removed: list[str] = []
    for one in await listed(store, rest, portal):
        if one.is_there:
            await rest.call("ai.engine.unregister", {"code": one.code})
            removed.append(one.code)
    store.remove_portal(portal)
    return removed
