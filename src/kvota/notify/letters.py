"""What is told, as a letter in English or Russian: text, and the same as simple HTML."""

import datetime as dt
from collections.abc import Mapping
from email.message import EmailMessage
from hashlib import blake2b
from html import escape
from typing import Any

from kvota.core.notices import Event
from kvota.insight.words import Language, counted, date

Lines = tuple[str, list[str]]
"""The subject, and the paragraphs."""
ALL = 100
SEE_FORECAST: dict[Language, str] = {
    "en": "The forecast says whether the rest will last.",
    "ru": "Хватит ли остатка до конца периода, показывает прогноз.",
}


def letter(told: Event, to: str, company: str, language: Language) -> EmailMessage:
    """The letter about an event; its Message-ID is the same at each attempt, so that mailboxes know it again."""
    subject, lines = said(told, language)
    digest = blake2b(to.encode(), digest_size=6).hexdigest()
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = f"{subject} — {company}"
    message["Message-ID"] = f"<{told.id}.{digest}@kvota>"
    message["Date"] = dt.datetime.fromtimestamp(told.at // 1000, dt.UTC)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join([*lines, f"Kvota, {company}"]))
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in [*lines, f"Kvota, {company}"])
    message.add_alternative(
        f'<!doctype html><html lang="{language}"><body><h1>{escape(subject)}</h1>{paragraphs}</body></html>',
        subtype="html",
    )
    return message


def said(told: Event, language: Language) -> Lines:
    """What an event says."""
    return (_in_russian if language == "ru" else _in_english)(told.kind, told.data)


def _in_english(kind: str, data: Mapping[str, Any]) -> Lines:
    match kind:
        case "package.threshold":
            used, granted = counted(data["used"], "requests", "en"), f"{data['granted']:,}"
            more = "Nothing of it is left." if data["level"] == ALL else SEE_FORECAST["en"]
            return f"{data['level']}% of the package is used", [
                f"{used} of the {granted} in this period's package are used.",
                more,
                f"Free requests return on {_day(data['period']['end'], 'en')}.",
            ]
        case "forecast.runs_out":
            middle = data["runs_out"]["middle"]
            when = f"around {_day(middle, 'en')}" if middle else "before the period ends"
            return "AI requests will not last", [
                f"At the present pace they run out {when}: {counted(data['available'], 'requests', 'en')} are left.",
                f"{_between(data['missing'])} requests will be missing by the end of the period.",
            ]
        case "boost.expires":
            return "A boost expires soon", [
                f"The boost {data['boost']} expires on {_day(data['expires_at'], 'en')}.",
                f"{counted(data['left'], 'requests', 'en')} are left in it.",
                "What is not used by then is lost.",
            ]
        case "usage.unusual":
            return "Unusually many AI requests", [
                f"{counted(data['requests'], 'requests', 'en')} were used in the last 24 hours.",
                f"Usually it is about {data['usual']:,} a day.",
            ]
        case "appeal.made":
            return "A request for more AI requests", [f"{data['user']} asks for more.", *_wanted(data, "en")]
        case _:
            return "A test", ["This is a test: notifications reach you."]


def _in_russian(kind: str, data: Mapping[str, Any]) -> Lines:
    match kind:
        case "package.threshold":
            used, granted = counted(data["used"], "requests", "ru"), counted(data["granted"], "of_requests", "ru")
            more = "В пакете ничего не осталось." if data["level"] == ALL else SEE_FORECAST["ru"]
            return f"Израсходовано {data['level']} % пакета", [
                f"В этом периоде израсходовано {used} из {granted}.",
                more,
                f"Бесплатные запросы вернутся {_day(data['period']['end'], 'ru')}.",
            ]
        case "forecast.runs_out":
            middle = data["runs_out"]["middle"]
            when = f"около {_day(middle, 'ru')}" if middle else "до конца периода"
            return "Запросов к ИИ не хватит", [
                f"При нынешнем расходе они закончатся {when}.",
                f"Осталось: {counted(data['available'], 'requests', 'ru')}.",
                f"К концу периода не хватит {_between(data['missing'])} запросов.",
            ]
        case "boost.expires":
            return "Скоро истечёт буст", [
                f"{_day(data['expires_at'], 'ru')} истекает буст {data['boost']}.",
                f"В нём осталось: {counted(data['left'], 'requests', 'ru')}. Неизрасходованное пропадёт.",
            ]
        case "usage.unusual":
            return "Необычно большой расход запросов", [
                f"За последние 24 часа израсходовано: {counted(data['requests'], 'requests', 'ru')}.",
                f"Обычно — около {counted(data['usual'], 'of_requests', 'ru')} в день.",
            ]
        case "appeal.made":
            return "Сотрудник просит ещё запросов", [f"{data['user']} просит увеличить лимит.", *_wanted(data, "ru")]
        case _:
            return "Проверка", ["Это проверка: уведомления доходят."]


def _wanted(data: Mapping[str, Any], language: Language) -> list[str]:
    if data.get("wanted") is None:
        return []
    more = counted(data["wanted"], "requests", language)
    return [f"Хочет ещё {more}." if language == "ru" else f"Wanted: {more} more."]


def _day(text: str, language: Language) -> str:
    return date(dt.date.fromisoformat(text[:10]), language)


def _between(missing: Mapping[str, int]) -> str:
    low, high = missing["low"], missing["high"]
    return f"{low}" if low == high else f"{low}–{high}"
