"""``kvota replay``."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from kvota.cli import OK, WORLD_BROKE
from kvota.cli.options import Measures, Quantities, Where, amounts, named
from kvota.errors import Invalid

if TYPE_CHECKING:
    from kvota.cli.door import Door
    from kvota.replay import Call, Tally

_HERE = Where()
NOT_FOUND, REFUSED = 404, 400
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
Count = Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000))]
NoCount = Annotated[int, Parameter(validator=Number(gte=0, lte=1_000_000))]


def replay(
    file: Path,
    /,
    *,
    time_column: str = "TIMESTAMP",
    measure: Measures = None,
    user_column: str | None = None,
    action_column: str | None = None,
    companies: Count = 1,
    spread: Literal["evenly", "zipf"] = "evenly",
    exponent: Annotated[float, Parameter(validator=Number(gt=0, lte=10))] = 1.1,
    users: NoCount = 0,
    actions: str = "chat_question",
    quantity: Quantities = None,
    seed: int = 0,
    prefix: str = "replay-",
    plan: str | None = None,
    time_zone: str = "UTC",
    clock: Literal["now", "trace"] = "now",
    repeat: Count = 1,
    shift: str = "0s",
    keys: Annotated[bool, Parameter(negative=())] = False,
    connections: Annotated[int, Parameter(validator=Number(gte=1, lte=4096))] = 64,
    log: Path | None = None,
    where: Where = _HERE,
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
    time_column
        The column with the instants, 2026-11-22 09:30:00.1234567 for example; rounded down to milliseconds.
    measure
        MEASURE=COLUMN, context_tokens=ContextTokens for example; may be given several times.
    user_column
        The column with the user, if there is one.
    action_column
        The column with the action, if there is one.
    companies
        Over so many companies; those that do not exist are made.
    spread
        evenly: call i goes to company i mod N. zipf: company k is drawn with a probability of 1 / k ** exponent.
    exponent
        Zipf's.
    users
        So many users in each company, drawn uniformly; 0 for none.
    actions
        Drawn by weight, where the trace does not tell: chat_question=3,feed_text=1
    quantity
        NAME=NUMBER for the actions that read it; may be given several times.
    seed
        The same options with the same seed are the same calls.
    prefix
        What the ids of the companies begin with.
    plan
        The plan of the companies that are made; the one with the most AI requests where it is not given.
    time_zone
        The zone of the companies that are made.
    clock
        now: as fast as it goes. trace: on the trace's clock.
    repeat
        The trace so many times.
    shift
        Each repetition so much later than the one before: 50m, 1h, 30s.
    keys
        Send idempotency keys made of the seed and the call's number: replaying again charges nothing twice.
    connections
        So many calls at once.
    log
        Write a JSON line for each call to this file.
    """
    from kvota.cli.door import opened
    from kvota.core.periods import rfc3339
    from kvota.replay import Columns, Spread, read_trace
    from kvota.replay import spread as spread_out

    columns = Columns(time_column, named("--measure", measure), user_column, action_column)
    rows = read_trace(file, columns)
    if not rows:
        raise Invalid.field("file", "the trace has no rows", str(file))
    how = Spread(
        companies=companies,
        prefix=prefix,
        rule=spread,
        exponent=exponent,
        users=users,
        actions=_weights(actions),
        quantities=amounts("--quantity", quantity),
        repeat=repeat,
        shift=_duration(shift),
        seed=seed,
        keys=keys,
    )
    with opened(where, may_create=True) as door:
        catalogue = _ask(door, where, "GET", "catalogue")
        calls = spread_out(rows, how, lambda action: _quantities_of(catalogue, action))
        if clock == "trace":
            _ask(door, where, "PUT", "sandbox", "clock", body={"now": rfc3339(calls[0].at)})
        _make_companies(door, where, how.names(), plan or _largest_plan(catalogue), time_zone)
        tally = _run(door, where, calls, connections, log, is_on_trace_clock=clock == "trace")
    return _report(tally, where)


def _run(
    door: "Door", where: Where, calls: "list[Call]", connections: int, log: Path | None, *, is_on_trace_clock: bool
) -> "Tally":
    from kvota.cli.progress import counting
    from kvota.replay import Tally, replay_embedded, replay_http

    with ExitStack() as stack:
        file = None if log is None else stack.enter_context(log.open("w", encoding="utf-8"))
        tally = Tally(file, stack.enter_context(counting("calls", len(calls))))
        if door.meter is not None:
            set_clock = door.meter.reads.set_clock if is_on_trace_clock else None
            replay_embedded(door.meter.engine, calls, tally, connections=connections, set_clock=set_clock)
        else:
            settings = where.settings()
            replay_http(
                settings.url or "",
                settings.key or "",
                calls,
                tally,
                connections=connections,
                on_trace_clock=is_on_trace_clock,
            )
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
