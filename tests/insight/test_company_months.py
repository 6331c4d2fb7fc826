"""The company-months that forecasts are tried on: fixed before any method was, and not changed to suit one."""

from collections import Counter
from hashlib import sha256
from itertools import pairwise

from bench.company_months import REGIMES, company_months

DIGEST = "16d8c67c75c831ac98916d52af7ad838496d5921cce1695f8869f8f81201d914"
"""Of all of them. Whoever changes the generator after methods were compared on it must compare them anew."""


def test_the_company_months_are_the_ones_that_the_methods_were_compared_on():
    text = "\n".join(repr((one.name, one.history, one.month, one.allowance)) for one in company_months())
    assert sha256(text.encode()).hexdigest() == DIGEST


def test_there_are_two_hundred_company_months_or_more_in_each_stated_regime_the_same_number():
    counts = Counter(one.regime for one in company_months())
    assert set(counts) == set(REGIMES)
    assert len(set(counts.values())) == 1
    assert sum(counts.values()) >= 200


def test_months_are_whole_and_history_adjoins_them():
    for one in company_months(each=5):
        days = [*one.history, *one.month]
        assert all((after.date - before.date).days == 1 for before, after in pairwise(days))
        assert one.month[0].date.day == 1
        assert (one.month[-1].date.month, one.month[0].date.month) == (one.month[0].date.month,) * 2
        assert all(day.is_full for day in one.month)
