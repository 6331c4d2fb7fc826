"""The words of problems, in English and in Russian: what was wrong, what would be right, what to do next."""

import re

from kvota.asgi.languages import Language
from kvota.asgi.russian import in_russian
from kvota.core.declines import Declined
from kvota.core.periods import rfc3339
from kvota.errors import CallerError, CatalogueInvalid, EngineLost, FieldError, Invalid, KvotaError, NotFound

TITLES: dict[str, tuple[str, str]] = {
    "malformed": ("The request cannot be read", "Запрос не читается"),
    "unauthenticated": ("Who is asking is not known", "Неизвестно, кто спрашивает"),
    "too_many_attempts": ("Too many unknown keys", "Слишком много неизвестных ключей"),
    "forbidden": ("This key may not do that", "Этому ключу нельзя"),
    "insufficient_requests": ("Not enough AI requests", "Не хватает AI-запросов"),
    "company_suspended": ("The company is suspended", "Компания приостановлена"),
    "tool_disabled": ("The tool is switched off", "Инструмент выключен"),
    "action_not_in_plan": ("The plan does not have this action", "Действия нет в тарифе"),
    "user_required": ("A user must be named", "Нужно указать сотрудника"),
    "company_not_found": ("No such company", "Нет такой компании"),
    "hold_not_found": ("No such hold", "Нет такого резерва"),
    "charge_not_found": ("No such charge", "Нет такого списания"),
    "not_found": ("Nothing is here", "Здесь ничего нет"),
    "method_not_allowed": ("Not this method", "Этот метод здесь не подходит"),
    "hold_closed": ("The hold has already ended", "Резерв уже закрыт"),
    "order_closed": ("The order has already ended", "Заказ уже закрыт"),
    "appeal_closed": ("The appeal has already been answered", "На заявку уже ответили"),
    "body_too_large": ("The body is too large", "Слишком большое тело запроса"),
    "invalid": ("A value is not allowed", "Недопустимое значение"),
    "unknown_action": ("No such action", "Нет такого действия"),
    "unknown_plan": ("No such plan", "Нет такого тарифа"),
    "unknown_boost": ("No such boost", "Нет такого буста"),
    "quantity_missing": ("A quantity is missing", "Не хватает количества"),
    "idempotency_key_reused": ("The key stands for another request", "Ключ повтора занят другим запросом"),
    "hourly_limit": ("Too many calls in an hour", "Слишком много вызовов за час"),
    "cap_reached": ("A cap is reached", "Достигнуто ограничение"),
    "busy": ("Too much at once", "Слишком много запросов сразу"),
    "store_unavailable": ("The store does not answer", "Хранилище не отвечает"),
    "internal": ("A defect of ours", "Ошибка на нашей стороне"),
}
"""``code`` → title, English and Russian. Every code that the API can answer is here."""

