"""The pages of the numbers: what they show, how they are narrowed down, and what they answer to nonsense."""

import re

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.entries import AnyFact
from kvota.web.wording import load_texts
from tests.web.harness import Site

STATISTICS = "/companies/acme/statistics"
LEDGER = "/companies/acme/entries"


def charge(site: Site, **usage):
    usage = Usage(action="chat_question", **usage)
    return site.meter.engine.execute(c.ChargeUsage(company="acme", usage=usage, by="tests")).reply


def attributes(text: str, mark: str) -> list[dict[str, str]]:
    """The data of every element that has this attribute."""
    tags = re.findall(rf"<\w+[^>]* {mark}[^>]*>", text)
    return [dict(re.findall(r'data-([\w-]+)="([^"]*)"', tag)) for tag in tags]


def test_a_number_leads_to_the_entries_that_add_up_to_it(site: Site):
    first = charge(site, user="ann")
    charge(site, user="bob", department="law")
    charge(site)
    site.meter.engine.execute(c.RefundCharge(company="acme", charge=first.id, by="tests"))
    browser = site.browser("admin")
    shown = browser.get(STATISTICS).text
    (total,) = attributes(shown, "data-total")
    assert (total["calls"], total["requests"], total["refunded"]) == ("3", "3", "1")
    users = {row["name"]: row["requests"] for row in attributes(shown.partition('data-list="users"')[2], "data-name")}
    assert {"ann", "bob", ""} <= users.keys()
    for query in ("", "?user=ann", "?without=user", "?department=law&user=bob"):
        entries = browser.get(f"{STATISTICS}/entries{query}").text
        rows, (total,) = attributes(entries, "data-seq"), attributes(entries, "data-total")
        for name in ("calls", "requests", "refunded"):
            assert sum(int(row[name]) for row in rows) == int(total[name])
        assert rows


def test_the_ledger_has_the_newest_first_and_pages_to_the_oldest(site: Site):
    for number in range(60):
        charge(site, user=("ann", "bob")[number % 2]) if number < 5 else site.meter.engine.execute(
            c.PutCompany(company="acme", name=f"Acme {number}", by="tests")
        )
    browser = site.browser("auditor")
    shown = browser.get(LEDGER).text
    seqs = [int(row["seq"]) for row in attributes(shown, "data-seq")]
    older = re.findall(r'href="(\?before=\d+)"', shown)[0]
    seqs += [int(row["seq"]) for row in attributes(browser.get(LEDGER + older).text, "data-seq")]
    assert seqs == list(range(61, 0, -1))
    bobs = attributes(browser.get(f"{LEDGER}?kind=charged&user=bob").text, "data-seq")
    assert [row["kind"] for row in bobs] == ["charged"] * 2
    today = re.findall(r"\d{4}-\d\d-\d\d", browser.get(STATISTICS).text)[-1]
    assert attributes(browser.get(f"{LEDGER}?from=2020-01-01&last={today}&kind=charged").text, "data-seq")
    assert not attributes(browser.get(f"{LEDGER}?from=2020-01-01&last=2020-02-01").text, "data-seq")


def test_what_is_filtered_is_saved_as_a_file(site: Site):
    charge(site, user="ann")
    browser = site.browser("admin")
    saved = browser.get(f"{LEDGER}.csv?kind=charged")
    assert saved.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[3] for line in saved.text.splitlines()] == ["kind", "charged"]
    assert 'filename="acme-entries.xlsx"' in browser.get(f"{LEDGER}.xlsx").headers["content-disposition"]


def test_an_entry_tells_all_it_says_and_leads_to_what_it_names(site: Site):
    hold = site.meter.engine.execute(c.HoldUsage(company="acme", usage=Usage(action="chat_question"))).reply
    site.meter.engine.execute(c.CaptureHold(company="acme", hold=hold.id))
    shown = site.browser("admin").get(f"{LEDGER}/3").text
    assert f'href="{LEDGER}/2">{hold.id}</a>' in shown
    assert "списание резерва" in site.browser("admin", language="ru").get(f"{LEDGER}/3").text
    for nothing in ("4", "0", "x", "9" * 30):
        assert site.browser("admin").get(f"{LEDGER}/{nothing}").status == 404


def test_an_entry_tells_times_and_numbers_as_people_read_them(site: Site):
    one = charge(site, measures={"input_tokens": 12_345})
    shown = site.browser("admin").get(f"{LEDGER}/{one.entry}").text
    assert "input tokens: 12,345" in shown
    assert not re.search(r"\d{4}-\d\d-\d\dT", shown)


def test_whatever_a_fact_says_has_its_word():
    texts = load_texts()
    shown = {"action", "tool", "user", "department", "subject", "quantities", "measures"}
    for fact in AnyFact.__args__:
        assert f"kind.{fact.__struct_config__.tag}" in texts
        assert {f"detail.{name}" for name in fact.__struct_fields__ if name not in shown} <= texts.keys()


@pytest.mark.parametrize(
    "path",
    [
        f"{STATISTICS}?from=x",
        f"{STATISTICS}?last=x",
        f"{STATISTICS}?from=2026-02-01&to=2026-01-01",
        f"{STATISTICS}?hour=24",
        f"{STATISTICS}?without=tool",
        f"{STATISTICS}/entries?after=x",
        f"{LEDGER}?kind=nothing",
        f"{LEDGER}?user=%20x%20y",
        f"{LEDGER}.csv?from=x",
    ],
)
def test_what_cannot_be_asked_is_refused_in_both_languages(site: Site, path: str):
    for language in ("en", "ru"):
        assert site.browser("admin", language=language).get(path).status == 422
    assert site.browser("admin").get(f"{LEDGER}?before=x").status == 200
