"""A catalogue file is read in full, or refused with every mistake, each with its line and what would be right."""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from kvota.asgi.russian import in_russian
from kvota.catalogue_file import MAX_BYTES, differences, load, parse, shipped
from kvota.catalogue_file.route_actions import ROUTES
from kvota.core.catalogue import Condition, Price
from kvota.errors import CatalogueInvalid
from kvota.upstreams import ROUTES as UPSTREAM_ROUTES

HERE = Path(__file__).parent
CASES = HERE / "cases.toml"
DOCS = HERE.parents[1] / "docs" / "catalogue.md"
SMALL = """\
[catalogue]
id = "small"
version = "1"
effective_from = 2026-01-01T00:00:00Z
[policy]
funds = "boosts_first"
[plans.one]
allowance = 10
codes = ["a"]
[plans.two]
allowance = 20
actions = ["text"]
[boosts.pack]
amount = 5
valid_days = 30
[tools]
chat = { en = "Chats", ru = "Чаты" }
[actions.text]
tool = "chat"
base = 1
[actions.call]
tool = "chat"
stages = { script = 1, score = 2 }
once_per_subject = ["script"]
[actions.other]
tool = "chat"
stages = { script = 1 }
once_per_subject = ["script"]
[actions.site]
tool = "chat"
per = { images = 1 }
min = 5
max = 25
free_when = { seats = { at_least = 4 } }
"""


def small(*edits: tuple[int, str]) -> str:
    """SMALL with the lines of these numbers replaced."""
    lines = [*map(str, SMALL.splitlines())]
    for number, text in edits:
        lines[number - 1] = text
    return "\n".join(lines)


def mistakes(text: str | bytes) -> list[tuple[str, str]]:
    with pytest.raises(CatalogueInvalid) as caught:
        parse(text)
    assert caught.value.errors
    msgspec.json.encode(caught.value.errors)
    assert [error.message for error in caught.value.errors if in_russian(error.message) is None] == []
    return [(error.field, error.message) for error in caught.value.errors]


def only_mistake(text: str | bytes) -> tuple[str, str]:
    found = mistakes(text)
    assert len(found) == 1, found
    return found[0]


def test_the_small_example_of_these_tests_is_right() -> None:
    assert parse(SMALL).plans["one"].allowance == 10


def test_the_grammars_example_is_read_in_full() -> None:
    catalogue = parse(CASES.read_bytes())
    assert (catalogue.id, catalogue.version) == ("cases", "2026-01-01")
    assert datetime.fromtimestamp(catalogue.effective_from / 1000, UTC) == datetime(2026, 1, 1, tzinfo=UTC)
    assert catalogue.title == {"en": "Acceptance cases", "ru": "Приёмочные примеры"}
    assert (catalogue.policy.funds, catalogue.policy.hourly_limit) == ("allowance_first", 600)
    assert list(catalogue.plans) == ["tiny", "small", "large", "textual"]
    assert catalogue.plans["small"].price == Price(amount=249000, currency="RUB")
    assert (catalogue.plans["small"].self_service, catalogue.plans["tiny"].self_service) == (True, False)
    assert catalogue.plans["tiny"].codes == ("xx_project",)
    assert catalogue.plans["textual"].actions == {"feed_text", "task_text", "mail_text", "chat_question"}
    assert (catalogue.plans["textual"].user_daily_cap, catalogue.plans["tiny"].actions) == (5, None)
    assert (catalogue.boosts["boost_20"].amount, catalogue.boosts["boost_20"].valid_days) == (20, 30)
    assert catalogue.tools["feed"] == {"en": "Feed", "ru": "Лента"}
    assert catalogue.actions["follow_up"].free_when == {"participants": Condition(at_least=4)}
    assert sum(catalogue.actions["follow_up"].stages.values()) == 10
    site = catalogue.actions["site_creation"]
    assert (site.base, site.per, site.min, site.max) == (3, {"images": 1}, 5, 25)
    assert catalogue.actions["crm_call_complete"].once_per_subject == ("transcription",)


def test_every_example_of_the_documentation_is_a_catalogue() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        parse(block)


def test_every_key_is_documented() -> None:
    keys = re.findall(r"known: ([a-z0-9_, ]+)", "\n".join(message for _, message in mistakes(UNKNOWN_KEYS)))
    text = DOCS.read_text(encoding="utf-8")
    assert len(keys) == 8
    missing = [key for found in keys for key in found.split(", ") if not re.search(rf"\b{key}\b", text)]
    assert missing == []


