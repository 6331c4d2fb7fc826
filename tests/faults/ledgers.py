"""The ledgers of a store beside what the callers were told."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tests.acceptance.servers import Server
from tests.faults.calls import Call

BEGINNINGS = {"charge": "charged", "hold": "held"}
ENDS = {"captured": "capture", "voided": "void", "hold_expired": "expire"}
Entry = dict[str, Any]


class Findings:
    """What the comparison has found."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.double: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.unanswered: list[str] = []
        """Calls that have their effect, and whose callers got no answer."""


def entries_of(server: Server, company: str) -> list[Entry]:
    """The whole ledger of a company."""
    found: list[Entry] = []
    after = 0
    while after is not None:
        page = server.call("GET", f"/v1/companies/{company}/entries?limit=1000&after={after}")
        assert page.status == 200, page
        found += page.body["items"]
        after = page.body["next"]
    return found


def compare(server: Server, companies: Sequence[str], calls: Sequence[Call]) -> Findings:
    """Each call beside its entries, and each entry beside its call."""
    findings = Findings()
    by_user: dict[str, list[Entry]] = defaultdict(list)
    for company in companies:
        entries = entries_of(server, company)
        if [entry["seq"] for entry in entries] != list(range(1, len(entries) + 1)):
            findings.wrong.append(f"{company}: the ledger has gaps")
        for entry in entries:
            if entry["kind"] in (*BEGINNINGS.values(), *ENDS):
                by_user[entry["user"]].append(entry)
        _check_balance(server, company, entries, findings)
    wanted: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        wanted[call.name].append(call)
    for stray in by_user.keys() - wanted.keys():
        findings.wrong.append(f"nobody asked for {by_user[stray]}")
    for name, asked in wanted.items():
        _check(asked, by_user[name], findings)
    return findings


def _check_balance(server: Server, company: str, entries: list[Entry], findings: Findings) -> None:
    """The balance is the sum of what is written; nothing is held by now."""
    balance = server.call("GET", f"/v1/companies/{company}/balance").body["allowance"]
    used = sum(entry["cost"] for entry in entries if entry["kind"] in ("charged", "captured"))
    if (balance["used"], balance["held"]) != (used, 0):
        findings.wrong.append(f"{company}: the balance says {balance}, the ledger {used} used")


def _check(calls: list[Call], entries: list[Entry], findings: Findings) -> None:
    """The calls of one name: a charge; or a hold, and perhaps its capture or void."""
    for call in calls:
        findings.wrong += call.wrong
    begun = calls[0]
    beginnings = [entry for entry in entries if entry["kind"] == BEGINNINGS[begun.kind]]
    _match(begun, beginnings, findings)
    if begun.kind != "hold" or not beginnings:
        return
    ends = [entry for entry in entries if entry["kind"] in ENDS]
    if not ends:
        findings.open.append(f"{begun.name}: {begun.company} has its hold still open")
    closing = next(iter(calls[1:]), None)
    if closing is None:
        findings.double += [f"{begun.name} ended more than once: {ends}"] * max(0, len(ends) - 1)
        findings.wrong += [f"{begun.name} was ended by nobody: {e}" for e in ends if e["kind"] != "hold_expired"]
        return
    ours = [entry for entry in ends if ENDS[entry["kind"]] == closing.kind]
    if closing.is_closed:
        findings.wrong += [f"{closing.name} was refused as closed, and is there: {entry}" for entry in ours]
        findings.double += [f"{begun.name} ended more than once: {ends}"] * max(0, len(ends) - 1)
        return
    findings.double += [f"{begun.name} ended more than once: {ends}"] * max(0, len(ends) - max(1, len(ours)))
    _match(closing, ours, findings)


def _match(call: Call, entries: list[Entry], findings: Findings) -> None:
    """A call beside the entries that are its effect."""
    findings.double += [f"{call.name} ({call.kind}) is there {len(entries)} times"] * max(0, len(entries) - 1)
    if call.reply is None:
        if entries:
            findings.unanswered.append(f"{call.name} ({call.kind}) has its effect and no answer: {entries}")
        return
    if not entries:
        findings.lost.append(f"{call.name} ({call.kind}) was acknowledged and is not there: {call.reply}")
        return
    entry = entries[0]
    if _told(call.reply, call.kind) != _written(entry, call.kind) or entry["key"] != call.key:
        findings.wrong.append(f"{call.name} ({call.kind}) was told {call.reply}, the ledger says {entry}")


def _told(reply: Entry, kind: str) -> tuple[object, ...]:
    if kind == "charge":
        return reply["entry"], reply["at"], reply["cost"]
    if kind == "hold":
        return reply["entry"], reply["at"], reply["expires_at"]
    return reply["id"], reply["closed_at"], reply["cost"]


def _written(entry: Entry, kind: str) -> tuple[object, ...]:
    if kind == "charge":
        return entry["seq"], entry["at"], entry["cost"]
    if kind == "hold":
        return entry["seq"], entry["at"], entry["details"]["expires_at"]
    return entry["details"]["hold"], entry["at"], entry["cost"] or 0
