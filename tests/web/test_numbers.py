"""Every number on a page equals the sum of the entries behind it: page, API, command line and ledger say the same."""

import asyncio
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kvota.access import visitor_of
from kvota.asgi.metrics import Metrics
from kvota.core.commands import PutCompany
from kvota.core.state import replace
from kvota.doors import open_doors
from kvota.errors import CallerError
from kvota.settings import Settings
from kvota.stores import open_store
from kvota.verify import verify
from tests.cli.processes import Kvota
from tests.core.chance import Dice
from tests.core.ledger import SMALL, Ledger, book, boosts_first
from tests.core.words import ms
from tests.engine.meter import Meter

STEPS = 60
BEGIN = ms("2026-02-27T20:00")
SUMS = ("calls", "requests", "refunded", "written_off")
LISTS = {"tools": "tool", "actions": "action", "users": "user", "departments": "department"}
TEXT = boosts_first(SMALL)


class World:
    """One store with its doors, and the same store opened by the command line."""

    def __init__(self, url: str, folder: Path) -> None:
        self.meter = Meter(open_store(url), TEXT)
        self.meter.clock.now = BEGIN
        (folder / "catalogue.toml").write_text(TEXT)
        self.kvota = Kvota(folder, {"KVOTA_STORE": url, "KVOTA_CATALOGUE": str(folder / "catalogue.toml")})
        reads = self.meter.reads
        self._person, _ = reads.access.invite(email="operator@example.com", role="operator", company=None, user=None)
        _, key = reads.make_key(role="operator")
        app = open_doors(self.meter, Metrics(), Settings(), logs_requests=False)
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url="http://127.0.0.1:8024",
            headers={"Authorization": f"Bearer {key}"},
        )
        self._runner = asyncio.Runner()
        self.names = (f"acme-{n}" for n in count())

    def sign_in(self) -> None:
        """A session of the present, whatever the clock has done."""
        _, session = self.meter.reads.access.begin(visitor_of(self._person), "the tests")
        self._client.cookies.set("kvota", session)

    def get(self, path: str, query: dict[str, str]) -> httpx2.Response:
        reply = self._runner.run(self._client.get(path, params=query))
        assert reply.status_code == 200, reply.text
        return reply

    def pages(self, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        after: object = 0
        while after is not None:
            page = self.get(path, {**query, "limit": "7", "after": str(after)}).json()
            yield from page["items"]
            after = page["next"]

    def lives(self, random: Any, name: str) -> list[int]:
        """A random history of a new company; the instants of its commands."""
        ledger = Ledger(book(TEXT), name, plan="maxi", at=BEGIN)
        self.do(PutCompany(company=name, name="Acme", plan="maxi", time_zone="UTC"), BEGIN)
        instants = [BEGIN]
        for thrown, at in Dice(random).history(ledger, BEGIN, STEPS):
            command = replace(thrown, company=name)
            self.do(command, at)
            try:
                ledger.do(command, at)
            except CallerError:
                continue
            instants.append(max(at, instants[-1]))
        return instants

    def do(self, command: Any, at: int) -> None:
        self.meter.clock.now = at
        try:
            self.meter.engine.execute(command)
        except CallerError:
            return

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()
        self.meter.close()


@pytest.fixture
def world(store_url: str, tmp_path: Path) -> Iterator[World]:
    world = World(store_url, tmp_path)
    try:
        yield world
    finally:
        world.close()


Added = tuple[str, int, dict[str, str | None], Counter[str]]


def added_up(entries: list[dict[str, Any]], zone: ZoneInfo) -> list[Added]:
    """What each entry of the ledger adds: the local date and hour of its call, whose it is, and the counts."""
    works = {entry["seq"]: entry for entry in entries}
    found: list[Added] = []

    def add(work: dict[str, Any], **counts: int) -> None:
        since = dt.datetime.fromisoformat(work["details"]["since"]).astimezone(zone)
        keys = {name: work[name] for name in LISTS.values()}
        found.append((since.date().isoformat(), since.hour, keys, Counter(counts)))

    for entry in entries:
        said = entry["details"]
        match entry["kind"]:
            case "charged":
                add(entry, calls=1, requests=entry["cost"])
            case "captured":
                add(entry, calls=1, requests=entry["cost"], written_off=said.get("written_off", 0))
            case "refunded":
                add(entry, refunded=said["own"])
                for freed in said.get("freed", ()):
                    add(works[int(freed["charge"].removeprefix("chg_"))], refunded=freed["amount"])
            case _:
                pass
    return found


def total(rows: Iterable[Counter[str]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        found.update(row)
    return {name: found[name] for name in SUMS}


def sums(line: Any) -> dict[str, int]:
    return {name: int(line[name] if name in line else line[name.replace("_", "-")]) for name in SUMS}


def data(text: str, mark: str) -> list[dict[str, str]]:
    """The data attributes of every element that has this one."""
    tags = re.findall(rf"<\w+[^>]* {mark}[ =>][^>]*>?", text)
    return [{name: unescape(value) for name, value in re.findall(r'data-([\w-]+)="([^"]*)"', tag)} for tag in tags]


def by_key(rows: list[Added], name: str) -> dict[str | None, dict[str, int]]:
    keys = {keys[name] for _, _, keys, _ in rows}
    return {key: total(counts for _, _, keys, counts in rows if keys[name] == key) for key in keys}


def check(world: World, name: str, start: dt.date, end: dt.date) -> bool:
    """Compare everything for these dates; whether there was anything to compare."""
    query = {"from": start.isoformat(), "to": end.isoformat()}
    api = f"/v1/companies/{name}"
    said = world.get(f"{api}/statistics", query).json()
    rows = added_up(list(world.pages(f"{api}/entries", {})), ZoneInfo(said["time_zone"]))
    inside = [row for row in rows if query["from"] <= row[0] < query["to"]]
    earlier = (start - (end - start)).isoformat()
    before = [row for row in rows if earlier <= row[0] < query["from"]]
    assert sums(said["total"]) == total(row[3] for row in inside)
    assert sums(said["total"]["before"]) == total(row[3] for row in before)
    for line in said["days"]:
        assert sums(line) == total(row[3] for row in inside if row[0] == line["name"])
    for line in said["hours"]:
        assert sums(line) == total(row[3] for row in inside if row[1] == line["name"])
        assert sums(line["before"]) == total(row[3] for row in before if row[1] == line["name"])
    for many, column in LISTS.items():
        of_ledger = by_key(inside, column)
        assert {line["name"]: sums(line) for line in said[many] if line["name"] in of_ledger} == of_ledger
        assert total(Counter(sums(line)) for line in said[many]) == sums(said["total"])
        for line in said[many]:
            behind = world.pages(f"{api}/statistics/entries", line["entries"])
            assert total(Counter(sums(one)) for one in behind) == sums(line)
    usage = world.get(f"{api}/usage", {**query, "by": "user"}).json()
    assert {row["user"]: sums(row) for row in usage["rows"]} == by_key(inside, "user")
    _check_pages(world, name, query, said)
    return bool(inside)


def _check_pages(world: World, name: str, query: dict[str, str], said: dict[str, Any]) -> None:
    path = f"/companies/{name}/statistics"
    world.sign_in()
    page = world.get(path, query).text
    (shown,) = data(page, "data-total")
    assert sums(shown) == sums(said["total"])
    is_used = said["total"]["calls"] or said["total"]["before"]["calls"]
    for many in (*(("days", "hours") if is_used else ()), *LISTS):
        _, _, rest = page.partition(f'data-list="{many}"')
        lines = data(rest.partition("</table>")[0], "data-name")
        assert [(line["name"], sums(line)) for line in lines] == [
            ("" if line["name"] is None else str(line["name"]), sums(line)) for line in said[many]
        ]
    behind = world.get(f"{path}/entries", query).text
    assert total(Counter(sums(row)) for row in data(behind, "data-seq")) == sums(data(behind, "data-total")[0])


def check_command_line(world: World, name: str, start: dt.date, end: dt.date) -> None:
    """The command line opens the store by itself, with the store's clock: here it is the same."""
    with world.meter.store.snapshot() as view:
        world.meter.clock.now = view.clock()
    dates = ("--from", start.isoformat(), "--to", end.isoformat())
    query = {"from": start.isoformat(), "to": end.isoformat(), "limit": "10"}
    said = world.get(f"/v1/companies/{name}/statistics", query).json()
    told = world.kvota.ok("usage", name, *dates, "--json").json
    assert {key: value for key, value in told.items() if key != "at"} == {
        key: value for key, value in said.items() if key != "at"
    }
    drawn = world.kvota.ok("usage", name, *dates, "--lang", "en").out
    for many, title in (("users", "By user"), ("tools", "By tool"), ("hours", "By hour of the day")):
        if said[many] and (said["total"]["calls"] or said["total"]["before"]["calls"]):
            lines = drawn.partition(f"{title}\n")[2].partition("\n\n")[0].splitlines()
            shown = [int(line.split(" (")[0].rsplit(" ", 1)[1].replace(",", "")) for line in lines]
            assert shown == [line["requests"] - line["refunded"] for line in said[many]]


def test_page_api_command_line_and_ledger_say_the_same(world: World):
    compared = [0]

    @settings(
        max_examples=20,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False), st.sampled_from([1, 2, 9, 31, 90]))
    def compare(random: Any, days: int) -> None:
        name = next(world.names)
        instants = world.lives(random, name)
        middle = dt.datetime.fromtimestamp(random.choice(instants) / 1000, dt.UTC).date()
        start = middle - dt.timedelta(days=random.randrange(days))
        compared[0] += check(world, name, start, start + dt.timedelta(days=days))
        if compared[0] % 5 == 1:
            check_command_line(world, name, start, start + dt.timedelta(days=days))

    compare()
    assert compared[0] >= 5
    assert verify(world.meter.store) == []
