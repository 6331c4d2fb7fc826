"""The harness itself: a comparison that cannot see what it looks for proves nothing."""

from dataclasses import replace

from tests.faults.callers import COMPANIES
from tests.faults.calls import Call
from tests.faults.harness import scene
from tests.faults.ledgers import compare
from tests.verdict import Verdict


def is_done(call: Call, kind: str) -> bool:
    return call.kind == kind and call.is_acknowledged


def test_it_sees_what_is_lost_double_open_or_not_as_it_was_told(sqlite_url, tmp_path):
    with scene(sqlite_url, tmp_path, seed="harness") as it:
        it.callers.wait_for(200)
        assert it.verdict("nothing").is_good
        calls = it.callers.calls
        charge, capture = (next(call for call in calls if is_done(call, kind)) for kind in ("charge", "capture"))
        assert charge.reply is not None

        def found(*asked: Call):
            return compare(it.server, COMPANIES, asked)

        ghost = replace(charge, name="ghost", reply={**charge.reply, "user": "ghost"})
        assert len(found(*calls, ghost).lost) == 1
        forgotten = [call for call in calls if call is not charge]
        assert "nobody asked for" in found(*forgotten).wrong[0]
        other = replace(charge, reply={**charge.reply, "cost": 7})
        assert "was told" in found(*forgotten, other).wrong[0]
        unanswered = replace(charge, reply=None)
        assert len(found(*forgotten, unanswered).unanswered) == 1
        refused = replace(capture, is_closed=True)
        assert "was refused" in found(*(call for call in calls if call is not capture), refused).wrong[0]

        before = found(*calls)
        again = it.server.call("POST", charge.path, charge.body)
        assert again.status == 201
        assert (len(found(*calls).double), len(before.double)) == (1, 0)
        left = Call(name="left", kind="hold", company=charge.company, path="", body={}, key=None)
        reply = it.server.call("POST", f"/v1/companies/{charge.company}/holds", {"action": "report", "user": "left"})
        left.reply = reply.body
        assert len(found(*calls, left).open) == 1


def test_a_503_has_to_be_clear_and_a_repeated_reply_the_same():
    def call() -> Call:
        return Call(name="u1", kind="charge", company="acme", path="", body={}, key="k")

    problem = {"content-type": "application/problem+json", "retry-after": "1"}
    body = {"code": "busy", "detail": "Try again.", "status": 503}
    clear, silent, unknown, changed = call(), call(), call(), call()
    assert not clear.hear(503, problem, body)
    assert clear.wrong == []
    silent.hear(503, {"content-type": "application/problem+json"}, body)
    unknown.hear(500, problem, {"code": "internal"})
    changed.hear(201, {}, {"id": 1})
    changed.hear(201, {}, {"id": 2})
    assert [len(one.wrong) for one in (silent, unknown, changed)] == [1, 1, 1]


def test_one_bad_run_makes_the_whole_row_bad():
    good = Verdict(fault="kill", store="sqlite", acknowledged=5, lost=0)
    assert (good + good).is_good
    both = good + Verdict(fault="kill", store="sqlite", acknowledged=7, lost=1)
    assert (both.runs, both.acknowledged, both.lost, both.is_good) == (2, 12, 1, False)
