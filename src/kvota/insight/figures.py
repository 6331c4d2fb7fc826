"""The statistics in words, in English and Russian, for pages and terminals."""

import datetime as dt

from kvota.insight.words import Language, Titles, counted, date, number
from kvota.wire.statistics import Statistics, StatisticsLine

_REASONS: dict[str, dict[Language, str]] = {
    "company_suspended": {"en": "company suspended", "ru": "компания приостановлена"},
    "tool_disabled": {"en": "tool switched off", "ru": "инструмент выключен"},
    "action_not_in_plan": {"en": "not in the plan", "ru": "нет в тарифе"},
    "user_required": {"en": "no user named", "ru": "не указан сотрудник"},
    "cap_reached": {"en": "cap reached", "ru": "достигнуто ограничение"},
    "hourly_limit": {"en": "too many in an hour", "ru": "слишком много за час"},
    "insufficient_requests": {"en": "nothing left", "ru": "не хватило запросов"},
}


def reason(code: str, language: Language) -> str:
    """Why a call was declined, in a few words."""
    return _REASONS[code][language]


def name(line: StatisticsLine, titles: Titles, language: Language) -> str:
    """What a line is about."""
    if line.others:
        return f"ещё {number(line.others, language)}" if language == "ru" else f"{number(line.others, language)} others"
    if line.name is None:
        return "не указано" if language == "ru" else "not named"
    if isinstance(line.name, int):
        return f"{line.name:02d}:00"
    return titles(line.name)


def change(now: int, before: int, language: Language) -> str:
    """By how much it is more or less than before, in per cent; empty where that says nothing."""
    if before in (0, now):
        return ""
    by = round(100 * (now - before) / before)
    sign = "+" if by > 0 else "−" if by < 0 else "±"
    return f"{sign}{number(abs(by), language)}%" if language == "ru" else f"{sign}{number(abs(by), language)} %"


def compared(now: int, before: int, language: Language) -> str:
    """``120 (before: 100, +20 %)``."""
    told = number(now, language)
    if not before:
        return told
    by = change(now, before, language)
    was = f"{'раньше' if language == 'ru' else 'before'}: {number(before, language)}"
    return f"{told} ({was}, {by})" if by else f"{told} ({was})"


def days(start: dt.date, end: dt.date, language: Language) -> str:
    """The days of a half-open range: ``1 November – 28 November``."""
    last = end - dt.timedelta(days=1)
    return date(start, language) if start == last else f"{date(start, language)} – {date(last, language)}"


def total(said: Statistics, language: Language) -> list[str]:
    """What was used altogether, and what of it came back or was not paid for."""
    one, before = said.total, said.total.before
    is_russian = language == "ru"
    spent, was = one.requests - one.refunded, before.requests - before.refunded
    by = change(spent, was, language)
    beside = days(said.previous.start, said.previous.end, language)
    used = f"{counted(spent, 'requests', language)}, {counted(one.calls, 'calls', language)}"
    lines = [
        f"{days(said.chosen.start, said.chosen.end, language)}: {used}",
        (f"Раньше ({beside}): " if is_russian else f"Before ({beside}): ")
        + counted(was, "requests", language)
        + (f", {by}" if by else ""),
    ]
    if one.refunded:
        back = counted(one.refunded, "requests", language)
        lines.append(f"Возвращено: {back}" if is_russian else f"Refunded: {back}")
    if one.written_off:
        off = counted(one.written_off, "requests", language)
        lines.append(f"Списано в убыток: {off}" if is_russian else f"Written off: {off}")
    return lines
