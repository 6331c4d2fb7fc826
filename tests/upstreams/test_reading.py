"""Usage is found in whatever pieces an answer comes, and nowhere where it is not."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvota.upstreams.configuration import Price
from kvota.upstreams.consumption import MAX_WHOLE, Reader, measures_of

USAGE = {"prompt_tokens": 12, "completion_tokens": 3}
EXPECTED = {"context_tokens": 12, "generated_tokens": 3}
PLAIN = json.dumps({"choices": [{"message": {"content": 'he said "usage": {"prompt_tokens": 99}'}}], "usage": USAGE})
EVENTS = "".join(
    f"data: {one}\r\n\r\n"
    for one in (
        json.dumps({"choices": [{"delta": {"content": '"usage": {"prompt_tokens": 99}'}}], "usage": None}),
        json.dumps({"choices": [], "usage": USAGE}),
        "[DONE]",
    )
)


@given(text=st.sampled_from([PLAIN, EVENTS]), cuts=st.lists(st.integers(0, 400), max_size=12))
def test_usage_is_found_however_the_answer_is_cut_into_pieces(text, cuts):
    reader, content = Reader(is_events=text is EVENTS), text.encode()
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for start, end in itertools.pairwise(places):
        reader.feed(content[start:end])
    assert reader.measures() == EXPECTED


def test_of_a_huge_answer_only_the_end_is_kept():
    reader = Reader(is_events=False)
    reader.feed(b'{"data": "')
    for _ in range(3 * MAX_WHOLE // 100_000):
        reader.feed(b"x" * 100_000)
    reader.feed(b'", "usage": ' + json.dumps(USAGE).encode() + b"}")
    assert reader.measures() == EXPECTED
    assert reader.kept_bytes <= MAX_WHOLE


@pytest.mark.parametrize(
    "usage",
    [{}, {"prompt_tokens": None}, {"prompt_tokens": "12"}, {"prompt_tokens": -1}, {"prompt_tokens": True},
     {"prompt_tokens": 1e300}, {"seconds": float("nan")}],
)  # fmt: skip
def test_what_is_no_number_is_no_measure(usage):
    assert measures_of(usage, None) == {}


@given(
    context=st.integers(0, 10**9), cached=st.integers(0, 10**9), generated=st.integers(0, 10**9),
    prices=st.tuples(*[st.integers(0, 10**9)] * 3),
)  # fmt: skip
def test_a_cost_is_the_exact_sum_rounded_up_once(context, cached, generated, prices):
    price = Price(currency="USD", input=prices[0], cached_input=prices[1], output=prices[2])
    usage = {
        "input_tokens": context, "output_tokens": generated, "input_tokens_details": {"cached_tokens": cached},
    }  # fmt: skip
    cost = measures_of(usage, price)["upstream_cost_micro_usd"]
    cheap = min(cached, context)
    exact = (context - cheap) * prices[0] + cheap * prices[1] + generated * prices[2]
    assert exact <= cost * 10**6 < exact + 10**6
