"""``kvota replay``."""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from kvota.cli import OK, WORLD_BROKE
from kvota.cli.options import Measures, Quantities, Where, amounts, named
from kvota.errors import Invalid

if TYPE_CHECKING:
    from kvota.cli.door import Door
    from kvota.replay import Call, Spread, Tally

_HERE = Where()
NOT_FOUND, REFUSED = 404, 400
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
Count = Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000))]
NoCount = Annotated[int, Parameter(validator=Number(gte=0, lte=1_000_000))]


@Parameter(name="*", group=Group("The trace", sort_key=1))
@dataclass(frozen=True, kw_only=True)
class _Trace:
    time_column: str = "TIMESTAMP"
    "The column with the instants, 2026-11-22 09:30:00.1234567 for example; rounded down to milliseconds."
    measure: Measures = None
    "MEASURE=COLUMN, context_tokens=ContextTokens for example; may be given several times."
    user_column: str | None = None
    "The column with the user, if there is one."
    action_column: str | None = None
    "The column with the action, if there is one."


@Parameter(name="*", group=Group("What it does not tell", sort_key=2))
@dataclass(frozen=True, kw_only=True)
class _Spread:
    companies: Count = 1
    "Over so many companies; those that do not exist are made."
    spread: Literal["evenly", "zipf"] = "evenly"
    "evenly: call i goes to company i mod N. zipf: company k is drawn with a probability of 1 / k ** exponent."
    exponent: Annotated[float, Parameter(validator=Number(gt=0, lte=10))] = 1.1
    "Zipf's."
    users: NoCount = 0
    "So many users in each company, drawn uniformly; 0 for none."
    actions: str = "chat_question"
    "Drawn by weight, where the trace does not tell: chat_question=3,feed_text=1"
    quantity: Quantities = None
    "NAME=NUMBER for the actions that read it; may be given several times."
    seed: int = 0
    "The same options with the same seed are the same calls."
    prefix: str = "replay-"
    "What the ids of the companies begin with."
    plan: str | None = None
    "The plan of the companies that are made; the one with the most AI requests where it is not given."
    time_zone: str = "UTC"
    "The zone of the companies that are made."


@Parameter(name="*", group=Group("How it is sent", sort_key=3))
@dataclass(frozen=True, kw_only=True)
class _Run:
    clock: Literal["now", "trace"] = "now"
    "now: as fast as it goes. trace: on the trace's clock."
    repeat: Count = 1
    "The trace so many times."
    shift: str = "0s"
    "Each repetition so much later than the one before: 50m, 1h, 30s."
    keys: Annotated[bool, Parameter(negative=())] = False
    "Send idempotency keys made of the seed and the call's number: replaying again charges nothing twice."
    connections: Annotated[int, Parameter(validator=Number(gte=1, lte=4096))] = 64
    "So many calls at once."
    log: Path | None = None
    "Write a JSON line for each call to this file."


_TRACE, _SPREAD, _RUN = _Trace(), _Spread(), _Run()


def replay(
    file: Path, /, *, trace: _Trace = _TRACE, spread: _Spread = _SPREAD, run: _Run = _RUN, where: Where = _HERE
) -> int:
    """Send a usage trace through a server, or into a store, and report what became of each call.

    A trace is a CSV file with a header. What it does not tell is drawn, each
    with a generator of its own, seeded with --seed. --clock trace makes the
    calls one after the other, each at the trace's instant, in a sandbox.

    For example:

        kvota replay trace.csv --companies 50 --spread zipf --users 20 --actions chat_question=3,feed_text=1

    Parameters
    ----------
    file
        The trace.
    """
    from kvota.cli.door import opened
    from kvota.core.periods import rfc3339
    from kvota.replay import Columns, read_trace
    from kvota.replay import spread as spread_out

    columns = Columns(trace.time_column, named("--measure", trace.measure), trace.user_column, trace.action_column)
    rows = read_trace(file, columns)
    if not rows:
        raise Invalid.field("file", "the trace has no rows", str(file))
    how = _how(spread, run)
    is_on_trace_clock = run.clock == "trace"
    with opened(where, may_create=True) as door:
        catalogue = _ask(door, where, "GET", "catalogue")
        calls = spread_out(rows, how, lambda action: _quantities_of(catalogue, action))
        if is_on_trace_clock:
            _ask(door, where, "PUT", "sandbox", "clock", body={"now": rfc3339(calls[0].at)})
        _make_companies(door, where, how.names(), spread.plan or _largest_plan(catalogue), spread.time_zone)
        tally = _run(door, where, calls, run)
    return _report(tally, where)


