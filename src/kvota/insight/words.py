"""The insight in sentences, in English and Russian, for pages and terminals: plural forms, numbers, dates and money."""

import datetime as dt
from collections.abc import Callable
from typing import Literal

from kvota.core.catalogue import Price
from kvota.wire.insight import Advice, Forecast, Range, RunOut, UsedUp, Way

Language = Literal["en", "ru"]
Titles = Callable[[str], str]
"""What an action, a plan, a boost or a tool of the catalogue is called."""

_FORMS: dict[str, dict[Language, tuple[str, ...]]] = {
    "requests": {"en": ("request", "requests"), "ru": ("запрос", "запроса", "запросов")},
    "of_requests": {"en": ("request", "requests"), "ru": ("запроса", "запросов", "запросов")},
    "calls": {"en": ("call", "calls"), "ru": ("обращение", "обращения", "обращений")},
    "days": {"en": ("whole day", "whole days"), "ru": ("полный день", "полных дня", "полных дней")},
    "valid_days": {"en": ("day", "days"), "ru": ("день", "дня", "дней")},
    "holds": {"en": ("hold", "holds"), "ru": ("резерв", "резерва", "резервов")},
    "with_participants": {
        "en": ("participant", "participants"),
        "ru": ("участником", "участниками", "участниками"),
    },
    "with_images": {"en": ("picture", "pictures"), "ru": ("картинкой", "картинками", "картинками")},
}
_MONTHS: dict[Language, tuple[str, ...]] = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "ru": ("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября",
           "ноября", "декабря"),
}  # fmt: skip
_NOMINATIVE = (
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь",
)  # fmt: skip
_NARROW = "\u202f"
_FEW, _TEENS = range(2, 5), range(11, 15)


def number(value: int, language: Language) -> str:
    """``12,345``, in Russian with narrow spaces."""
    text = f"{value:,}"
    return text.replace(",", _NARROW) if language == "ru" else text


def plural(count: int, what: str, language: Language) -> str:
    """The word for so many of them."""
    forms = _FORMS[what][language]
    if language == "en":
        return forms[count != 1]
    if count % 100 in _TEENS:
        return forms[2]
    return forms[0] if count % 10 == 1 else forms[1] if count % 10 in _FEW else forms[2]


def counted(count: int, what: str, language: Language) -> str:
    """``21 запрос``."""
    return f"{number(count, language)} {plural(count, what, language)}"


def date(day: dt.date, language: Language) -> str:
    """``27 November``."""
    return f"{day.day} {_MONTHS[language][day.month - 1]}"


def money(price: Price, language: Language) -> str:
    """``2,490.00 RUB``."""
    whole, rest = divmod(price.amount, 100)
    point = "," if language == "ru" else "."
    currency = "₽" if language == "ru" and price.currency == "RUB" else price.currency
    return f"{number(whole, language)}{point}{rest:02d} {currency}"


def _between(one: Range, language: Language) -> str:
    low, high = number(one.low, language), number(one.high, language)
    return f"{low}–{high}"


def forecast(said: Forecast, language: Language) -> list[str]:
    """What a forecast says, a sentence for each thing."""
    is_russian = language == "ru"
    lines: list[str] = []
    if said.verdict == "unknown":
        known = counted(said.known_days, "days", language)
        lines.append(
            f"Для прогноза мало данных: {known}. Первый прогноз появится на третий день."
            if is_russian
            else f"There is too little to tell yet: {known}. The first forecast comes on the third day."
        )
    elif said.verdict != "used_up":
        lines.append(_verdict(said, language))
    if said.package_suspended and said.paying == "boosts":
        lines.append(
            "Сейчас платят бусты, а пакет приостановлен: бесплатные запросы вернутся 1-го числа месяца, следующего за "
            "тем, в котором бусты закончатся."
            if is_russian
            else "Boosts pay now and the package is suspended: free requests come back on the 1st of the month after "
            "the one in which the boosts are used up."
        )
    if said.runs_out is not None and said.verdict != "used_up":
        lines.append(_runs_out(said.runs_out, language))
    if said.expected is not None:
        middle = counted(said.expected.middle, "requests", language)
        between = _between(said.expected, language)
        lines.append(
            f"Расход к концу периода: {middle} (скорее всего, {between})."
            if is_russian
            else f"Use by the end of the period: about {middle} (most likely {between})."
        )
    if said.missing is not None and said.missing.high > 0:
        middle, between = counted(said.missing.middle, "requests", language), _between(said.missing, language)
        most = counted(said.missing.high, "requests", language)
        if said.missing.middle:
            lines.append(f"Не хватит: {middle} ({between})." if is_russian else f"Missing: {middle} ({between}).")
        else:
            lines.append(f"В худшем случае не хватит: {most}." if is_russian else f"Missing at the worst: {most}.")
    if said.basis == "rough":
        lines.append(
            "Прогноз пока грубый: данных меньше двух недель."
            if is_russian
            else "The forecast is rough so far: it knows less than two weeks."
        )
    return lines