_DETAILS: dict[str, tuple[str, str]] = {
    "unauthenticated": (
        "The API key is missing, unknown or revoked. Send Authorization: Bearer <key> with a key that is in force.",
        (
            "Ключ API не указан, неизвестен или отозван. "
            "Отправьте заголовок Authorization: Bearer <ключ> с действующим ключом."
        ),
    ),
    "too_many_attempts": (
        (
            "Too many requests with unknown API keys came from this address. "
            "Check the key, and send it again after Retry-After."
        ),
        (
            "С этого адреса пришло слишком много запросов с неизвестными ключами API. "
            "Проверьте ключ и повторите запрос через время из Retry-After."
        ),
    ),
    "idempotency_key_reused": (
        (
            "The Idempotency-Key {key} already stands for another request of this company. "
            "Use a new key for a new request, and the same key only to repeat the same one."
        ),
        (
            "Idempotency-Key {key} уже занят другим запросом этой компании. "
            "Для нового запроса возьмите новый ключ; прежний годится только для повтора того же запроса."
        ),
    ),
    "body_too_large": (
        "The body is larger than 1 MiB (1048576 bytes). Send less at once, for example a smaller batch.",
        "Тело запроса больше 1 МиБ (1048576 байт). Отправляйте меньше за раз, например пакеты поменьше.",
    ),
    "busy": (
        (
            "Too many calls are waiting, the store is locked by others, or the server is ending; nothing was written. "
            "Try again after Retry-After, with the same key."
        ),
        (
            "Слишком много вызовов в очереди, хранилище занято другими или сервер завершает работу; "
            "ничего не записано. "
            "Повторите через время из Retry-After с тем же ключом."
        ),
    ),
    "store_unavailable": (
        (
            "The store did not answer. Nothing was written, or the same Idempotency-Key tells what was: "
            "repeat the call with it after Retry-After."
        ),
        (
            "Хранилище не ответило. Ничего не записано, а если записано — это покажет тот же Idempotency-Key: "
            "повторите вызов с ним через время из Retry-After."
        ),
    ),
    "method_not_allowed": (
        "{method} does not fit here. The Allow header names the methods that do: {allow}.",
        "Метод {method} здесь не подходит. Подходящие методы названы в заголовке Allow: {allow}.",
    ),
    "internal": (
        "The server met a defect of its own; it has been logged. Repeat the call with the same Idempotency-Key.",
        "На сервере произошла ошибка; она записана в журнал. Повторите вызов с тем же Idempotency-Key.",
    ),
}
_ENGINE_LOST = (
    (
        "The engine's process has died and is started again. The same Idempotency-Key tells what was written: "
        "repeat the call with it after Retry-After."
    ),
    (
        "Процесс, который ведёт учёт, завершился и запускается снова. Что записано, покажет тот же Idempotency-Key: "
        "повторите вызов с ним через время из Retry-After."
    ),
)
_NOT_FOUND: dict[str, tuple[str, str]] = {
    "company": (
        "There is no company {name!r} that this key may see. Check the id, or create it with PUT.",
        "Компании «{name}» нет, или этот ключ её не видит. Проверьте идентификатор или создайте её запросом PUT.",
    ),
    "hold": ("There is no hold {name!r} in this company.", "Резерва «{name}» в этой компании нет."),
    "charge": ("There is no charge {name!r} in this company.", "Списания «{name}» в этой компании нет."),
    "live boost": (
        "There is no live boost {name!r} in this company: it never was, or it has expired.",
        "Действующего буста «{name}» в этой компании нет: его не было, или он истёк.",
    ),
    "order": ("There is no order {name!r} in this company.", "Заказа «{name}» в этой компании нет."),
    "cap": ("There is no cap {name!r} in this company.", "Ограничения «{name}» в этой компании нет."),
    "webhook": ("There is no webhook {name!r} in this company.", "Вебхука «{name}» в этой компании нет."),
    "delivery": (
        "There is no delivery {name!r} in this company's log.",
        "Отправки «{name}» в журнале этой компании нет.",
    ),
    "appeal": ("There is no appeal {name!r} in this company.", "Заявки «{name}» в этой компании нет."),
    "key": ("There is no API key {name!r} in this company.", "Ключа API «{name}» в этой компании нет."),
    "user": (
        "There is no user {name!r} in this company's directory. GET …/users lists those that there are.",
        "Сотрудника «{name}» в справочнике этой компании нет. Список даёт GET …/users.",
    ),
    "scheduled plan change": (
        "No plan change is scheduled for the company {name!r}.",
        "Для компании «{name}» смена тарифа не запланирована.",
    ),
    "sandbox clock": (
        "This server is no sandbox: its clock cannot be seen or set. Start it with --sandbox.",
        "Этот сервер — не песочница: его часы нельзя увидеть или перевести. Запустите его с --sandbox.",
    ),
    "call": (
        "There is no call at {name}. /openapi.json and /docs list them all.",
        "По адресу {name} вызова нет. Все вызовы перечислены в /openapi.json и /docs.",
    ),
}
WARNING = (
    (
        "Buying this boost suspends what is left of this month's free requests: with boosts, boosts alone pay. "
        "It is better to buy when the free requests are used up."
    ),
    (
        "Покупка этого буста приостановит остаток бесплатных запросов этого месяца: "
        "пока есть бусты, платят только они. "
        "Выгоднее покупать, когда бесплатные запросы закончатся."
    ),
)
"""What an order says while it waits, where buying it would suspend the package (RULES §4)."""


def say(pair: tuple[str, str], language: Language) -> str:
    """One of the two."""
    return pair[language == "ru"]


def title(code: str, language: Language) -> str:
    """The title of a code: the same each time."""
    return say(TITLES[code], language)