def _how(options: _Spread, run: _Run) -> "Spread":
    from kvota.replay import Spread

    return Spread(
        companies=options.companies,
        prefix=options.prefix,
        rule=options.spread,
        exponent=options.exponent,
        users=options.users,
        actions=_weights(options.actions),
        quantities=amounts("--quantity", options.quantity),
        repeat=run.repeat,
        shift=_duration(run.shift),
        seed=options.seed,
        keys=run.keys,
    )


def _run(door: "Door", where: Where, calls: "list[Call]", run: _Run) -> "Tally":
    from kvota.cli.progress import counting
    from kvota.replay import Tally, replay_embedded, replay_http

    is_on_trace_clock = run.clock == "trace"
    with ExitStack() as stack:
        file = None if run.log is None else stack.enter_context(run.log.open("w", encoding="utf-8"))
        tally = Tally(file, stack.enter_context(counting("calls", len(calls))))
        if door.meter is not None:
            set_clock = door.meter.reads.set_clock if is_on_trace_clock else None
            replay_embedded(door.meter.engine, calls, tally, connections=run.connections, set_clock=set_clock)
        else:
            settings = where.settings()
            url, key = settings.url or "", settings.key or ""
            replay_http(url, key, calls, tally, connections=run.connections, on_trace_clock=is_on_trace_clock)
    return tally


def _make_companies(door: "Door", where: Where, names: list[str], plan: str, time_zone: str) -> None:
    for name in names:
        if door.ask("GET", "companies", name).status == NOT_FOUND:
            _ask(door, where, "PUT", "companies", name, body={"name": name, "plan": plan, "time_zone": time_zone})


def _ask(door: "Door", where: Where, method: str, *path: str, body: dict[str, object] | None = None) -> Any:  # noqa: ANN401 - any JSON
    from kvota.cli.problems import refuse

    answer = door.ask(method, *path, body=body)
    if answer.status >= REFUSED:
        if path[0] == "sandbox" and answer.status == NOT_FOUND:
            raise Invalid(
                "--clock trace sets the clock, which only a sandbox has: serve with --sandbox on a store of its own, "
                "or set KVOTA_SANDBOX=1 and give --store."
            )
        refuse(answer, where)
    return answer.json


def _report(tally: "Tally", where: Where) -> int:
    from kvota.cli.screen import facts, listing, say

    found = tally.report()
    if where.json:
        say(msgspec.json.encode(found).decode())
    else:
        names = ["calls", "approved", "replayed", "requests", "seconds", "calls_per_second", "p50_ms", "p99_ms"]
        facts("Replayed", [(name.replace("_", " "), found[name]) for name in names])
        refused = [("declined", reason, n) for reason, n in sorted(tally.declined.items())]
        refused += [("error", code, n) for code, n in sorted(tally.errors.items())]
        if refused:
            listing("Refused", ["what", "why", "calls"], refused)
    return WORLD_BROKE if tally.errors else OK


def _quantities_of(catalogue: Any, action: str) -> list[str]:  # noqa: ANN401 - any JSON
    if action not in catalogue["actions"]:
        known = ", ".join(catalogue["actions"])
        raise Invalid.field("action", f"is not an action of the catalogue, which has {known}", action)
    found = catalogue["actions"][action]
    return [*found["per"], *found["free_when"]]


def _largest_plan(catalogue: Any) -> str:  # noqa: ANN401 - any JSON
    plans = catalogue["plans"].values()
    return max(plans, key=lambda plan: (plan["actions"] is None, plan["allowance"]))["id"]


def _weights(given: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in given.split(","):
        name, is_weighted, weight = one.strip().partition("=")
        if not name or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", weight if is_weighted else "1", re.ASCII):
            rule = "actions with their weights are needed, chat_question=3,feed_text=1 for example"
            raise Invalid.field("--actions", rule, one)
        found[name] = float(weight) if is_weighted else 1.0
    if not any(found.values()):
        raise Invalid.field("--actions", "at least one weight must be more than 0", given)
    return found


def _duration(given: str) -> int:
    found = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", given, re.ASCII)
    if found is None:
        raise Invalid.field("--shift", "a number with ms, s, m, h or d is needed, 50m for example", given)
    return int(found[1]) * _UNITS[found[2]]