def _verdict(said: Forecast, language: Language) -> str:
    chance = round(100 * (said.chance or 0))
    texts: dict[str, dict[Language, str]] = {
        "lasts": {"en": "It will last to the end of the period", "ru": "До конца периода хватит"},
        "may_run_out": {"en": "It may not last to the end of the period", "ru": "До конца периода может не хватить"},
        "runs_out": {"en": "It will not last to the end of the period", "ru": "До конца периода не хватит"},
    }
    sure = f"вероятность, что хватит, — {chance}%" if language == "ru" else f"the chance of lasting is {chance} %"
    return f"{texts[said.verdict][language]}: {sure}."


def _runs_out(one: RunOut, language: Language) -> str:
    is_russian = language == "ru"
    if one.early is None:
        until = date(one.until - dt.timedelta(days=1), language)
        return f"До {until} не закончится." if is_russian else f"Nothing runs out up to {until}."
    early = date(one.early, language)
    if one.middle is None:
        return f"Закончиться может не раньше {early}." if is_russian else f"It runs out on {early} at the earliest."
    middle = date(one.middle, language)
    if one.late is None:
        return (
            f"Закончится около {middle}, не раньше {early}."
            if is_russian
            else f"It runs out about {middle}, on {early} at the earliest."
        )
    late = date(one.late, language)
    return (
        f"Закончится около {middle}: не раньше {early}, не позже {late}."
        if is_russian
        else f"It runs out about {middle}: not before {early}, not after {late}."
    )


def used_up(one: UsedUp, zone: dt.tzinfo, titles: Titles, language: Language) -> list[str]:
    """What is blocked since when, and each way out."""
    is_russian = language == "ru"
    since = "" if one.since is None else _moment(one.since.astimezone(zone), language)
    calls, renews = counted(one.declined, "calls", language), _moment(one.renews_at.astimezone(zone), language)
    lines = [
        f"Запросов не осталось{' с ' + since if since else ''}; отклонено: {calls}. Пакет обновится {renews}."
        if is_russian
        else f"Nothing is left{' since ' + since if since else ''}; declined: {calls}. The package renews on {renews}."
    ]
    return lines + [_way(way, zone, titles, language) for way in one.ways_out]


def _moment(at: dt.datetime, language: Language) -> str:
    return f"{date(at.date(), language)}, {at:%H:%M}"


def _way(way: Way, zone: dt.tzinfo, titles: Titles, language: Language) -> str:
    is_russian = language == "ru"
    if way.at is not None:
        at = _moment(way.at.astimezone(zone), language)
        return f"Подождать до {at}." if is_russian else f"Wait until {at}."
    name = titles(way.id or "")
    what = {"boost": ("boost", "буст"), "plan": ("plan", "тариф"), "cap": ("cap", "ограничение")}[way.kind][is_russian]
    price = "" if way.price is None else f" ({money(way.price, language)})"
    after = counted(way.available or 0, "requests", language)
    return (
        f"Взять {what} «{name}»{price}: сразу станет доступно: {after}."
        if is_russian
        else f"Take the {what} “{name}”{price}: {after} would be available at once."
    )


def advice(one: Advice, titles: Titles, language: Language) -> str:
    """What to do, and what it is worth."""
    told = (_russian if language == "ru" else _english)(one, titles)
    if one.kind == "cheaper_mix" or one.worth is None or not one.worth.amount:
        return told
    worth = money(one.worth, language)
    return f"{told} ≈ {worth}"


