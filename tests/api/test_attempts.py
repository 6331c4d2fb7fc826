"""Who guesses at keys is stopped; who has one is not."""

import pytest

from kvota.asgi.attempts import FAILURES, MAX_ADDRESSES, WINDOW_SECONDS, Attempts


def guess(api, number):
    return api.get("/v1/catalogue", headers={"Authorization": f"Bearer kv_guess_{number}"})


def test_after_many_unknown_keys_none_is_looked_at_and_known_ones_go_on_opening(api):
    fresh = api.post("/v1/companies/acme/keys", {"role": "auditor"}).json["key"]
    for number in range(FAILURES):
        assert guess(api, number).status == 401
    stopped = guess(api, FAILURES)
    assert (stopped.status, stopped.code) == (429, "too_many_attempts")
    assert 0 < int(stopped.headers["retry-after"]) <= WINDOW_SECONDS
    assert api.get("/v1/catalogue").status == 200
    assert api.get("/v1/catalogue", headers={"Authorization": f"Bearer {fresh}"}).status == 429
    assert api.get("/v1/catalogue", headers={"Authorization": ""}).status == 401


def failing(addresses, now=0.0):
    attempts = Attempts(clock=lambda: now)
    for address in addresses:
        for _ in range(FAILURES):
            attempts.failed(address)
    return attempts


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
        ("", "", "192.0.2.7"),
    ],
)
def test_failures_count_by_host(address, same, other):
    attempts = failing([address])
    assert attempts.wait_seconds(same) == WINDOW_SECONDS
    assert attempts.wait_seconds(other) == 0


def test_a_minute_later_it_may_try_again():
    now = 0.0
    attempts = Attempts(clock=lambda: now)
    for _ in range(FAILURES):
        attempts.failed("192.0.2.7")
    now = WINDOW_SECONDS - 1
    assert attempts.wait_seconds("192.0.2.7") == 1
    now = WINDOW_SECONDS
    assert attempts.wait_seconds("192.0.2.7") == 0
    attempts.failed("192.0.2.7")
    assert attempts.wait_seconds("192.0.2.7") == 0


def test_the_addresses_that_are_kept_are_bounded():
    attempts = Attempts(clock=lambda: 0.0)
    for number in range(MAX_ADDRESSES + 5):
        attempts.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts._failed) <= MAX_ADDRESSES  # noqa: SLF001 - the bound is what this is about
