"""What each action costs: the rows of the price list, and the rules under it."""

import itertools

import pytest

from kvota.catalogue_file import parse
from kvota.core.account import Usage
from kvota.core.pricing import Priced, price
from kvota.core.state import replace
from kvota.errors import Invalid, QuantityMissing
from tests.core.ledger import CASES, SMALL
from tests.core.words import charge, company, hold, ms, refund, usage, void

ACTIONS = parse(CASES).actions | parse(SMALL).actions
NOW = ms("2026-03-10T09:00")


def cost(action: str, paid: tuple[str, ...] = (), *, at_most: bool = False, **given: object) -> Priced:
    return price(ACTIONS[action], usage(action, **given), paid, at_most=at_most)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (usage("feed_text"), 1),
        (usage("task_text"), 1),
        (usage("mail_text"), 1),
        (usage("calendar_text"), 1),
        (usage("chat_question"), 1),
        (usage("crm_call_processing"), 3),
        (usage("crm_speech_analytics"), 2),
        (usage("crm_call_complete"), 4),
        (usage("sales_script"), 1),
        (usage("follow_up", participants=0), 10),
        (usage("follow_up", participants=3), 10),
        (usage("follow_up", participants=4), 0),
        (usage("follow_up", participants=1_000_000), 0),
        (usage("flow_recommendations"), 1),
        (usage("site_creation", images=0), 5),
        (usage("site_creation", images=2), 5),
        (usage("site_creation", images=3), 6),
        (usage("site_creation", images=22), 25),
        (usage("site_creation", images=23), 25),
        (usage("site_creation", images=1_000_000), 25),
        (usage("site_block_update", images=0), 2),
        (usage("site_block_update", images=1), 2),
        (usage("site_block_update", images=2), 3),
        (usage("site_block_update", images=9), 10),
    ],
    ids=lambda value: f"{value.action} {dict(value.quantities) or ''}" if isinstance(value, Usage) else str(value),
)
def test_each_row_of_the_price_list_costs_what_it_says(asked: Usage, expected: int):
    priced = price(ACTIONS[asked.action], asked, ())
    assert priced.cost == expected
    assert sum(part.cost for part in priced.breakdown) == expected


@pytest.mark.parametrize(
    ("first", "second", "costs"),
    [
        ("crm_call_processing", "crm_speech_analytics", (3, 1)),
        ("crm_speech_analytics", "crm_call_processing", (2, 2)),
        ("crm_call_complete", "crm_speech_analytics", (4, 1)),
        ("crm_speech_analytics", "crm_call_complete", (2, 3)),
    ],
)
def test_a_shared_stage_is_paid_once_for_a_subject_in_either_order(first: str, second: str, costs: tuple[int, int]):
    acme = company(NOW)
    assert tuple(charge(acme, NOW, action, subject="call:1").cost for action in (first, second)) == costs


def test_without_a_subject_and_on_another_subject_nothing_is_shared():
    acme = company(NOW)
    charge(acme, NOW, "crm_call_processing", subject="call:1")
    assert charge(acme, NOW, "crm_speech_analytics").cost == 2
    assert charge(acme, NOW, "crm_speech_analytics", subject="call:2").cost == 2


def test_only_charges_stand_on_a_subject_an_open_or_void_hold_does_not():
    acme = company(NOW)
    opened = hold(acme, NOW, "crm_call_processing", subject="call:1")
    assert hold(acme, NOW, "crm_speech_analytics", subject="call:1").held == 2
    void(acme, NOW, opened.id)
    assert charge(acme, NOW, "crm_speech_analytics", subject="call:1").cost == 2


ON_ONE_SUBJECT = [
    {"action": "crm_call_processing"},
    {"action": "crm_speech_analytics"},
    {"action": "crm_call_complete", "stages": ("transcription",)},
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_a_subject_has_cost_is_the_same_in_every_order(order: tuple[int, ...]):
    acme = company(NOW)
    assert sum(charge(acme, NOW, **ON_ONE_SUBJECT[n], subject="s").cost for n in order) == 4  # type: ignore[arg-type]


def test_a_stage_that_all_its_charges_have_given_back_is_paid_anew():
    acme = company(NOW)
    first = charge(acme, NOW, "crm_speech_analytics", subject="s")
    second = charge(acme, NOW, "crm_call_processing", subject="s")
    assert (refund(acme, NOW, first.id).amount, refund(acme, NOW, second.id).amount) == (1, 3)
    assert charge(acme, NOW, "crm_speech_analytics", subject="s").cost == 2


@pytest.mark.parametrize(
    ("stages", "expected"),
    [(("summary",), 1), (("summary", "transcription"), 7), (("transcription", "overview", "insights"), 8)],
)
def test_stages_can_be_charged_one_by_one_and_the_free_condition_holds_as_always(
    stages: tuple[str, ...], expected: int
):
    assert cost("follow_up", participants=3, stages=stages).cost == expected
    assert cost("follow_up", participants=4, stages=stages).cost == 0


@pytest.mark.parametrize(
    ("action", "stages"),
    [
        ("crm_call_processing", ("assessment",)),
        ("crm_call_processing", ()),
        ("crm_call_processing", ("summary", "summary")),
        ("chat_question", ("summary",)),
        ("site_creation", ("summary",)),
        ("site_block_update", ("summary",)),
    ],
)
def test_stages_that_the_action_does_not_have_or_cannot_be_charged_by_are_refused(action: str, stages: tuple[str, ...]):
    with pytest.raises(Invalid) as refused:
        price(replace(ACTIONS[action]), Usage(action=action, stages=stages, quantities={}), ())
    assert refused.value.errors[0].field == "stages"


@pytest.mark.parametrize("action", ["site_creation", "site_block_update", "follow_up"])
def test_a_quantity_left_out_of_a_charge_is_an_error_that_names_it(action: str):
    with pytest.raises(QuantityMissing) as missing:
        cost(action)
    assert [error.field for error in missing.value.errors] == [f"quantities.{ACTIONS[action].quantities[0]}"]


def test_a_quantity_left_out_of_a_hold_counts_as_the_most_that_the_action_can_cost():
    assert cost("follow_up", at_most=True).cost == 10
    assert cost("site_creation", at_most=True).cost == 25
    assert cost("report", at_most=True, people=2).cost == 4
    assert cost("report", at_most=True, pages=2).cost == 3
    with pytest.raises(QuantityMissing):
        cost("site_block_update", at_most=True)


def test_an_unknown_quantity_is_an_error_that_lists_the_known_ones():
    with pytest.raises(Invalid, match="it knows: pages, people") as unknown:
        cost("report", pages=1, people=1, images=1)
    assert unknown.value.errors[0].field == "quantities.images"


@pytest.mark.parametrize("amount", [-1, 1_000_001, 10**30])
def test_a_quantity_out_of_bounds_is_an_error(amount: int):
    with pytest.raises(Invalid, match="from 0 to 1000000"):
        cost("site_creation", images=amount)


@pytest.mark.parametrize(
    ("people", "pages", "expected"), [(1, 0, 1), (2, 0, 0), (3, 0, 0), (4, 0, 1), (2, 1, 2), (2, 9, 4)]
)
def test_several_free_conditions_must_all_hold(people: int, pages: int, expected: int):
    assert cost("report", people=people, pages=pages).cost == expected


def test_a_paid_stage_stays_in_the_breakdown_at_nothing():
    priced = cost("crm_speech_analytics", ("transcription",), subject="s")
    assert [(part.part, part.cost) for part in priced.breakdown] == [("transcription", 0), ("assessment", 1)]
    assert priced.shared == (("transcription", 0),)
