"""Each code of the API is one exception, or a decline that is returned."""

import pytest
from msgspec import UNSET

from kvota import errors
from kvota.api.problems import DECLINES, STATUS
from kvota.asks.problems import CALLER_ERRORS, NOT_FOUND, OTHERS, decline, failure
from kvota.core.periods import instant
from kvota.wire.replies import FaultyField, Problem


def problem(code: str, **more) -> Problem:
    return Problem(
        type=f"/docs#{code}", title="Title", status=STATUS[code], detail="What was wrong.", code=code, **more
    )


def test_every_code_of_the_api_has_its_exception_or_is_a_decline():
    assert sorted([*CALLER_ERRORS, *NOT_FOUND, *OTHERS, *DECLINES]) == sorted(STATUS)


@pytest.mark.parametrize("code", sorted(set(STATUS) - set(DECLINES)))
def test_an_exception_has_the_code_and_the_words_of_its_problem(code):
    fields = [FaultyField(field="ttl", message="must be more", value=0)] if code == "invalid" else UNSET
    raised = failure(problem(code, errors=fields), {"company": "acme", "hold": "hld_1"})
    assert (raised.code, str(raised)) == (code, "What was wrong.")
    assert decline(problem(code)) is None
    if code == "invalid":
        assert raised.errors == (errors.FieldError("ttl", "must be more", 0),)
    if code == "hold_not_found":
        assert (raised.what, raised.name) == ("hold", "hld_1")
    if code == "company_not_found":
        assert (raised.what, raised.name) == ("company", "acme")


@pytest.mark.parametrize("code", DECLINES)
def test_a_decline_is_told_from_an_error_by_its_reason(code):
    figures = {"cost": 3, "available": 1, "short_by": 2, "renews_at": instant(0), "retry_at": None, "cap": None}
    declined = decline(problem(code, reason=code, ways_out=[], **figures))
    assert (declined.reason, declined.short_by, declined.retry_at) == (code, 2, None)


def test_every_exception_of_the_tree_is_drawn_in_it():
    def below(kind: type) -> set[str]:
        return {kind.__name__, *(name for one in kind.__subclasses__() for name in below(one))}

    own = {name for name in below(errors.KvotaError) if getattr(errors, name, None) is not None}
    assert {name for name in own if name not in errors.__doc__} == set()
