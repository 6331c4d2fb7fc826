"""The ledger as CSV and XLSX: the same entries, nothing that a spreadsheet would calculate, and nothing left behind."""

import asyncio
import csv
import datetime as dt
import io
import json
import re
import tempfile
import zipfile
from threading import Event
from xml.etree import ElementTree as ET

import pytest

from kvota.asgi.streaming import Disconnected, Stream
from kvota.core.commands import Adjust
from kvota.sheets import Export, Stopped, write_workbook
from kvota.sheets.columns import COLUMNS
from kvota.sheets.export import PAGE
from kvota.store import EntryFilter

ACME = "/v1/companies/acme"
XML = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def csv_of(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def sheets_of(content: bytes) -> list[list[dict[str, str | float]]]:
    """Each sheet, row by row: what is text as text, what is a number as a number."""
    sheets = []
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = sorted(
            (name for name in book.namelist() if name.startswith("xl/worksheets/sheet")),
            key=lambda name: int(re.sub(r"\D", "", name)),
        )
        for name in names:
            root = ET.fromstring(book.read(name))  # noqa: S314 - our own
            assert root.find(f".//{XML}f") is None, "a formula"
            assert root.find(f".//{XML}hyperlink") is None, "a link"
            rows = [
                {
                    re.sub(r"\d", "", cell.get("r", "")): "".join(cell.itertext())
                    if cell.get("t") == "inlineStr"
                    else float("".join(cell.itertext()))
                    for cell in row
                }
                for row in root.iter(f"{XML}row")
            ]
            names_of = rows[0]
            assert list(names_of.values()) == list(COLUMNS)
            sheets.append([{names_of[column]: value for column, value in row.items()} for row in rows[1:]])
    return sheets


def work(api):
    """A ledger with charges, a hold that is captured, two payers, a refund."""
    api.put(f"{ACME}/users/ivan", {"department": "Продажи"})
    api.post(f"{ACME}/boosts", {"boost": "boost_20"})
    charged = api.charge(user="ivan", action="site", quantities={"images": 9}, measures={"tokens": 10**15})
    api.post(f"{ACME}/charges/{charged['id']}/refund", {"reason": 'a "quote", and\u00a0more; €'})
    held = api.post(f"{ACME}/holds", {"action": "call", "subject": "call:1"}, key="k 1").json
    api.post(f"{ACME}/holds/{held['id']}/capture", {})
    api.charge(action="site", quantities={"images": 1}, user="olga")


def flat(entry, name):
    """What the JSON of an entry says in the place that a column names."""
    value = entry
    for part in name.split("."):
        value = value[part] if isinstance(value, dict) else None
    return value


def test_both_files_say_what_the_entries_say(api):
    work(api)
    entries = api.get(f"{ACME}/entries?limit=1000").json["items"]
    text, book = api.get(f"{ACME}/entries.csv"), api.get(f"{ACME}/entries.xlsx")
    assert text.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert text.headers["content-disposition"] == 'attachment; filename="acme-entries.csv"'
    assert book.headers["content-type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    lines, (cells,) = csv_of(text.content), sheets_of(book.content)
    assert text.content.endswith(b"\r\n")
    assert len(lines) == len(cells) == len(entries) == 7
    for entry, line, row in zip(entries, lines, cells, strict=True):
        assert tuple(line) == COLUMNS
        boosts = (entry["paid_by"] or {}).get("boosts", [])
        assert line["paid_by.boosts"] == " ".join(f"{one['id']}={one['amount']}" for one in boosts)
        amount = sum(one["amount"] for one in boosts) if entry["paid_by"] else None
        assert line["paid_by.boosts.amount"] == ("" if amount is None else str(amount))
        for name in set(COLUMNS) - {"paid_by.boosts", "paid_by.boosts.amount"}:
            said = flat(entry, name)
            if isinstance(said, dict):
                assert json.loads(line[name] or "{}") == said
            else:
                assert line[name] == ("" if said is None else str(said)), name
            if name == "at":
                days = dt.datetime.fromisoformat(said) - dt.datetime(1899, 12, 30, tzinfo=dt.UTC)
                assert row[name] == pytest.approx(days / dt.timedelta(days=1), abs=1e-9)
            else:
                assert row.get(name, "") == (float(line[name]) if isinstance(said, int) else line[name]), name
    assert "Продажи" in {line["department"] for line in lines}
    assert any(line["paid_by.boosts"] for line in lines)


def test_files_have_the_filters_of_the_entries(api):
    work(api)
    for query in ("kind=charged", "user=ivan", "action=call", "kind=charged&user=olga", "from=2026-02-11", "kind=held"):
        seqs = [str(one["seq"]) for one in api.get(f"{ACME}/entries?limit=1000&{query}").json["items"]]
        assert [line["seq"] for line in csv_of(api.get(f"{ACME}/entries.csv?{query}").content)] == seqs, query
        (rows,) = sheets_of(api.get(f"{ACME}/entries.xlsx?{query}").content)
        assert [str(int(row["seq"])) for row in rows] == seqs, query
    for path in ("entries.csv", "entries.xlsx"):
        assert api.get(f"{ACME}/{path}?kind=no_such").code == "invalid"
        assert api.get(f"{ACME}/{path}?limit=5").code == "invalid"
        assert api.get(f"/v1/companies/nobody/{path}").code == "company_not_found"
        head = api.call("HEAD", f"{ACME}/{path}")
        assert (head.status, head.content) == (200, b"")


def test_no_cell_is_calculated_by_a_spreadsheet(api):
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "＝1+1", '=HYPERLINK("http://x","y")', "http://x"]
    api.call("PATCH", ACME, {"allowance_override": 100})
    for number, text in enumerate(evil):
        api.charge(subject=text, department=text)
        assert api.post(f"{ACME}/holds", {"action": "chat_question"}, key=f"={number}").status == 201
    api.put("/v1/companies/-acme", {"name": "x", "plan": "tiny", "time_zone": "UTC"})
    lines = csv_of(api.get(f"{ACME}/entries.csv?kind=charged").content)
    assert [line["subject"] for line in lines] == [line["department"] for line in lines]
    assert [line["subject"] for line in lines] == [*("'" + text for text in evil[:-1]), "http://x"]
    assert {line["key"][:2] for line in csv_of(api.get(f"{ACME}/entries.csv?kind=held").content)} == {"'="}
    assert {line["company"] for line in csv_of(api.get("/v1/companies/-acme/entries.csv").content)} == {"'-acme"}
    (rows,) = sheets_of(api.get(f"{ACME}/entries.xlsx?kind=charged").content)
    assert [row["subject"] for row in rows] == evil


def adjust(api, count):
    """Entries that no hourly limit is in the way of."""
    engine = api.meter.engine
    asked = [engine.submit(Adjust(company="acme", amount=1, reason=f"{n}")) for n in range(count)]
    assert all(one.result(60) for one in asked)


def test_an_export_is_the_ledger_as_it_was_at_the_start_page_by_page(api):
    adjust(api, PAGE + 300)
    export = Export(api.meter.reads, "acme", EntryFilter())
    first = export.page()
    adjust(api, 50)
    second = export.page()
    assert [row[1] for row in [*first, *second]] == list(range(1, PAGE + 302))
    assert (len(first), export.page(), export.page()) == (PAGE, [], [])
    filtered = Export(api.meter.reads, "acme", EntryFilter(kind="adjusted"))
    assert sum(map(len, iter(filtered.page, []))) == PAGE + 350


def test_what_a_sheet_cannot_hold_goes_on_in_the_next(api):
    adjust(api, 24)
    with write_workbook(Export(api.meter.reads, "acme", EntryFilter()), Event(), max_rows=11) as file:
        sheets = sheets_of(file.read())
    assert [[row["seq"] for row in sheet] for sheet in sheets] == [
        list(range(1, 11)), list(range(11, 21)), list(range(21, 26)),
    ]  # fmt: skip


def test_a_workbook_that_nobody_waits_for_is_given_up_and_leaves_nothing(api, tmp_path, monkeypatch):
    adjust(api, 20)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        write_workbook(Export(api.meter.reads, "acme", EntryFilter()), stop)
    assert list(tmp_path.iterdir()) == []
    assert sheets_of(api.get(f"{ACME}/entries.xlsx").content)
    assert list(tmp_path.iterdir()) == []


# Streams


class Client:
    """One end of an exchange: takes so many pieces, and then goes, or waits."""

    def __init__(self, *, takes: int, goes: bool) -> None:
        self.takes, self.goes = takes, goes
        self.taken: list[dict] = []
        self.is_gone, self.may_take = asyncio.Event(), asyncio.Event()
        self.is_full = asyncio.Event()

    async def receive(self):
        await self.is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.taken.append(message)
        if len(self.taken) == self.takes:
            self.is_full.set()
            if self.goes:
                self.is_gone.set()
                await asyncio.sleep(0)  # the other side is told
            else:
                await self.may_take.wait()


class Pieces:
    """Counts what it is asked for."""

    def __init__(self, count: int) -> None:
        self.count, self.made, self.is_closed = count, 0, False

    async def __call__(self):
        try:
            for number in range(self.count):
                self.made += 1
                yield b"%d" % number
        finally:
            self.is_closed = True


@pytest.mark.anyio
async def test_nothing_more_is_made_while_the_client_does_not_read():
    pieces, client = Pieces(50), Client(takes=3, goes=False)
    stream = Stream(pieces())
    await stream.begin(client.receive)
    sending = asyncio.ensure_future(stream.send(client.send))
    await client.is_full.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert pieces.made == 3
    client.may_take.set()
    await sending
    assert b"".join(one["body"] for one in client.taken) == b"".join(b"%d" % n for n in range(50))
    assert [one["more_body"] for one in client.taken] == [True] * 50 + [False]
    assert pieces.is_closed


@pytest.mark.anyio
async def test_nothing_more_is_made_once_the_client_has_gone():
    pieces, client = Pieces(50), Client(takes=3, goes=True)
    stream = Stream(pieces())
    await stream.begin(client.receive)
    with pytest.raises(Disconnected):
        await stream.send(client.send)
    assert pieces.made <= 4
    assert pieces.is_closed


@pytest.mark.anyio
async def test_a_client_that_goes_before_the_first_piece_ends_the_making_of_it():
    ended = asyncio.Event()

    async def never():
        try:
            await asyncio.Event().wait()
            yield b""
        finally:
            ended.set()

    client = Client(takes=1, goes=True)
    client.is_gone.set()
    with pytest.raises(Disconnected):
        await Stream(never()).begin(client.receive)
    assert ended.is_set()