def _english(one: Advice, titles: Titles) -> str:
    requests, calls = counted(one.requests, "requests", "en"), counted(one.calls, "calls", "en")
    action, other = (titles(name or "") for name in (one.action, one.with_action))
    match one.kind:
        case "share_subject":
            return f"Run “{action}” and “{other}” with one subject: a stage was paid twice in {calls}, {requests}."
        case "nearly_free":
            return f"“{action}” {_having(one, 'en')} is free from {one.threshold}: {calls} cost {requests}."
        case "made_anew":
            return f"Use “{other}” instead of “{action}” on what is there already: {calls}, {requests} too many."
        case "repeated":
            return f"“{action}” was repeated on the same subject: {calls}, {requests}."
        case "expired_holds":
            holds = counted(one.calls, "holds", "en")
            return f"“{action}”: {holds} expired unused and kept {requests} from everybody. Capture or void them."
        case "bought_early":
            return f"Boosts that came while the package could still pay suspended {requests} of it."
        case "buy_later":
            day = date(dt.date.fromisoformat(one.on or ""), "en")
            return f"Buy a boost when the package is used up, about {day}: today it would suspend {requests} of it."
        case "above_habit":
            who = one.user or titles(one.tool or "")
            usual = counted(one.usual or 0, "requests", "en")
            return f"{who} used {requests} more last week than usual ({usual})."
        case "cheaper_mix":
            return _mix(one, titles, "en")


def _having(one: Advice, language: Language) -> str:
    """With how many of what a call was made."""
    name, value = one.quantity or "", one.value or 0
    if f"with_{name}" not in _FORMS:
        return f"при {name} = {value}" if language == "ru" else f"with {name} {value}"
    return f"{'с' if language == 'ru' else 'with'} {counted(value, f'with_{name}', language)}"


def _russian(one: Advice, titles: Titles) -> str:
    requests, calls = counted(one.requests, "requests", "ru"), counted(one.calls, "calls", "ru")
    action, other = (titles(name or "") for name in (one.action, one.with_action))
    match one.kind:
        case "share_subject":
            return (
                f"Указывайте общий предмет для «{action}» и «{other}»: общий этап оплачен дважды — {calls}, {requests}."
            )
        case "nearly_free":
            return f"«{action}» {_having(one, 'ru')} — платно, а если {one.threshold} — бесплатно: {calls}, {requests}."
        case "made_anew":
            return f"Вместо «{action}» для уже готового используйте «{other}»: {calls}, лишних — {requests}."
        case "repeated":
            return f"«{action}» повторно для того же предмета: {calls}, {requests}."
        case "expired_holds":
            holds = counted(one.calls, "holds", "ru")
            return f"«{action}»: истекли без списания — {holds}, всё это время было недоступно: {requests}."
        case "bought_early":
            return f"Бусты добавлены, пока платил пакет: приостановлено из пакета — {requests}."
        case "buy_later":
            day = date(dt.date.fromisoformat(one.on or ""), "ru")
            return f"Покупайте буст, когда пакет закончится, около {day}: сегодня он приостановит {requests} из пакета."
        case "above_habit":
            who = one.user or titles(one.tool or "")
            usual = counted(one.usual or 0, "requests", "ru")
            return f"{who}: за неделю на {requests} больше обычного ({usual})."
        case "cheaper_mix":
            return _mix(one, titles, "ru")


def _mix(one: Advice, titles: Titles, language: Language) -> str:
    mix = one.mix
    if mix is None or one.worth is None:
        raise TypeError(one)
    boosts = "".join(f" + {count} × “{titles(name)}”" for name, count in mix.boosts.items())
    saved, price, paid = (money(p, language) for p in (one.worth, mix.price, mix.paid))
    start, end = (_month(month, language) for month in (mix.start, mix.end))
    if language == "ru":
        boosts = boosts.replace("“", "«").replace("”", "»")
        months = start if start == end else f"{start} — {end}"
        return f"Дешевле был бы «{titles(mix.plan)}»{boosts} ({months}): {price} вместо {paid}, экономия {saved}."
    months = start if start == end else f"{start} to {end}"
    return f"“{titles(mix.plan)}”{boosts} would have been cheaper ({months}): {price}, not {paid}: {saved} less."


def _month(text: str, language: Language) -> str:
    """``2026-10`` as October 2026."""
    year, month = text.split("-")
    name = _MONTHS["en"][int(month) - 1] if language == "en" else _NOMINATIVE[int(month) - 1]
    return f"{name} {year}"
