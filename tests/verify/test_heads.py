"""A tail that was cut off and a history that was rewritten are found against exported heads, though all agrees."""

import json
import shutil
from pathlib import Path

import pytest

from kvota.core import commands as c
from kvota.core.entries import chain
from kvota.engine import Engine
from kvota.errors import Invalid
from kvota.heads import Head, check, exporting, joined, read_heads
from kvota.stores import open_store
from kvota.verify import all_companies, prove, verify
from tests.verify.tampering import tampered

ZEROS, ONES = "0" * 64, "1" * 64


def export(url: str, path: Path) -> None:
    store = open_store(url)
    with exporting(path) as heads:
        for proof in prove(store, ((name, None) for name in all_companies(store))):
            assert proof.findings == []
            heads.add(proof.head)
        heads.end()
    store.close()


def found_against(url: str, path: Path) -> list[tuple[str, int | None, str]]:
    """(company, entry, message) of what is found, where the store alone agrees."""
    store = open_store(url)
    try:
        assert verify(store) == []
        proofs = prove(store, joined(all_companies(store), read_heads(path)))
        return [(one.company, one.seq, one.message) for proof in proofs for one in proof.findings]
    finally:
        store.close()


def go_on(url: str, *companies: str) -> None:
    """A few more entries."""
    store = open_store(url)
    engine = Engine(store)
    for company in companies:
        engine.execute(c.Resume(company=company))
        engine.execute(c.Suspend(company=company))
    engine.close()
    store.close()


@pytest.fixture
def heads(ledger_file: Path) -> Path:
    path = ledger_file.with_name("heads.jsonl")
    export(f"sqlite:///{ledger_file}", path)
    return path


def test_the_file_is_lines_of_json_and_the_same_ledgers_give_the_same_bytes(ledger_file, heads):
    header, *lines, footer = [json.loads(line) for line in heads.read_text().splitlines()]
    assert (header, footer) == ({"format": "kvota heads 1"}, {"companies": 2})
    assert [list(line) for line in lines] == [["company", "seq", "hash"]] * 2
    again = heads.with_name("again.jsonl")
    export(f"sqlite:///{ledger_file}", again)
    assert again.read_bytes() == heads.read_bytes()


def test_ledgers_that_went_on_since_are_as_they_should_be(ledger_file, heads):
    url = f"sqlite:///{ledger_file}"
    assert found_against(url, heads) == []
    go_on(url, "acme", "beta")
    assert found_against(url, heads) == []


def test_a_store_put_back_to_an_earlier_day_misses_the_entries_since(ledger_file):
    url, earlier, heads = (
        f"sqlite:///{ledger_file}",
        ledger_file.with_name("earlier.db"),
        ledger_file.with_name("heads"),
    )
    shutil.copy(ledger_file, earlier)
    export(url, heads)
    before = {one.company: one for one in read_heads(heads)}["beta"].seq
    go_on(url, "beta")
    export(url, heads)
    head = {one.company: one for one in read_heads(heads)}["beta"]
    message = f"the ledger ends at entry {before}, the exported head is entry {head.seq} ({head.hash}): "
    message += "the entries after it are missing"
    assert head.seq > before + 1
    assert found_against(f"sqlite:///{earlier}", heads) == [("beta", before + 1, message)]


def test_a_rewritten_history_is_found_even_where_every_hash_after_it_was_reckoned_anew(ledger_file, heads):
    url = f"sqlite:///{ledger_file}"
    database = tampered(url)
    previous, changes = "", []
    for row in database.rows("entries"):
        if row["company"] == "acme":
            body = row["body"].replace("invoice 17", "invoice 18").replace("a correction", "no correction")
            previous = chain(previous, body.encode())
            changes.append((body, previous, row["seq"]))
    assert sum("no correction" in body for body, _, _ in changes) == 1
    for change in changes:
        database.run("UPDATE entries SET body = ?, hash = ? WHERE company = 'acme' AND seq = ?", change)
    database.run("UPDATE accounts SET hash = ? WHERE company = 'acme'", [previous])
    database.close()
    head = {one.company: one for one in read_heads(heads)}["acme"]
    ((company, seq, message),) = found_against(url, heads)
    assert (company, seq) == ("acme", head.seq)
    assert message == f"the exported head has {head.hash} here, the ledger {previous}: its history was rewritten"


def test_a_company_that_is_gone_altogether_is_found(ledger_file, heads):
    database = tampered(f"sqlite:///{ledger_file}")
    for table in {column.table for column in database.proven()}:
        database.run(f"DELETE FROM {table} WHERE company = 'beta'")
    database.close()
    ((company, seq, message),) = found_against(f"sqlite:///{ledger_file}", heads)
    assert (company, seq) == ("beta", 1)
    assert message.startswith("there is no entry, the exported head is entry")


HEAD = f'{{"company":"acme","seq":3,"hash":"{ZEROS}"}}\n'
OTHER = f'{{"company":"beta","seq":3,"hash":"{ZEROS}"}}\n'
FIRST, LAST = '{"format":"kvota heads 1"}\n', '{"companies":1}\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("no JSON", 1),
        ('{"format":"kvota heads 2"}\n' + LAST, 1),
        (FIRST, 2),
        (FIRST + HEAD, 3),
        (FIRST + HEAD + HEAD[:40], 3),
        (FIRST + HEAD + OTHER + LAST, 4),
        (FIRST + HEAD + LAST + OTHER, 3),
        (FIRST + OTHER + HEAD + '{"companies":2}\n', 3),
        (FIRST + HEAD + HEAD + '{"companies":2}\n', 3),
        (FIRST + HEAD.replace("3", "0") + LAST, 2),
        (FIRST + HEAD.replace("3", '"3"') + LAST, 2),
        (FIRST + HEAD.replace("0000", "000") + LAST, 2),
        (FIRST + HEAD.replace("}", ',"at":1}') + LAST, 2),
        (FIRST + "\udcff" + HEAD + LAST, 2),
    ],
)
def test_a_file_that_is_not_as_it_was_exported_is_refused_with_the_line(tmp_path, text, line):
    path = tmp_path / "heads.jsonl"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Invalid, match=f"line {line}: "):
        check(path)


def test_a_file_that_is_not_there_is_the_callers_mistake(tmp_path):
    with pytest.raises(Invalid, match="cannot be read"):
        check(tmp_path / "none.jsonl")


def test_nothing_is_left_of_an_export_that_did_not_end(tmp_path):
    path = tmp_path / "heads.jsonl"
    path.write_text("of yesterday")
    with exporting(path) as heads:
        heads.add(Head(company="acme", seq=1, hash=ONES))
    assert path.read_text() == "of yesterday"
    assert [one.name for one in tmp_path.iterdir()] == ["heads.jsonl"]


def test_companies_and_heads_are_joined_by_name():
    heads = [Head(company=name, seq=1, hash=ONES) for name in ("a", "c", "d", "f")]
    told = [(name, head is not None and head.company) for name, head in joined(["b", "c", "d", "e"], heads)]
    assert told == [("a", "a"), ("b", False), ("c", "c"), ("d", "d"), ("e", False), ("f", "f")]
