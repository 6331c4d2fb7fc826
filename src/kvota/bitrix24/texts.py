"""What a portal shows instead of an answer, in its language: why not, what is left, when it renews, and what to do."""

import datetime as dt
from zoneinfo import ZoneInfo

from kvota.asgi.languages import Language
from kvota.core.declines import Declined
from kvota.core.periods import date_on, instant
from kvota.insight.words import counted, date

_REASONS: dict[str, dict[Language, str]] = {
    "insufficient_requests": {
        "en": "Not enough AI requests. This costs {cost}; left: {left}.",
        "ru": "Не хватает AI-запросов. Нужно: {cost}; остаток: {left}.",
    },
    "hourly_limit": {
        "en": "Your company has made all the calls that an hour allows. AI requests left: {left}.",
        "ru": "Компания исчерпала лимит обращений за час. Остаток AI-запросов: {left}.",
    },
    "cap_reached": {
        "en": "The limit that your company has set is reached. Left in all: {left}. Ask your administrator.",
        "ru": "Достигнуто ограничение вашей компании. Общий остаток: {left}. Обратитесь к администратору.",
    },
    "company_suspended": {
        "en": "Your company's account is suspended. Ask whoever runs Kvota.",
        "ru": "Обслуживание компании приостановлено. Обратитесь к оператору Kvota.",
    },
    "tool_disabled": {
        "en": "Your company has switched this tool off. An administrator can switch it on.",
        "ru": "Компания отключила этот инструмент. Включить его может администратор.",
    },
    "action_not_in_plan": {
        "en": "Your company's plan does not have this. A larger plan does.",
        "ru": "Этого нет в тарифе компании. Перейдите на тариф, где это есть.",
    },
    "user_required": {
        "en": "Your company takes no requests without a user, and the portal has not told who asks.",
        "ru": "Компания не принимает запросы без сотрудника, а портал не сообщил, кто спрашивает.",
    },
}
_RENEWS: dict[Language, str] = {
    "en": " The free requests renew on {day}.",
    "ru": " Бесплатные запросы обновятся {day}.",
}
_AGAIN: dict[Language, str] = {"en": " It works again from {at}.", "ru": " Снова заработает с {at}."}
_FAILURES: dict[str, dict[Language, str]] = {
    "upstream_unavailable": {
        "en": "The AI service does not answer just now. Nothing was charged; try again later.",
        "ru": "Сервис ИИ сейчас не отвечает. Ничего не списано; повторите позже.",
    },
    "upstream_refused": {
        "en": "The AI service refuses this request. Nothing was charged. Tell your administrator: {detail}",
        "ru": "Сервис ИИ отклонил этот запрос. Ничего не списано. Сообщите администратору: {detail}",
    },
    "empty_answer": {
        "en": "The AI service answered with nothing. Nothing was charged; try again, or ask in other words.",
        "ru": "Сервис ИИ вернул пустой ответ. Ничего не списано; повторите или спросите иначе.",
    },
    "file_unavailable": {
        "en": "The recording could not be fetched: {detail} Nothing was charged.",
        "ru": "Не удалось получить запись: {detail} Ничего не списано.",
    },
    "not_configured": {
        "en": "Kvota cannot carry this request out. Nothing was charged. Tell your administrator: {detail}",
        "ru": "Kvota не может выполнить этот запрос. Ничего не списано. Сообщите администратору: {detail}",
    },
}


def declined(row: Declined, zone: str, language: Language) -> str:
    """Why not, with what is left and when it renews; days and hours are the company's."""
    left = counted(row.available, "requests", language)
    text = _REASONS[row.reason][language].format(cost=row.cost, left=left)
    if row.reason in ("insufficient_requests", "hourly_limit", "cap_reached"):
        text += _RENEWS[language].format(day=date(dt.date.fromisoformat(date_on(zone, row.renews_at)), language))
    if row.reason in ("hourly_limit", "cap_reached") and row.retry_at is not None:
        text += _AGAIN[language].format(at=_moment(row.retry_at, zone, language))
    return text


def _moment(at: int, zone: str, language: Language) -> str:
    local = instant(at).astimezone(ZoneInfo(zone))
    time = local.strftime("%H:%M")
    return f"{time} {date(local.date(), language)}" if language == "ru" else f"{time} on {date(local.date(), language)}"


def level_reached(level: int, left: int, renews_at: int, zone: str, language: Language) -> str:
    """So many percent of a package are used."""
    day = date(dt.date.fromisoformat(date_on(zone, renews_at)), language)
    rest = counted(left, "requests", language)
    if language == "ru":
        return f"Kvota: израсходовано {level}% пакета AI-запросов. Остаток: {rest}. Пакет обновится {day}."
    return f"Kvota: {level} % of the package of AI requests are used. Left: {rest}. The package renews on {day}."


def failed(code: str, language: Language, detail: str = "") -> str:
    """What has gone wrong that is no decline."""
    return _FAILURES[code][language].format(detail=detail)
