"""Stores to measure on, a SQLite file or a database of a PostgreSQL of our own, with the companies that are needed."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kvota.catalogue_file import load
from kvota.core.commands import PutCompany
from kvota.settings import Settings
from kvota.wiring import open_meter
from tests import postgres

STORES = ("sqlite", "postgres")
COMPANIES = 10_000
NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder on a real disk: /tmp may be memory."""
    path = Path(tempfile.mkdtemp(prefix="kvota-bench-", dir=postgres.PARENT))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def store(kind: str, place: Path) -> Iterator[str]:
    """The URL of an empty store of that kind."""
    if kind == "sqlite":
        yield f"sqlite:///{place}/kvota.db"
        return
    with postgres.server() as server, postgres.database(server) as url:
        yield url


def catalogue(place: Path) -> str:
    """The shipped catalogue with room for millions of calls: the same rules, none of them left out."""
    _, text = load("bitrix24")
    text = re.sub(r"(?m)^allowance = \d+", "allowance = 1000000000", text)
    text = re.sub(r"(?m)^hourly_limit = \d+", "hourly_limit = 1000000000", text)
    path = place / "catalogue.toml"
    path.write_text(text)
    return str(path)


def company(number: int) -> str:
    """The name of a company."""
    return f"company-{number:05d}"


def fill(url: str, catalogue_path: str, companies: int = COMPANIES) -> None:
    """Make the companies."""
    meter = open_meter(Settings(store=url, catalogue=catalogue_path))
    try:
        for first in range(0, companies, 1000):
            made = [
                meter.engine.submit(
                    PutCompany(company=company(n), name=f"Company {n}", plan="basic", time_zone="Europe/Moscow")
                )
                for n in range(first, min(first + 1000, companies))
            ]
            for one in made:
                one.result()
    finally:
        meter.close()
