"""docs/notifications.md does what it says: its code verifies what is sent, its examples and times are the code's."""

import json
import re
import time
from pathlib import Path

import pytest

from kvota.core.notices import KINDS, event
from kvota.core.periods import DAY, MINUTE, SECOND
from kvota.core.shares import percent
from kvota.notices import OVERLAP
from kvota.notify.letters import letter
from kvota.notify.sending import PATIENCE, WAITS
from kvota.notify.signing import signed_headers
from kvota.outgoing import SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
FIRST, SECOND_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def examples() -> dict[str, dict]:
    """The events of the page by their kind."""
    first, rest = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    found = [json.loads(first), *map(json.loads, rest.strip().splitlines())]
    return {one["type"]: one["data"] for one in found}


def test_the_code_of_the_page_verifies_what_is_sent():
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    known: dict = {}
    exec(code, known)  # noqa: S102 - the page's own
    is_ours = known["is_ours"]
    now, body = int(time.time()), b'{"type":"test"}'
    headers = signed_headers("evt_1", now, body, [FIRST, SECOND_SECRET])
    assert is_ours(FIRST, headers, body)
    assert is_ours(SECOND_SECRET, headers, body)
    assert not is_ours(FIRST, headers, body + b" ")
    assert not is_ours(FIRST, {**headers, "webhook-id": "evt_2"}, body)
    assert not is_ours(FIRST, signed_headers("evt_1", now - 301, body, [FIRST]), body)
    assert not is_ours(FIRST, signed_headers("evt_1", now, body, [SECOND_SECRET]), body)


def test_every_kind_of_event_has_its_example_and_its_line():
    assert set(examples()) == {*KINDS, "test"}
    assert set(re.findall(r"^\| `([a-z._]+\.[a-z_]+)` \|", PAGE, re.MULTILINE)) == set(KINDS)


@pytest.mark.parametrize("kind", [*KINDS, "test"])
def test_an_example_is_what_letters_are_written_from(kind):
    told = event("acme", kind, "1", 1_772_000_000_000, examples()[kind])
    for language in ("en", "ru"):
        assert letter(told, "a@example.com", "Acme", language)["Subject"]


def test_the_times_of_the_page_are_those_of_the_code():
    assert "after 5 s, 1 min, 5 min, 30 min, 2 h, 6 h\nand 15 h" in PAGE
    minutes = (1, 5, 30, 120, 360, 900)
    assert (5 * SECOND, *(one * MINUTE for one in minutes)) == WAITS
    assert (f"within {SECONDS:g} seconds" in PAGE, PATIENCE, OVERLAP) == (True, 3 * DAY, DAY)


def test_the_example_of_a_level_has_crossed_it():
    data = examples()["package.threshold"]
    assert percent(data["used"], data["granted"]) >= data["level"] > percent(data["used"] - 2, data["granted"])