def detail(error: KvotaError, code: str, language: Language, **facts: str) -> str:
    """What was wrong, and what to do."""
    if isinstance(error, NotFound):
        known = _NOT_FOUND.get(error.what)
        return say(known, language).format(name=error.name) if known else error.detail
    if isinstance(error, EngineLost):
        return say(_ENGINE_LOST, language)
    if code in _DETAILS:
        return say(_DETAILS[code], language).format_map({"key": "", **facts})
    if not isinstance(error, CallerError):
        return str(error)
    if isinstance(error, Invalid) and error.errors:
        return " ".join(_sentence(one, language) for one in error.errors)
    if isinstance(error, CatalogueInvalid) and language == "ru" and error.errors:
        return _catalogue_in_russian(error)
    return translated(error.detail, language)


def translated(text: str, language: Language) -> str:
    """A sentence of the core or the wire; one that Russian does not know stays as it is."""
    return (in_russian(text) or text) if language == "ru" else text


def _catalogue_in_russian(error: CatalogueInvalid) -> str:
    count, first = len(error.errors), _sentence(error.errors[0], "ru")
    told = f"В каталоге {plural(count, 'ошибка', 'ошибки', 'ошибок')}; первая: " if count > 1 else "Каталог: "
    _, line_break, changes = error.detail.partition("\n")
    return told + first + line_break + changes


def _sentence(one: FieldError, language: Language) -> str:
    rule = translated(one.message, language)
    field = re.sub(r"^line (?=\d+: )", "строка ", one.field) if language == "ru" else one.field
    if one.value is None:
        return f"{field}: {rule}."
    came = "пришло" if language == "ru" else "it was"
    return f"{field}: {rule}; {came} {_brief(one.value)}."


def _brief(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:80] + "…"  # noqa: PLR2004 - a line


def plural(number: int, one: str, few: str, many: str) -> str:
    """``5 запросов``: the number with the Russian form that it takes."""
    last, tens = number % 10, number % 100 // 10
    form = many if tens == 1 or last == 0 or last > 4 else one if last == 1 else few  # noqa: PLR2004 - the grammar
    return f"{number} {form}"


def declined(row: Declined, language: Language) -> str:
    """Why not, with the figures, and what would help."""
    return _declined_in_russian(row) if language == "ru" else _declined_in_english(row)


def _declined_in_english(row: Declined) -> str:
    cost = f"{row.cost} AI request{'' if row.cost == 1 else 's'}"
    why = {
        "insufficient_requests": f"This costs {cost}, and {row.available} are available: {row.short_by} too few.",
        "hourly_limit": "The company has made all the calls that its hour allows.",
        "cap_reached": f"The cap {row.cap!r} leaves no room for {cost}.",
        "company_suspended": "The operator has suspended the company: no charges, no holds. Ask the operator.",
        "tool_disabled": "The company has switched this tool off. An administrator can switch it on: see tools_off.",
        "action_not_in_plan": "The company's plan does not have this action.",
        "user_required": "This company takes no usage without a user. Send `user`.",
    }[row.reason]
    when = f" By itself the same call passes from {rfc3339(row.retry_at)} on." if row.retry_at is not None else ""
    ways = " Other ways are in ways_out." if any(way.kind != "wait" for way in row.ways_out) else ""
    return why + when + ways


def _declined_in_russian(row: Declined) -> str:
    cost = plural(row.cost, "запрос", "запроса", "запросов")
    why = {
        "insufficient_requests": f"Нужно {cost}, доступно {row.available}: не хватает {row.short_by}.",
        "hourly_limit": "Компания исчерпала вызовы, разрешённые ей за час.",
        "cap_reached": f"Ограничение «{row.cap}» не пропускает {cost}.",
        "company_suspended": "Оператор приостановил компанию: списания и резервы закрыты. Обратитесь к оператору.",
        "tool_disabled": "Компания выключила этот инструмент. Включить его может администратор: поле tools_off.",
        "action_not_in_plan": "В тарифе компании нет этого действия.",
        "user_required": "Эта компания не принимает обращения без сотрудника. Укажите user.",
    }[row.reason]
    when = f" Сам собой такой же вызов пройдёт с {rfc3339(row.retry_at)}." if row.retry_at is not None else ""
    ways = " Другие способы перечислены в ways_out." if any(way.kind != "wait" for way in row.ways_out) else ""
    return why + when + ways
