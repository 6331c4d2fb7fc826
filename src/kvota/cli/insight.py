"""``kvota status``, ``forecast`` and ``advice``: what the numbers mean, drawn in the terminal."""

from typing import TYPE_CHECKING, Any

from kvota.cli import OK
from kvota.cli.options import Where

if TYPE_CHECKING:
    from kvota.cli.door import Door
    from kvota.insight.words import Titles
    from kvota.wire.insight import AdviceReport, Forecast

_HERE = Where()


def status(company: str, /, *, where: Where = _HERE) -> int:
    """What is left, whether it will last, and the first things that would save requests.

    For example:

        kvota status acme

    Parameters
    ----------
    company
        Its id.
    """
    from kvota.cli.door import opened
    from kvota.cli.drawing import say_bar
    from kvota.cli.screen import is_told, say
    from kvota.insight import words

    with opened(where) as door:
        balance = door.ask("GET", "companies", company, "balance")
        if is_told(balance, where):
            return OK
        found, foreseen, advised, titles = balance.json, *_asked(door, company, where)
    language = _language(where)
    allowance, boosts, hourly = found["allowance"], found["boosts"], found["hourly"]
    packed = sum(one["amount"] for one in boosts["items"])
    is_russian = language == "ru"
    say(f"{titles(found['plan'])}: {words.counted(found['available'], 'requests', language)}")
    bars = [("Пакет" if is_russian else "package", allowance["remaining"], allowance["granted"])]
    if packed:
        bars.append(("Бусты" if is_russian else "boosts", boosts["remaining"], packed))
    if hourly is not None:
        bars.append(("Этот час" if is_russian else "this hour", hourly["remaining"], hourly["limit"]))
    for name, left, of in bars:
        say_bar(name, left, of, words.number(left, language) + " / " + words.number(of, language))
    _say_forecast(foreseen, titles, where)
    for one in advised.advice[:3]:
        say(f"→ {words.advice(one, titles, language)}")
    return OK


def forecast(company: str, /, *, where: Where = _HERE) -> int:
    """Whether the package or the boosts will last, when they run out, and the way out where nothing is left.

    For example:

        kvota forecast acme --lang ru

    Parameters
    ----------
    company
        Its id.
    """
    import msgspec

    from kvota.cli.door import opened
    from kvota.cli.drawing import say_bar, titles_of
    from kvota.cli.screen import is_told
    from kvota.insight import words
    from kvota.wire import insight
    from kvota.wire.fields import dec_hook

    with opened(where) as door:
        answer = door.ask("GET", "companies", company, "forecast")
        if is_told(answer, where):
            return OK
        titles = titles_of(door, where)
    said = msgspec.json.decode(answer.body, type=insight.Forecast, dec_hook=dec_hook)
    _say_forecast(said, titles, where)
    language = _language(where)
    most = max([1, *(day.used.high for day in said.ahead)])
    for day in said.ahead:
        told = f"{words.number(day.used.middle, language)} ({day.used.low}–{day.used.high})"
        say_bar(words.date(day.date, language), day.used.middle, most, told)
    return OK


def advice(company: str, /, *, where: Where = _HERE) -> int:
    """What would have saved requests or money, each with its amount.

    For example:

        kvota advice acme

    Parameters
    ----------
    company
        Its id.
    """
    import msgspec

    from kvota.cli.door import opened
    from kvota.cli.drawing import titles_of
    from kvota.cli.screen import is_told, note, say
    from kvota.insight import words
    from kvota.wire import insight
    from kvota.wire.fields import dec_hook

    with opened(where) as door:
        answer = door.ask("GET", "companies", company, "advice")
        if is_told(answer, where):
            return OK
        titles = titles_of(door, where)
    said = msgspec.json.decode(answer.body, type=insight.AdviceReport, dec_hook=dec_hook)
    language = _language(where)
    for one in said.advice:
        say(f"→ {words.advice(one, titles, language)}")
    if not said.advice:
        note("Советовать нечего." if language == "ru" else "There is nothing to advise.")
    if not said.is_whole:
        start = words.date(said.start.date(), language)
        note(f"По записям начиная с {start}." if language == "ru" else f"By the entries since {start} only.")
    return OK


def _language(where: Where) -> Any:  # noqa: ANN401 - the two that there are
    return where.language


def _asked(door: "Door", company: str, where: Where) -> "tuple[Forecast, AdviceReport, Titles]":
    import msgspec

    from kvota.cli.drawing import titles_of
    from kvota.cli.problems import refuse
    from kvota.wire import insight
    from kvota.wire.fields import dec_hook

    answers = [door.ask("GET", "companies", company, what) for what in ("forecast", "advice")]
    for answer in answers:
        if answer.status >= 400:  # noqa: PLR2004 - a problem
            refuse(answer, where)
    return (
        msgspec.json.decode(answers[0].body, type=insight.Forecast, dec_hook=dec_hook),
        msgspec.json.decode(answers[1].body, type=insight.AdviceReport, dec_hook=dec_hook),
        titles_of(door, where),
    )


def _say_forecast(said: "Forecast", titles: "Titles", where: Where) -> None:
    from zoneinfo import ZoneInfo

    from kvota.cli.screen import say
    from kvota.insight import words

    language = _language(where)
    if said.used_up is not None:
        for line in words.used_up(said.used_up, ZoneInfo(said.period.time_zone), titles, language):
            say(line)
    for line in words.forecast(said, language):
        say(line)