UNKNOWN_KEYS = small(
    (2, 'id = "small"\nx = 1'),
    (6, 'funds = "boosts_first"\nx = 1'),
    (8, 'allowance = 10\nx = 1\nprice = { amount = 1, currency = "RUB", x = 1 }'),
    (14, "amount = 5\nx = 1"),
    (20, "base = 1\nx = 1"),
    (34, "free_when = { seats = { at_least = 4, x = 1 } }\n[x]"),
)


def test_unknown_keys_and_tables_are_refused_everywhere_with_those_that_are_known() -> None:
    found = mistakes(UNKNOWN_KEYS)
    assert [field for field, _ in found] == [
        "line 3: catalogue.x",
        "line 8: policy.x",
        "line 11: plans.one.x",
        "line 12: plans.one.price.x",
        "line 19: boosts.pack.x",
        "line 26: actions.text.x",
        "line 40: actions.site.free_when.seats.x",
        "line 41: x",
    ]
    assert all("is not known here; known: " in message for _, message in found)


def test_the_key_that_was_probably_meant_is_named() -> None:
    found = dict(mistakes(small((8, "allowence = 10"))))
    assert "did you mean allowance?" in found["line 8: plans.one.allowence"]
    assert found["line 7: plans.one.allowance"] == "is missing; a whole number from 0 to 1,000,000,000 is needed"


