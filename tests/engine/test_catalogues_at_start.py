"""Which catalogue is in force when a store is opened."""

import pytest

from kvota.errors import CatalogueInvalid
from kvota.settings import Settings
from kvota.wiring import open_meter
from tests.core.ledger import CASES


def serve_with(store_url, catalogue) -> str:
    """Open the store with a catalogue; the id and version in force."""
    meter = open_meter(Settings(store=store_url, catalogue=str(catalogue)))
    try:
        return f"{meter.reads.catalogue().id} {meter.reads.catalogue().version}"
    finally:
        meter.close()


def test_the_shipped_default_does_not_replace_a_catalogue_of_ones_own(sqlite_url, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(CASES)
    assert serve_with(sqlite_url, own) == "cases 2026-01-01"
    assert serve_with(sqlite_url, "bitrix24") == "cases 2026-01-01"


def test_a_newer_version_is_loaded_and_an_older_or_a_changed_one_refused(sqlite_url, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(CASES)
    newer = tmp_path / "newer.toml"
    newer.write_text(CASES.replace('version = "2026-01-01"', 'version = "2026-02-01"'))
    changed = tmp_path / "changed.toml"
    changed.write_text(newer.read_text().replace("allowance = 100\n", "allowance = 101\n"))
    assert serve_with(sqlite_url, own) == "cases 2026-01-01"
    assert serve_with(sqlite_url, newer) == "cases 2026-02-01"
    with pytest.raises(CatalogueInvalid, match="older than 2026-02-01"):
        serve_with(sqlite_url, own)
    with pytest.raises(CatalogueInvalid, match="100 → 101"):
        serve_with(sqlite_url, changed)
