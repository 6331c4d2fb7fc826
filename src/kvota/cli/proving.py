"""``kvota verify``, ``rebuild`` and ``backup``: what proves a store, mends it and keeps it."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from kvota.cli import NO, OK
from kvota.cli.options import Output
from kvota.cli.serving import given_settings

if TYPE_CHECKING:
    from kvota.folding import Finding
    from kvota.heads import Head
    from kvota.wiring import Meter

_HERE = Output()


def verify(
    *companies: str,
    store: str | None = None,
    export: Path | None = None,
    against: Path | None = None,
    output: Output = _HERE,
) -> int:
    """Replay ledgers and prove that balances, statistics and hashes agree. Exits 1 if anything does not.

    It reads and changes nothing, and a server may go on meanwhile.

    For example:

        kvota verify acme --store sqlite:///kvota.db

    Parameters
    ----------
    companies
        Their ids; all of them where none is given.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    export
        Write the number and hash of each ledger's last entry into this file, if everything agrees.
    against
        A file that was exported before: no entry may be missing since, and no history rewritten.
    """
    from kvota.cli.opening import open_here
    from kvota.cli.progress import counting
    from kvota.heads import check, exporting
    from kvota.verify import prove

    if against is not None:
        check(against)
    meter = open_here(given_settings(store, None, is_sandbox=False), may_create=False)
    found: list[Finding] = []
    ledgers = entries = 0
    try:
        with exporting(export) if export else nullcontext() as heads, counting("companies", len(companies)) as step:
            for proof in prove(meter.store, _asked(meter, companies, against)):
                found += proof.findings
                ledgers, entries = ledgers + 1, entries + proof.head.seq
                if heads is not None:
                    heads.add(proof.head)
                step()
            if heads is not None and not found:
                heads.end()
    finally:
        meter.close()
    return _tell(ledgers, entries, found, "everything agrees", output)


def rebuild(
    *companies: str,
    store: str | None = None,
    check: Annotated[bool, Parameter(negative=())] = False,
    output: Output = _HERE,
) -> int:
    """Make balances, statistics, holds, boosts and caps again from the ledgers. Exits 1 where a ledger is broken.

    A server may go on meanwhile: calls wait only while the rows of a company are written.

    For example:

        kvota rebuild acme --check

    Parameters
    ----------
    companies
        Their ids; all of them where none is given.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    check
        Only tell what would change, and what keeps a ledger from being used; exits 1 if there is anything.
    """
    from kvota.cli.opening import open_here
    from kvota.cli.progress import counting
    from kvota.rebuild import rebuild_all
    from kvota.verify import all_companies, prove

    meter = open_here(given_settings(store, None, is_sandbox=False), may_create=False)
    found: list[Finding] = []
    ledgers = entries = 0
    try:
        named = [name for name, _ in _asked(meter, companies, None)] if companies else all_companies(meter.store)
        with counting("companies", len(companies)) as step:
            if check:
                proofs = prove(meter.store, ((name, None) for name in named))
                results = ((proof.head.seq, proof.findings) for proof in proofs)
            else:
                results = (rebuilt for _, rebuilt in rebuild_all(meter.store, named))
            for count, findings in results:
                found += findings
                ledgers, entries = ledgers + 1, entries + count
                step()
    finally:
        meter.close()
    return _tell(ledgers, entries, found, "nothing would change" if check else "made again", output)


def _asked(meter: "Meter", companies: tuple[str, ...], against: Path | None) -> Iterator[tuple[str, "Head | None"]]:
    from kvota.heads import joined, read_heads
    from kvota.verify import all_companies

    if not companies:
        return joined(all_companies(meter.store), () if against is None else read_heads(against))
    heads = {} if against is None else {head.company: head for head in read_heads(against) if head.company in companies}
    for company in companies:
        if company not in heads:
            meter.reads.company(company)
    return ((company, heads.get(company)) for company in sorted(set(companies)))


def _tell(companies: int, entries: int, found: "list[Finding]", well: str, output: Output) -> int:
    from kvota.cli.screen import say

    if output.json:
        findings = [one._asdict() for one in found]
        say(msgspec.json.encode({"companies": companies, "entries": entries, "findings": findings}).decode())
        return NO if found else OK
    for one in found:
        say(str(one))
    summary = f"{companies} companies, {entries} entries"
    say(f"{summary}: {len(found)} findings." if found else f"{summary}: {well}.")
    return NO if found else OK


def backup(file: Path, /, *, store: str | None = None, output: Output = _HERE) -> int:
    """Write all of a SQLite store, as of one instant, into a new file. A server may go on meanwhile.

    The file is a store itself. For PostgreSQL it says which of its own tools to use.

    For example:

        kvota backup /var/backups/kvota-2026-11-27.db

    Parameters
    ----------
    file
        The file to make; one that is there is not overwritten.
    store
        sqlite:///kvota.db; KVOTA_STORE where it is not given.
    """
    from kvota.cli.opening import check_exists
    from kvota.cli.screen import say
    from kvota.stores import open_store

    url = given_settings(store, None, is_sandbox=False).store
    check_exists(url)
    opened = open_store(url)
    try:
        opened.backup(str(file))
    finally:
        opened.close()
    size = file.stat().st_size
    if output.json:
        say(msgspec.json.encode({"file": str(file), "bytes": size}).decode())
    else:
        say(f"{file}: {size} bytes. To prove it: kvota verify --store sqlite:///{file}")
    return OK
