"""The catalogue that comes with the package: the published prices, and examples that say that they are examples."""

import re
from pathlib import Path

import msgspec

from kvota.catalogue_file import load, parse

CASES = Path(__file__).with_name("cases.toml")


def test_the_shipped_catalogue_has_the_prices_of_the_grammars_example() -> None:
    catalogue, text = load("bitrix24")
    steps = {"site_creation_steps", "site_picture"}  # what a portal's requests are charged as, one by one
    assert steps <= set(catalogue.actions)
    priced = [msgspec.structs.replace(one, title={}) for one in catalogue.actions.values() if one.id not in steps]
    assert priced == list(parse(CASES.read_bytes()).actions.values())
    assert parse(text) == catalogue
    assert (catalogue.policy.funds, catalogue.policy.hourly_limit) == ("boosts_first", 600)


def test_the_shipped_catalogue_says_that_its_allowances_are_examples() -> None:
    catalogue, text = load("bitrix24")
    assert "example" in catalogue.title["en"]
    assert "пример" in catalogue.title["ru"]
    for line in text.splitlines():
        if re.match(r"(allowance|amount|valid_days|price) =", line):
            assert "# example" in line, line


def test_the_shipped_catalogue_has_titles_in_both_languages_everywhere() -> None:
    catalogue, _ = load("bitrix24")
    entries = [*catalogue.actions.values(), *catalogue.plans.values(), *catalogue.boosts.values()]
    assert all(set(entry.title) == {"en", "ru"} for entry in entries)


def test_the_shipped_catalogue_knows_what_portals_report() -> None:
    catalogue, _ = load("bitrix24")
    plans = {code: plan.id for plan in catalogue.plans.values() for code in plan.codes}
    assert plans["ru_project"] == plans["project"] == "free"
    assert (plans["ru_basic"], plans["ru_std"], plans["ru_pro100"]) == ("basic", "standard", "professional")
    for seats in (250, 500, 1000, 2000, 10000):
        assert plans[f"ru_ent{seats}"] == plans[f"ent{seats}"] == f"enterprise_{seats}"


def test_the_shipped_catalogue_prices_a_portals_steps_as_its_price_list_does() -> None:
    actions = load("bitrix24")[0].actions
    assert sum(actions["site_creation_steps"].stages.values()) + 3 * actions["site_picture"].per["images"] == 5
    assert sum(actions["follow_up"].stages.values()) == 10
