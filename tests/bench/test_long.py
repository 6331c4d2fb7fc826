"""What takes long to see: memory under load for ten minutes, and a million entries."""

import pytest

from bench.growth import Size, measured
from bench.memory import MOST, MOST_GROWTH, growth_of, sampled

SECONDS = 600
ENTRIES, LARGEST = 1_000_000, 100_000


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_server_under_full_load_for_ten_minutes_stays_small_and_does_not_grow(kind: str):
    samples = sampled(kind, SECONDS)
    assert max(one.mebibytes for one in samples) <= MOST
    assert growth_of(samples) <= MOST_GROWTH


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_million_entries_make_no_call_slower(kind: str):
    """Ten million are ``python -m bench.growth``."""
    missed = [claim for claim in measured(kind, Size(ENTRIES, LARGEST, None)).claims if not claim.holds]
    assert missed == []
