"""Entries of the ledger and statistics, as they are shown.

An entry is a flat object: what most kinds say has its place, the rest stands in ``details``.
"""

from typing import Any

import msgspec

from kvota.core.account import Draw, Draws
from kvota.core.entries import Captured, Charged, Fact, Held, Work
from kvota.core.periods import instant, month_name, rfc3339
from kvota.core.report import UsageLine, UsageReport
from kvota.core.state import Written
from kvota.wire import replies as wire
from kvota.wire.views import paid_by

_FLAT = frozenset({"action", "tool", "user", "department", "subject", "quantities", "measures"})
_INSTANTS = frozenset({"effective_at", "start", "expires_at", "since", "period_start", "until"})
_DRAWS = frozenset({"back", "lost"})


def entry(written: Written) -> wire.Entry:
    """One entry, with its hash."""
    one, fact = written.entry, written.entry.fact
    work = fact if isinstance(fact, Work) else None
    after = one.balance
    return wire.Entry(
        company=one.company,
        seq=one.seq,
        at=instant(one.at),
        kind=one.kind,
        action=work.action if work else None,
        tool=work.tool if work else None,
        user=work.user if work else None,
        department=work.department if work else None,
        subject=work.subject if work else None,
        quantities=dict(work.quantities) if work else None,
        measures=dict(work.measures) if work else None,
        cost=fact.cost if isinstance(fact, Charged | Captured) else None,
        paid_by=paid_by(fact.draws) if isinstance(fact, Charged | Captured | Held) else None,
        balance=wire.BalanceAfter(
            available=after.available,
            allowance=wire.AllowanceSums(used=after.used, held=after.held),
            boosts=wire.BoostSums(remaining=after.boosts, held=after.boosts_held),
        ),
        catalogue=one.catalogue,
        key=one.key,
        by=one.by or None,
        hash=written.hash,
        details=_details(fact),
    )


def _details(fact: Fact) -> dict[str, object]:
    """What has no place of its own, in the order of the fact's fields; nothing that was left out."""
    said: dict[str, Any] = msgspec.to_builtins(fact)
    hidden = _FLAT | {"kind", "cost", "draws"} if isinstance(fact, Work) else {"kind"}
    return {name: _shown(name, value) for name, value in said.items() if name not in hidden}


def _shown(name: str, value: Any) -> object:  # noqa: ANN401 - any JSON
    if name in _INSTANTS and isinstance(value, int):
        return rfc3339(value)
    if name in _DRAWS:
        draws: Draws = tuple(Draw(source, amount) for source, amount in reversed(value))
        return msgspec.to_builtins(paid_by(draws))
    return month_name(value) if name == "period" else value


def usage_report(report: UsageReport) -> wire.UsageReport:
    """Statistics, with the keys that were asked for."""
    total = report.total
    return wire.UsageReport(
        rows=[_row(line, report.by) for line in report.rows],
        total=wire.UsageTotal(
            calls=total.calls, requests=total.requests, refunded=total.refunded, written_off=total.written_off
        ),
        declines=[wire.DeclineCount(reason=reason, tool=tool, count=count) for reason, tool, count in report.declines],
    )


def _row(line: UsageLine, by: tuple[str, ...]) -> wire.UsageRow:
    keys = {name: instant(key) if isinstance(key, int) else key for name, key in zip(by, line.keys, strict=True)}
    return wire.UsageRow(
        calls=line.calls,
        requests=line.requests,
        refunded=line.refunded,
        written_off=line.written_off,
        **keys,  # type: ignore[arg-type]
    )