REFUSED = [
    # the catalogue's own table
    (2, "", "line 1: catalogue.id", "is missing"),
    (2, 'id = "a b"', "line 2: catalogue.id", 'not "a b"'),
    (2, f'id = "{"a" * 65}"', "line 2: catalogue.id", "1 to 64"),
    (3, "", "line 1: catalogue.version", "is missing"),
    (3, "version = 1", "line 3: catalogue.version", "in quotes"),
    (3, "version = 2026-01-01", "line 3: catalogue.version", "not 2026-01-01 without quotes"),
    (4, "", "line 1: catalogue.effective_from", "is missing"),
    (4, "effective_from = 2026-01-01T00:00:00", "line 4: catalogue.effective_from", "with its offset"),
    (4, "effective_from = 2026-01-01", "line 4: catalogue.effective_from", "a date-time with its offset"),
    (4, 'effective_from = "2026-01-01T00:00:00Z"', "line 4: catalogue.effective_from", "without quotes"),
    (4, "effective_from = 2026-01-01T00:00:00.0001Z", "line 4: catalogue.effective_from", "finer than a millisecond"),
    (4, "effective_from = 2026-01-01 00:00:00.000000001Z", "line 4: catalogue.effective_from", "finer than"),
    (4, "effective_from = 0001-01-01T00:00:00+23:00", "line 4: catalogue.effective_from", "from 1970 to 2999"),
    (4, "effective_from = 9999-12-31T23:59:59-23:00", "line 4: catalogue.effective_from", "from 1970 to 2999"),
    # titles
    (17, 'chat = "Chats"', "line 17: tools.chat", "a table is needed"),
    (17, 'chat = { en = "Chats" }', "line 17: tools.chat.ru", "English and in Russian"),
    (17, 'chat = { ru = "Чаты" }', "line 17: tools.chat.en", "is missing"),
    (17, 'chat = { en = "", ru = "Чаты" }', "line 17: tools.chat.en", "1 to 200 printable"),
    (17, 'chat = { en = "a\\u0007", ru = "Чаты" }', "line 17: tools.chat.en", "printable"),
    (17, f'chat = {{ en = "{"a" * 201}", ru = "Ч" }}', "line 17: tools.chat.en", "1 to 200"),
    (17, 'chat = { en = "C", ru = "Ч", English = "C" }', "line 17: tools.chat.English", "a language"),
    (8, 'allowance = 1\ntitle = { en = "One" }', "line 9: plans.one.title.ru", "is missing"),
    (14, 'amount = 5\ntitle = "Pack"', "line 15: boosts.pack.title", "a table is needed"),
    # the policy
    (6, 'funds = "boost_first"', "line 6: policy.funds", '"allowance_first" or "boosts_first"'),
    (6, "hourly_limit = 0", "line 6: policy.hourly_limit", "from 1 to 1,000,000,000"),
    (6, "hourly_limit = 1000000001", "line 6: policy.hourly_limit", "from 1 to 1,000,000,000"),
    # plans
    (8, "allowance = -1", "line 8: plans.one.allowance", "from 0 to 1,000,000,000 is needed, not -1"),
    (8, "allowance = 10.0", "line 8: plans.one.allowance", "a whole number"),
    (8, "allowance = nan", "line 8: plans.one.allowance", "not nan"),
    (8, "allowance = true", "line 8: plans.one.allowance", "not true"),
    (8, 'allowance = "10"', "line 8: plans.one.allowance", 'not "10"'),
    (8, "allowance = 1000000001", "line 8: plans.one.allowance", "1,000,000,000"),
    (8, "allowance = 99999999999999999999999", "line 8: plans.one.allowance", "1,000,000,000"),
    (8, "allowance = 1\nself_service = 1", "line 9: plans.one.self_service", "true or false"),
    (8, "allowance = 1\nuser_daily_cap = -1", "line 9: plans.one.user_daily_cap", "from 0"),
    (8, "allowance = 1\nprice = 5", "line 9: plans.one.price", "a table is needed"),
    (8, 'allowance = 1\nprice = { currency = "RUB" }', "line 9: plans.one.price.amount", "is missing"),
    (8, "allowance = 1\nprice = { amount = 1 }", "line 9: plans.one.price.currency", "is missing"),
    (8, 'allowance = 1\nprice = { amount = 1, currency = "rub" }', "line 9: plans.one.price.currency", "capital"),
    (8, 'allowance = 1\nprice.amount = -1\nprice.currency = "RUB"', "line 9: plans.one.price.amount", "from 0 to"),
    (9, 'codes = "a"', "line 9: plans.one.codes", "a list"),
    (9, 'codes = ["a",\n  "b c"]', "line 10: plans.one.codes[1]", "a portal's code"),
    (9, 'codes = ["a", "a"]', "line 9: plans.one.codes[1]", "twice"),
    (11, 'allowance = 20\ncodes = ["b", "a"]', "line 12: plans.two.codes[1]", "already stands for the plan one"),
    (12, 'actions = ["texts"]', "line 12: plans.two.actions[0]", "did you mean text?"),
    (12, 'actions = ["text", "text"]', "line 12: plans.two.actions[1]", "twice"),
    (12, "actions = []", "line 12: plans.two.actions", "leave the key out for all"),
    (12, "actions = [1]", "line 12: plans.two.actions[0]", "an action's id"),
    (10, '[plans."t w o"]', 'line 10: plans."t w o"', "1 to 64"),
    # boosts
    (14, "amount = 0", "line 14: boosts.pack.amount", "from 1 to 1,000,000,000"),
    (15, "valid_days = 0", "line 15: boosts.pack.valid_days", "from 1 to 36,500"),
    (15, "valid_days = 36501", "line 15: boosts.pack.valid_days", "from 1 to 36,500"),
    (15, "", "line 13: boosts.pack.valid_days", "is missing"),
    # actions
    (19, 'tool = "chats"', "line 19: actions.text.tool", "did you mean chat?); known: chat"),
    (19, "", "line 18: actions.text.tool", "is missing"),
    (20, "", "line 18: actions.text", "base = 0 for an action that is free"),
    (20, "max = 3", "line 18: actions.text", "has no price"),
    (20, "base = 1.5", "line 20: actions.text.base", "a whole number"),
    (20, "base = false", "line 20: actions.text.base", "not false"),
    (20, "stages = [1]", "line 20: actions.text.stages", "a table is needed, not a list of 1"),
    (23, "stages = { script = 1, Score = 2 }", "line 23: actions.call.stages.Score", "small letter"),
    (23, "stages = { script = 1, score = -2 }", "line 23: actions.call.stages.score", "from 0 to"),
    (23, "stages = { script = 1, base = 2 }", "line 23: actions.call.stages.base", "may not be called base"),
    (23, "stages = { script = 1 }\nper = { script = 1 }", "line 24: actions.call.per.script", "a stage of this action"),
    (24, 'once_per_subject = ["scripts"]', "line 24: actions.call.once_per_subject[0]", "did you mean script?"),
    (24, 'once_per_subject = ["script", "script"]', "line 24: actions.call.once_per_subject[1]", "twice"),
    (24, 'once_per_subject = ["script"]\nmin = 1', "line 25: actions.call.min", "beside once_per_subject"),
    (24, 'once_per_subject = ["script"]\nmax = 9', "line 25: actions.call.max", "beside once_per_subject"),
    (24, 'once_per_subject = ["script"]\nfree_when.n.equals = 1', "line 25: actions.call.free_when", "beside once"),
    (27, "stages = { script = 2 }", "line 27: actions.other.stages.script", "costs 1 in call"),
    (31, "per = { max = 1 }", "line 31: actions.site.per.max", "may not be called"),
    (31, "per = { images = 1000000001 }", "line 31: actions.site.per.images", "from 0 to"),
    (32, "min = 26", "line 32: actions.site.min", "is over max; at most 25"),
    (34, "free_when = {}", "line 34: actions.site.free_when", "leave the key out"),
    (34, "free_when = { seats = {} }", "line 34: actions.site.free_when.seats", "at_least, at_most or equals"),
    (34, "free_when = { seats = 4 }", "line 34: actions.site.free_when.seats", "a table is needed"),
    (
        34,
        "free_when = { seats = { at_least = 1000001 } }",
        "line 34: actions.site.free_when.seats.at_least",
        "1,000,000",
    ),
    (34, "free_when.seats = { at_least = 4, at_most = 3 }", "line 34: actions.site.free_when.seats", "never holds"),
    (34, "free_when.seats = { at_most = 3, equals = 4 }", "line 34: actions.site.free_when.seats", "never holds"),
    (34, "free_when = { min = { at_least = 4 } }", "line 34: actions.site.free_when.min", "may not be called"),
]


