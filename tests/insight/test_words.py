"""The insight in sentences: right plural forms, numbers and dates in both languages, and no kind without a sentence."""

import datetime as dt
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from kvota.core.catalogue import Price
from kvota.core.limits import Reason
from kvota.core.periods import instant
from kvota.insight import figures, words
from kvota.insight.advice import Kind
from kvota.wire.insight import Advice, Forecast, Mix, Range, RunOut, UsedUp, Way
from kvota.wire.replies import Period
from tests.core.words import ms

RUB = Price(amount=249_000, currency="RUB")
TITLES = {"follow_up": "Follow-up", "basic": "Базовый"}


def title(name):
    return TITLES.get(name, name)


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [
        (0, "0 requests", "0 запросов"),
        (1, "1 request", "1 запрос"),
        (2, "2 requests", "2 запроса"),
        (5, "5 requests", "5 запросов"),
        (11, "11 requests", "11 запросов"),
        (14, "14 requests", "14 запросов"),
        (21, "21 requests", "21 запрос"),
        (112, "112 requests", "112 запросов"),
        (1234, "1,234 requests", "1\u202f234 запроса"),
    ],
)
def test_plural_forms(count, english, russian):
    assert words.counted(count, "requests", "en") == english
    assert words.counted(count, "requests", "ru") == russian


def test_money_and_dates():
    assert words.money(RUB, "en") == "2,490.00 RUB"
    assert words.money(RUB, "ru") == "2\u202f490,00 ₽"
    assert words.date(dt.date(2026, 11, 27), "en") == "27 November"
    assert words.date(dt.date(2026, 5, 1), "ru") == "1 мая"


def advised(kind, **more):
    fields = dict.fromkeys(Advice.__struct_fields__)
    mix = Mix(
        start="2026-08", end="2026-10", months=3, requests=900, plan="basic", boosts={"boost_100": 2}, price=RUB,
        paid=RUB,
    )  # fmt: skip
    given = {"kind": kind, "requests": 21, "calls": 2, "worth": RUB, "action": "follow_up", "entries": [], "mix": mix}
    return Advice(**{**fields, **given, "on": "2026-06-21", "user": "anna", **more})


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_advice_has_its_sentence_in_both_languages(kind):
    english, russian = (words.advice(advised(kind), title, language) for language in ("en", "ru"))
    assert english != russian
    assert not any("а" <= letter <= "я" for letter in english.lower().replace("базовый", ""))
    assert any("а" <= letter <= "я" for letter in russian.lower())
    assert "None" not in english + russian or kind == "nearly_free"
    if kind != "cheaper_mix":
        assert "21 request" in english
        assert "21 запрос" in russian


def test_what_nearly_was_free_is_told_in_the_words_of_the_quantity():
    one = advised("nearly_free", quantity="participants", value=3, threshold=4)
    assert "“Follow-up” with 3 participants is free from 4: 2 calls" in words.advice(one, title, "en")
    assert "«Follow-up» с 3 участниками — платно, а если 4 — бесплатно: 2 обращения" in words.advice(one, title, "ru")
    other = advised("nearly_free", quantity="pages", value=3, threshold=4)
    assert "«Follow-up» при pages = 3 — платно" in words.advice(other, title, "ru")


def foreseen(**more):
    fields = dict.fromkeys(Forecast.__struct_fields__)
    period = Period(start=instant(ms("2026-06-01T00:00")), end=instant(ms("2026-07-01T00:00")), time_zone="UTC")
    given = {"verdict": "runs_out", "basis": "fair", "period": period, "known_days": 30, "chance": 0.04, "ahead": []}
    return Forecast(**{**fields, "package_suspended": False, "paying": "package", **given, **more})


def test_a_forecast_that_runs_out_says_when_and_what_is_missing():
    one = foreseen(
        expected=Range(low=600, middle=741, high=900),
        missing=Range(low=0, middle=241, high=400),
        runs_out=RunOut(early=dt.date(2026, 6, 17), middle=dt.date(2026, 6, 21), late=None, until=dt.date(2026, 7, 1)),
    )
    assert words.forecast(one, "en") == [
        "It will not last to the end of the period: the chance of lasting is 4 %.",
        "It runs out about 21 June, on 17 June at the earliest.",
        "Use by the end of the period: about 741 requests (most likely 600–900).",
        "Missing: 241 requests (0–400).",
    ]
    assert words.forecast(one, "ru") == [
        "До конца периода не хватит: вероятность, что хватит, — 4%.",
        "Закончится около 21 июня, не раньше 17 июня.",
        "Расход к концу периода: 741 запрос (скорее всего, 600–900).",
        "Не хватит: 241 запрос (0–400).",
    ]


def test_what_is_missing_only_at_the_worst_is_not_called_nothing():
    one = foreseen(missing=Range(low=0, middle=0, high=36))
    assert words.forecast(one, "en")[-1] == "Missing at the worst: 36 requests."
    assert words.forecast(one, "ru")[-1] == "В худшем случае не хватит: 36 запросов."


def test_too_little_and_boosts_that_pay_are_said():
    thin = foreseen(verdict="unknown", basis="too_thin", known_days=1)
    assert words.forecast(thin, "ru") == [
        "Для прогноза мало данных: 1 полный день. Первый прогноз появится на третий день."
    ]
    boosts = foreseen(paying="boosts", package_suspended=True)
    assert any("suspended" in line for line in words.forecast(boosts, "en"))


def test_what_is_used_up_names_every_way_out():
    ways = [
        Way(kind="boost", id="boost_100", price=RUB, at=None, available=100, valid_days=30),
        Way(kind="wait", id=None, price=None, at=instant(ms("2026-06-30T21:00")), available=None, valid_days=None),
    ]
    renews = instant(ms("2026-06-30T21:00"))
    one = UsedUp(
        since=instant(ms("2026-06-20T09:05")),
        blocked=[],
        declined=3,
        renews_at=renews,
        returns_at=renews,
        ways_out=ways,
    )
    zone = ZoneInfo("Europe/Moscow")
    assert words.used_up(one, zone, title, "en") == [
        "Nothing is left since 20 June, 12:05; declined: 3 calls. The package renews on 1 July, 00:00.",
        "Take the boost “boost_100” (2,490.00 RUB): 100 requests would be available at once.",
        "Wait until 1 July, 00:00.",
    ]
    assert words.used_up(one, zone, title, "ru")[0] == (
        "Запросов не осталось с 20 июня, 12:05; отклонено: 3 обращения. Пакет обновится 1 июля, 00:00."
    )


def test_a_change_is_in_per_cent_of_what_was_before():
    pairs = ((12, 10), (5, 10), (10, 10), (3, 0), (1001, 1000))
    assert [figures.change(*pair, "en") for pair in pairs] == ["+20 %", "−50 %", "", "", "±0 %"]
    assert figures.compared(12, 10, "ru") == "12 (раньше: 10, +20%)"
    assert figures.compared(7, 0, "en") == "7"


def test_every_reason_of_a_decline_has_its_words():
    for code in get_args(Reason):
        assert figures.reason(code, "en") != figures.reason(code, "ru")
