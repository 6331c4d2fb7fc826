"""Reading and comparing requests, by example and by search."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvota.core.periods import milliseconds, rfc3339
from kvota.errors import Invalid, Malformed
from kvota.wire.fields import parse_instant
from kvota.wire.reading import read_body
from kvota.wire.requests import ChargeOperation, UsageRequest, VoidOperation, fingerprint

TEXT = st.text(alphabet='ab":,{}\\\n\u00e9', max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(TEXT, inner), max_size=3).map(tuple),
    max_leaves=8,
)


def written(value, escape):
    """JSON of a value in which a tuple is an object of (name, value) pairs, and so may name a thing twice."""
    if isinstance(value, tuple):
        inner = ((json.dumps(name, ensure_ascii=escape), written(item, escape)) for name, item in value)
        return "{" + ",".join(f"{name} : {item}" for name, item in inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(item, escape) for item in value) + "]"
    return json.dumps(value, ensure_ascii=escape)


def repeats(value):
    if isinstance(value, tuple):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(repeats(item) for _, item in value)
    return isinstance(value, list) and any(repeats(item) for item in value)


@settings(max_examples=500, deadline=None)
@given(value=st.lists(st.tuples(TEXT, VALUES), max_size=4).map(tuple), escape=st.booleans())
def test_a_name_twice_is_found_at_any_depth_and_nowhere_else(value, escape):
    body = f'{{"measures": {written(value, escape)}}}'.encode()
    try:
        read_body(UsageRequest, body)
    except Malformed:
        assert repeats(value)
    except Invalid:
        assert not repeats(value)


MEASURES = st.lists(st.tuples(st.text(alphabet='ab:"\\é', min_size=1, max_size=2), st.integers(0, 9)), max_size=5)


@settings(max_examples=500, deadline=None)
@given(pairs=MEASURES, escape=st.booleans())
def test_a_name_twice_is_found_in_a_body_that_is_right_otherwise(pairs, escape):
    body = f'{{"action": "a:b", "measures": {written(tuple(pairs), escape)}}}'.encode()
    if repeats(tuple(pairs)):
        with pytest.raises(Malformed, match="twice"):
            read_body(UsageRequest, body)
    else:
        assert read_body(UsageRequest, body).measures == dict(pairs)


@settings(max_examples=500, deadline=None)
@given(body=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_whatever_comes_is_read_or_refused(body):
    with contextlib.suppress(Malformed, Invalid):
        assert read_body(UsageRequest, body).action


@given(at=st.integers(0, 4_102_444_799_999))
def test_an_instant_that_was_written_reads_as_itself(at):
    assert milliseconds(parse_instant(rfc3339(at))) == at


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00.000Z"),
        ("2026-11-01t03:00:00.5+03:00", "2026-11-01T00:00:00.500Z"),
        ("2026-10-31T19:00:00.123000-05:00", "2026-11-01T00:00:00.123Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_any_offset_is_read(text, same):
    assert str(parse_instant(text)) == same


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-01", "2026-11-01T00:00:00", "2026-11-01T00:00:00.0001Z", "2026-11-01T00:00Z",
        "2026-11-01T24:00:00Z",
        "2026-11-01T00:00:60Z", "2026-11-01T00:00:00+3:00", "2026-11-01T00:00:00+0300", "2026-11-01T00:00:00Z\n",
        "2026-11-01 00:00:00Z", "٢٠٢٦-11-01T00:00:00Z", "2100-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ValueError, match=r"RFC 3339"):
        parse_instant(text)


def test_a_fingerprint_is_of_method_path_and_what_was_said():
    usage = UsageRequest(action="call", quantities={"a": 1, "b": 2})
    first = fingerprint("POST", "/v1/companies/acme/charges", usage)
    same = UsageRequest(action="call", quantities={"b": 2, "a": 1}, measures={})
    assert fingerprint("POST", "/v1/companies/acme/charges", same) == first
    for method, path, body in (
        ("PUT", "/v1/companies/acme/charges", usage),
        ("POST", "/v1/companies/acme/holds", usage),
        ("POST", "/v1/companies/acme/charges", UsageRequest(action="call", quantities={"a": 1})),
        (
            "POST",
            "/v1/companies/acme/charges",
            UsageRequest(action="call", quantities={"a": 1, "b": 2}, stages=("a", "b")),
        ),
    ):
        assert fingerprint(method, path, body) != first


def test_an_operation_of_a_batch_has_the_fingerprint_of_its_call():
    path = "/v1/companies/acme/charges"
    operation = ChargeOperation(action="call", company="acme", key="k", user="ivan")
    assert fingerprint("POST", path, operation) == fingerprint("POST", path, UsageRequest(action="call", user="ivan"))
    void = VoidOperation(company="acme", hold="hld_1", key="k")
    assert fingerprint("POST", "x", void) == fingerprint("POST", "x", VoidOperation(company="b", hold="c"))