@pytest.mark.parametrize(("number", "text", "field", "message"), REFUSED)
def test_one_wrong_line_is_refused_by_its_number_with_what_is_allowed(
    number: int, text: str, field: str, message: str
) -> None:
    found = only_mistake(small((number, text)))
    assert found[0] == field
    assert message in found[1]


def test_an_action_whose_cost_could_exceed_an_amount_needs_a_max() -> None:
    field, message = only_mistake(small((31, "per = { images = 1001 }"), (33, "")))
    assert field == "line 29: actions.site"
    assert "can cost 1,001,000,000; at most 1,000,000,000 is allowed" in message
    assert "give it a max" in message
    parse(small((31, "per = { images = 1000 }"), (33, "")))
    parse(small((31, "per = { images = 1000000000 }")))


def test_stages_that_add_up_to_more_than_an_amount_are_refused() -> None:
    text = small((20, "base = 1\nstages = { a = 1000000000 }"))
    assert only_mistake(text)[0] == "line 18: actions.text"


@pytest.mark.parametrize("section", ["tools", "actions", "plans"])
def test_a_catalogue_without_tools_actions_or_plans_is_refused(section: str) -> None:
    kept = [f"[{part}" for part in SMALL.split("\n[") if not part.startswith(section)]
    text = "\n".join(kept).removeprefix("[")
    assert (f"line 1: {section}", "is missing; a table is needed") in mistakes(text)
    assert (f"line 1: {section}", f"has no {section[:-1]}; at least one is needed") in mistakes(
        f"{section} = {{}}\n{text}"
    )


def test_what_a_free_action_costs_is_written() -> None:
    assert parse(small((20, "base = 0"))).actions["text"].base == 0


def test_an_unshared_stage_of_the_same_name_may_have_another_price() -> None:
    assert parse(small((27, "stages = { script = 6 }"), (28, ""))).actions["other"].stages == {"script": 6}


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_lines() -> None:
    text = small((33, "max = 1"), (19, 'tool = "x"'), (8, "allowance = 1.5"), (2, ""), (24, 'once_per_subject = ["x"]'))
    assert [field for field, _ in mistakes(text)] == [
        "line 1: catalogue.id",
        "line 8: plans.one.allowance",
        "line 19: actions.text.tool",
        "line 24: actions.call.once_per_subject[0]",
        "line 32: actions.site.min",
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("nan", "nan"),
        ("-inf", "-inf"),
        ("1" + "0" * 30, "1.000e+30"),
        (f'"{"a" * 99}"', "a" * 80 + "…"),
        ("[1]", "a list of 1"),
    ],
)
def test_the_value_at_fault_is_reported_so_that_json_has_it(written: str, value: str) -> None:
    with pytest.raises(CatalogueInvalid) as caught:
        parse(small((8, f"allowance = {written}")))
    assert caught.value.errors[0].value == value
    assert caught.value.detail.startswith("The catalogue: line 8: plans.one.allowance: ")


