"""`kvota replay`: every call of a trace is answered, counted and charged once, also on the trace's own clock."""

import json
import os
import random
import subprocess
from collections import Counter, deque
from datetime import UTC, datetime, timedelta

import pytest

from kvota.errors import Invalid
from kvota.replay import Columns, Spread, read_trace, spread
from tests.cli.processes import KVOTA, OPERATOR_KEY, Kvota, Server, environment

START = datetime(2023, 11, 16, 18, 17, tzinfo=UTC)
MEASURES = ("--measure", "context_tokens=ContextTokens", "--measure", "generated_tokens=GeneratedTokens")
LIMITED = """
[catalogue]
id = "limited"
version = "1"
effective_from = 2020-01-01T00:00:00Z
[policy]
hourly_limit = 30
[tools]
chat = { en = "Chat", ru = "Чат" }
[actions.ask]
tool = "chat"
base = 1
[actions.draw]
tool = "chat"
base = 1
per = { images = 1 }
[plans.small]
allowance = 10
[plans.large]
allowance = 1000000
"""


def write_trace(folder, rows=400, seconds=3000):
    """A trace in the form of the published ones: seven decimals, tokens."""
    drawn = random.Random(1)  # noqa: S311 - the same trace every time
    times = sorted(drawn.randrange(seconds * 10_000_000) for _ in range(rows))
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    for ticks in times:
        at = START + timedelta(seconds=ticks // 10_000_000)
        tokens = drawn.randrange(9000), drawn.randrange(500)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S}.{ticks % 10_000_000:07d},{tokens[0]},{tokens[1]}")
    (folder / "trace.csv").write_text("\r\n".join(lines) + "\r\n")
    return times


def log_of(folder):
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("how", [("--spread", "evenly"), ("--spread", "zipf", "--exponent", "1.3")])
def test_each_call_is_charged_as_its_reply_said(kvota, how):
    write_trace(kvota.folder)
    prefix = f"{how[1]}-"
    command = ("replay", "trace.csv", *MEASURES, *how, "--companies", "7", "--users", "5", "--prefix", prefix,
               "--actions", "chat_question=3,site_creation=1", "-q", "images=4", "--log", "calls.jsonl",
               "--plan", "standard")  # fmt: skip
    report = kvota.ok(*command, "--json").json
    calls = log_of(kvota.folder)
    assert report["calls"] == len(calls) == 400
    assert report["approved"] + sum(report["declined"].values()) == 400
    assert report["errors"] == {}
    said = Counter()
    for call in calls:
        said[call["company"]] += call["cost"]
        if call["status"] == "approved":
            assert call["cost"] == {"chat_question": 1, "site_creation": 7}[call["action"]]
    assert report["requests"] == said.total()
    for company, cost in said.items():
        assert kvota.ok("balance", company, "--json").json["allowance"]["used"] == cost
    per_company = Counter(call["company"] for call in calls)
    if how[1] == "evenly":
        assert set(per_company.values()) <= {57, 58}
    else:
        assert per_company[f"{prefix}1"] > 2 * per_company[f"{prefix}5"]
    entry = kvota.ok("entries", f"{prefix}1", "--kind", "charged", "--limit", "1", "--json").json["items"][0]
    assert set(entry["measures"]) == {"context_tokens", "generated_tokens"}
    assert entry["user"].startswith("user-")


def test_the_store_agrees_after_a_replay(embedded):
    write_trace(embedded.folder)
    embedded.ok("replay", "trace.csv", *MEASURES, "--companies", "7", "--users", "5", "--spread", "zipf")
    assert "7 companies" in (told := embedded.ok("verify").out)
    assert "everything agrees" in told


def test_with_keys_a_second_replay_charges_nothing(kvota):
    write_trace(kvota.folder, rows=60)
    command = ("replay", "trace.csv", "--companies", "2", "--prefix", "keys-", "--keys", "--seed", "5", "--json")
    assert kvota.ok(*command).json["replayed"] == 0
    again = kvota.ok(*command).json
    assert (again["approved"], again["replayed"]) == (60, 60)
    used = [kvota.ok("balance", f"keys-{n}", "--json").json["allowance"]["used"] for n in (1, 2)]
    assert used == [30, 30]


