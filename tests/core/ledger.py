"""One company's ledger in memory, driven as the engine drives it: the pure core with nothing around it."""

from pathlib import Path

from kvota.catalogue_file import parse
from kvota.core.account import Account
from kvota.core.balance import Balance, balance_of
from kvota.core.catalogue import Book, Catalogue, Edition
from kvota.core.commands import Command, PutCompany
from kvota.core.decisions import decide
from kvota.core.decisions.calls import Reply
from kvota.core.state import State, Written, replace, spending_since, zones_of
from kvota.core.timeline import advance, is_due, now_of

HERE = Path(__file__).parent
CASES = (HERE.parent / "catalogue" / "cases.toml").read_text()
SMALL = (HERE / "small.toml").read_text()
COMPANY = "acme"
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def boosts_first(text: str) -> str:
    """The same catalogue with the other order of funds."""
    changed = text.replace('funds = "allowance_first"', 'funds = "boosts_first"')
    assert changed != text
    return changed


def edition(text: str, effective_at: int = 0, version: str = "2026-01-01", **policy: int) -> Edition:
    """A catalogue as an edition; ``hourly_limit=7`` changes the policy."""
    catalogue = parse(text.replace('version = "2026-01-01"', f'version = "{version}"'))
    for name, value in policy.items():
        catalogue = _with_policy(catalogue, name, value)
    return Edition(effective_at=effective_at, catalogue=catalogue)


def _with_policy(catalogue: Catalogue, name: str, value: int) -> Catalogue:
    return replace(catalogue, policy=replace(catalogue.policy, **{name: value}))


def book(*texts: str) -> Book:
    """A book of catalogues that are all in force from the beginning on."""
    return Book([edition(text) for text in texts])


class Ledger:
    """``do`` carries a command out, ``balance`` shows; what time brings is written with the next command that writes.

    A clock that steps back stands still for the company. Errors of the caller are raised, and leave no trace.
    """

    def __init__(self, book: Book, name: str = COMPANY, **company: object) -> None:
        self.book = book
        self.state = State(name, None)
        self.state.is_complete = True
        if company:
            at = company.pop("at")
            assert isinstance(at, int)
            settings = {"name": "Acme", "plan": "tiny", "time_zone": "UTC", **company}
            self.do(PutCompany(company=name, **settings), at)  # type: ignore[arg-type]

    @property
    def account(self) -> Account:
        return self.state.known

    @property
    def entries(self) -> list[Written]:
        return self.state.changes.entries

    def at(self, clock: int) -> State:
        """The state as of now, in a copy if anything has fallen due."""
        now = now_of(self.state, clock)
        if not is_due(self.state, now):
            return self.state
        ahead = self.state.fork()
        advance(ahead, self.book, now)
        return ahead

    def do(self, command: Command, clock: int) -> Reply:
        """Carry a command out at the company's present; the reply, or a ``CallerError``."""
        now = now_of(self.state, clock)
        ahead = self.at(clock)
        before = ahead.changes.writes
        reply = decide(ahead, self.book, command, now)
        if ahead.changes.writes != before:
            self.state = ahead
            self._keep_spending()
        return reply

    def balance(self, clock: int) -> Balance:
        now = now_of(self.state, clock)
        return balance_of(self.at(clock), self.book.at(now), now)

    def _keep_spending(self) -> None:
        """Sums for caps, made anew from the statistics and the open holds where a change of zone has cut them wrong."""
        state = self.state
        if state.known.spending_zones:
            return
        state.account = account = replace(state.known, spending_zones=zones_of(state.known))
        state.spending.clear()
        spent = [
            (key.quarter, key.tool, key.user, key.department, counts.requests - counts.refunded)
            for key, counts in state.changes.statistics.items()
        ]
        spent += [(h.at, h.tool, h.user or "", h.department or "", h.held) for h in state.open_holds()]
        for at, tool, user, department, amount in spent:
            for of in (("tool", tool), ("user", user), ("department", department)):
                days = state.spending.setdefault(of, {})
                since = spending_since(account, at)
                days[since] = days.get(since, 0) + amount