def test_of_very_many_mistakes_the_rest_is_counted() -> None:
    found = mistakes(SMALL + "".join(f"[x{number}]\n" for number in range(1500)))
    assert len(found) == 1001
    assert found[-1] == ("and more", "500 further mistakes are not listed")


def test_quoted_dotted_and_inline_keys_have_their_lines() -> None:
    text = small((8, '"allowance" = 10\nprice.amount = 1.5\nprice."currency" = "rub"'))
    assert [field for field, _ in mistakes(text)] == [
        "line 9: plans.one.price.amount",
        "line 10: plans.one.price.currency",
    ]
    assert only_mistake(small((8, '# [plans.one]\nallowance = """\n\n"""')))[0] == "line 9: plans.one.allowance"


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    data = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    assert parse(data) == parse(SMALL)
    assert only_mistake(small((8, "allowance = -1")).replace("\n", "\r\n"))[0] == "line 8: plans.one.allowance"


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("[catalogue]\nid =", "line 2", "no TOML: Invalid value"),
        ("[catalogue]\nid = 1\nid = 2", "line 3", "no TOML: Cannot overwrite a value"),
        ("[a]\n[a]\n", "line 2", "twice (column 3)"),
        ("a = 2026-02-30", "line 1", "no TOML: Invalid date or datetime"),
        (b"a = 1\nb = '\xff'", "line 2", "is UTF-8"),
        ("a = '\ud800'", "line 1", "is UTF-8"),
        ("#" * (MAX_BYTES + 1), "line 1", "at most 1,048,576 bytes"),
        ("\na = " + "[" * 5000 + "]" * 5000, "line 2", "at most 16 deep"),
        ("\na = " + "{a=" * 5000 + "1" + "}" * 5000, "line 2", "at most 16 deep"),
        ("\n" + "a." * 300_000 + "a = 1", "line 2", "at most 16 deep"),
        ("\n[" + "a." * 300_000 + "a]", "line 2", "at most 16 deep"),
        ("\na = " + "9" * 5000, "line 2", "at most 100 characters"),
        ("\na = 0x" + "f" * 500_000, "line 2", "at most 100 characters"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_line(text: str | bytes, field: str, message: str) -> None:
    found = only_mistake(text)
    assert found[0] == field
    assert message in found[1]


def test_a_shipped_name_and_a_path_are_loaded_with_their_text(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(SMALL, encoding="utf-8")
    assert load(str(file)) == (parse(SMALL), SMALL)
    assert shipped() == ("bitrix24",)
    assert load("bitrix24")[0].id == "bitrix24"


@pytest.mark.parametrize("name", ["bitrix25", "", "\0", "..", "a" * 5000])
def test_an_unknown_catalogue_is_refused_with_the_shipped_names(name: str) -> None:
    with pytest.raises(CatalogueInvalid, match=r"There is no catalogue .*bitrix24"):
        load(name)


def changed(*edits: tuple[int, str]) -> list[str]:
    return differences(parse(SMALL), parse(small(*edits)))


def test_equal_catalogues_do_not_differ_in_whatever_order_they_are_written() -> None:
    head, *parts = SMALL.split("\n[plans.one]")
    assert changed() == []
    assert differences(parse(SMALL), parse("[plans.one]" + "\n[plans.one]".join(parts) + head)) == []


def test_differences_are_told_in_words() -> None:
    assert changed((23, "stages = { script = 1, score = 3 }")) == ["actions.call.stages.score: 2 → 3"]
    assert changed((6, "hourly_limit = 600")) == [
        'policy.funds: "boosts_first" → "allowance_first"',
        "policy.hourly_limit: none → 600",
    ]
    assert changed((4, "effective_from = 2026-01-01T03:00:00.5+03:00")) == [
        "effective_from: 2026-01-01T00:00:00.000Z → 2026-01-01T00:00:00.500Z"
    ]
    assert changed((9, 'codes = ["a", "b"]'), (12, "")) == [
        "plans.one.codes: [a] → [a, b]",
        "plans.two.actions: [text] → all",
    ]
    assert changed((34, "")) == ["actions.site.free_when.seats.at_least: 4 → none"]
    assert changed((13, "[boosts.box]")) == [
        "boosts.box: added (amount 5, valid_days 30)",
        "boosts.pack: removed (amount 5, valid_days 30)",
    ]


PROMPTS = """
[bitrix24.quantities]
seats = 2
images = 0
[bitrix24.prompts.first]
codes = ["call_*"]
action = "call"
stages = ["score"]
[bitrix24.prompts.last]
action = "text"
"""


def test_prompts_are_read_in_the_order_of_the_file() -> None:
    found = parse(SMALL + PROMPTS).bitrix24
    assert [*found.rules] == ["first", "last"]
    assert (found.rules["first"].codes, found.rules["first"].stages) == (("call_*",), ("score",))
    assert found.quantities == {"seats": 2, "images": 0}
    assert not parse(SMALL).bitrix24.rules


@pytest.mark.parametrize(
    ("line", "instead", "key", "message"),
    [
        ('action = "text"', 'action = "txt"', "prompts.last.action", 'there is no action "txt" (did you mean text?)'),
        ('action = "text"', "", "prompts.last.action", "is missing"),
        (
            '["score"]',
            '["scores"]',
            "prompts.first.stages[0]",
            'there is no stage "scores" in call (did you mean score',
        ),
        ('["score"]', "[]", "prompts.first.stages", "is empty"),
        ('action = "call"', 'action = "site"', "prompts.first.stages", "site is not charged by stages"),
        ('["call_*"]', '["*call"]', "prompts.first.codes[0]", "a prompt's code"),
        ("codes", "scenarios", "prompts.first.scenarios[0]", "one of crm, follow_up"),
        ("seats = 2", "", "prompts.last.action", "reads seats, which a portal does not tell"),
        ("seats = 2", "seats = -1", "quantities.seats", "a whole number from 0"),
    ],
)
def test_a_prompt_that_cannot_be_charged_is_refused(line: str, instead: str, key: str, message: str) -> None:
    text = PROMPTS.replace(line, instead, 1)
    if "seats" in line:
        text = text.replace('action = "text"', 'action = "site"')
    with pytest.raises(CatalogueInvalid) as refused:
        parse(SMALL + text)
    assert any(one.field.endswith(f"bitrix24.{key}") and message in one.message for one in refused.value.errors)
    assert [one.message for one in refused.value.errors if in_russian(one.message) is None] == []


def test_a_changed_prompt_is_a_difference() -> None:
    other = parse(SMALL + PROMPTS.replace("seats = 2", "seats = 4"))
    assert differences(parse(SMALL + PROMPTS), other) == ["bitrix24.quantities.seats: 2 → 4"]


GATEWAY = """
[gateway.chat_completions]
action = "text"
[gateway.audio_transcriptions]
action = "call"
stages = ["score"]
"""


def test_the_actions_of_the_gateways_routes_are_read() -> None:
    found = parse(SMALL + GATEWAY).gateway
    assert [*found] == ["chat_completions", "audio_transcriptions"]
    assert (found["chat_completions"].action, found["chat_completions"].stages) == ("text", None)
    assert found["audio_transcriptions"].stages == ("score",)
    assert not parse(SMALL).gateway


@pytest.mark.parametrize(
    ("line", "instead", "key", "message"),
    [
        ("chat_completions", "chat", "gateway.chat", "one of chat_completions, responses"),
        (
            'action = "text"',
            'action = "txt"',
            "chat_completions.action",
            'there is no action "txt" (did you mean text?)',
        ),
        ('action = "text"', "", "chat_completions.action", "is missing"),
        ('action = "text"', 'action = "site"', "chat_completions.action", "which a call of this route does not tell"),
        ('["score"]', "[]", "audio_transcriptions.stages", "is empty"),
        ('["score"]', '["scores"]', "audio_transcriptions.stages[0]", 'there is no stage "scores" in call'),
    ],
)
def test_a_route_that_cannot_be_charged_is_refused(line: str, instead: str, key: str, message: str) -> None:
    with pytest.raises(CatalogueInvalid) as refused:
        parse(SMALL + GATEWAY.replace(line, instead, 1))
    assert any(one.field.endswith(key) and message in one.message for one in refused.value.errors)
    assert all(in_russian(one.message) != one.message for one in refused.value.errors)


def test_a_changed_route_is_a_difference() -> None:
    other = parse(SMALL + GATEWAY.replace('"text"', '"call"', 1))
    assert differences(parse(SMALL + GATEWAY), other) == ['gateway.chat_completions.action: "text" → "call"']


def test_every_route_of_the_gateway_can_have_an_action_and_no_other() -> None:
    assert set(ROUTES) == set(UPSTREAM_ROUTES)