@pytest.mark.parametrize("door", ["embedded", "server"])
def test_on_the_traces_clock_the_hourly_limit_is_that_of_the_trace(tmp_path, door):
    ticks = write_trace(tmp_path, rows=80)
    (tmp_path / "limited.toml").write_text(LIMITED)
    settings = {
        "KVOTA_STORE": f"sqlite:///{tmp_path}/kvota.db",
        "KVOTA_SANDBOX": "1",
        "KVOTA_CATALOGUE": "limited.toml",
    }
    command = ("replay", "trace.csv", "--companies", "2", "--clock", "trace", "--repeat", "3", "--shift", "50m",
               "--actions", "ask", "--plan", "large", "--log", "calls.jsonl", "--json")  # fmt: skip
    if door == "embedded":
        report = Kvota(tmp_path, settings).ok(*command).json
    else:
        with Server(tmp_path, KVOTA_OPERATOR_KEY=OPERATOR_KEY, **settings) as server:
            report = Kvota(tmp_path, {"KVOTA_URL": server.url, "KVOTA_KEY": OPERATOR_KEY}).ok(*command).json
    calls = log_of(tmp_path)
    instants = sorted(tick // 10_000 + turn * 3_000_000 for tick in ticks for turn in range(3))
    expected = expected_by_brute_force(instants, companies=2, limit=30)
    beginning = int(START.timestamp() * 1000)
    told = [(milliseconds(call["at"]) - beginning, call["company"], call["status"]) for call in calls]
    assert told == expected
    declined = sum(status == "declined" for _, _, status in expected)
    assert report["declined"] == {"hourly_limit": declined}
    assert 0 < declined < 240


def expected_by_brute_force(instants, *, companies, limit):
    """What the rule says, counted anew: at most ``limit`` approved calls in the hour before each."""
    approved = [deque() for _ in range(companies)]
    expected = []
    for number, at in enumerate(instants):
        mine = approved[number % companies]
        while mine and mine[0] <= at - 3_600_000:
            mine.popleft()
        status = "approved" if len(mine) < limit else "declined"
        if status == "approved":
            mine.append(at)
        expected.append((at, f"replay-{number % companies + 1}", status))
    return expected


def milliseconds(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_declines_are_counted_by_reason_and_are_no_failure(embedded):
    write_trace(embedded.folder, rows=50)
    (embedded.folder / "limited.toml").write_text(LIMITED)
    limited = embedded.with_settings(KVOTA_CATALOGUE="limited.toml")
    shown = limited.ok("replay", "trace.csv", "--actions", "ask", "--plan", "small").out
    assert [line.split() for line in shown.splitlines() if "insufficient" in line] == [
        ["declined", "insufficient_requests", "40"]
    ]
    assert "approved          10" in shown


def test_errors_are_counted_by_code_and_exit_3(embedded):
    write_trace(embedded.folder, rows=5)
    ended = embedded("replay", "trace.csv", "--actions", "site_creation", "--json")
    assert ended.code == 3
    assert ended.json["errors"] == {"quantity_missing": 5}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing.csv",), "nothing.csv"),
        (("trace.csv", "--time-column", "WHEN"), "TIMESTAMP"),
        (("trace.csv", "--measure", "tokens"), "context_tokens=ContextTokens"),
        (("trace.csv", "--measure", "tokens=Nope"), "Nope"),
        (("trace.csv", "--actions", "no_such_action"), "no_such_action"),
        (("trace.csv", "--actions", "feed_text=-1"), "feed_text=-1"),
        (("trace.csv", "--shift", "1 fortnight"), "50m"),
        (("trace.csv", "--clock", "trace"), "--sandbox"),
        (("trace.csv", "--plan", "no_such_plan"), "no_such_plan"),
        (("trace.csv", "--companies", "0"), "companies"),
    ],
)
def test_a_replay_that_cannot_be_is_refused(embedded, arguments, told):
    write_trace(embedded.folder, rows=3)
    ended = embedded("replay", *arguments)
    assert (ended.code, ended.out) == (2, ""), ended
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_a_server_that_goes_away_leaves_errors_and_a_report(tmp_path):
    """The trace is much longer than what can be done by when the server is killed."""
    write_trace(tmp_path, rows=20_000)
    calls = tmp_path / "calls.jsonl"
    os.mkfifo(calls)
    with Server(tmp_path, KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        settings = environment({"KVOTA_URL": server.url, "KVOTA_KEY": OPERATOR_KEY})
        replaying = subprocess.Popen(
            [*KVOTA, "replay", "trace.csv", "--log", calls.name, "--json"],
            cwd=tmp_path, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with calls.open() as log:
            assert json.loads(log.readline())["status"] == "approved"
            server.process.kill()
            assert sum(1 for _ in log) == 19_999
        out, err = replaying.communicate(timeout=60)
    assert (replaying.returncode, err) == (3, "")
    report = json.loads(out)
    assert report["calls"] == 20_000
    assert report["approved"] > 0
    assert report["errors"]["server_unreachable"] > 0


# How a trace is read and spread


def rows_of(tmp_path, text, **columns):
    file = tmp_path / "t.csv"
    file.write_text(text)
    return read_trace(file, Columns("t", **columns))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-16 18:17:03.9799600", "2023-11-16T18:17:03.979"),
        ("2023-11-16 18:17:03.9999999", "2023-11-16T18:17:03.999"),
        ("2023-11-16T18:17:03Z", "2023-11-16T18:17:03"),
        ("2023-11-16 21:17:03.5+03:00", "2023-11-16T18:17:03.500"),
        ("2023-11-16 16:47:03 -0130", "2023-11-16T18:17:03"),
    ],
)
def test_instants_are_rounded_down_to_milliseconds(tmp_path, text, expected):
    [row] = rows_of(tmp_path, f"t\n{text}\n")
    assert row.at == round(datetime.fromisoformat(expected + "+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    "text", ["", "t\nyesterday\n", "t\n2023-02-30 00:00:00\n", "u\nx\n", "t\n2023-01-01 00:00:00,5\n"]
)
def test_a_trace_that_cannot_be_read_is_refused(tmp_path, text):
    with pytest.raises(Invalid):
        rows_of(tmp_path, text)


@pytest.mark.parametrize("tokens", ["-1", "1.5", "many", "10000000000000000"])
def test_a_measure_that_is_no_whole_number_is_refused_with_its_line(tmp_path, tokens):
    with pytest.raises(Invalid, match="line 2"):
        rows_of(tmp_path, f"t,n\n2023-01-01 00:00:00,{tokens}\n", measures=[("tokens", "n")])


def test_what_the_trace_tells_wins_over_what_is_drawn(tmp_path):
    rows = rows_of(
        tmp_path, "t,who,what\n2023-01-01 00:00:00,anna,ask\n2023-01-01 00:00:00,,\n", user="who", action="what"
    )
    calls = spread(rows, Spread(users=1, actions={"draw": 1.0}, quantities={"images": 2}), quantities_of)
    assert [(call.user, call.action, call.quantities) for call in calls] == [
        ("anna", "ask", {}),
        ("user-1", "draw", {"images": 2}),
    ]


def quantities_of(action):
    return ["images"] if action == "draw" else []


def test_the_same_seed_draws_the_same_and_each_question_by_itself(tmp_path):
    rows = rows_of(tmp_path, "t\n" + "2023-01-01 00:00:00\n" * 200)
    how = Spread(companies=9, rule="zipf", users=4, actions={"ask": 1.0, "draw": 1.0}, seed=3)
    calls = spread(rows, how, quantities_of)
    assert calls == spread(rows, how, quantities_of)
    more_users = spread(rows, how._replace(users=40), quantities_of)
    assert [call.company for call in calls] == [call.company for call in more_users]
    assert [call.user for call in calls] != [call.user for call in more_users]
    assert [call.company for call in calls] != [
        call.company for call in spread(rows, how._replace(seed=4), quantities_of)
    ]


def test_repetitions_are_merged_in_the_order_of_time(tmp_path):
    rows = rows_of(tmp_path, "t\n2023-01-01 00:00:00\n2023-01-01 00:10:00\n")
    calls = spread(rows, Spread(actions={"ask": 1.0}, repeat=2, shift=300_000), quantities_of)
    first = calls[0].at
    assert [(call.number, call.at - first) for call in calls] == [(1, 0), (2, 300_000), (3, 600_000), (4, 900_000)]
