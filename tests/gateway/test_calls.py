"""One call after another through the gateway: what is charged, what passes, what a caller is told."""

import asyncio
import json
import re
import subprocess
import threading
import urllib.request

import pytest
from aiohttp import web

from tests.acceptance.servers import serving
from tests.cli.processes import KVOTA, environment
from tests.gateway.eventually import eventually
from tests.gateway.raw import CHAT, IMAGE, STREAM, call, form, hang_up, open_call
from tests.gateway.running import CATALOGUE, OPERATOR_KEY, Acting, Company, file_of, gateway
from tests.upstreams import service as acting_as
from tests.upstreams.service import KEY

CHARGED = ["held", "captured", "measured"]
VOIDED = ["held", "voided"]


def test_the_answer_passes_unchanged_and_its_headers_tell_what_it_cost(acting, company):
    async def odd(request, fields):
        return web.Response(body=b'{ "odd":\t[1,2 ] ,"usage":null}\n', content_type="application/json")

    acting.behaviour = odd
    answer = call(company)
    assert answer.content == b'{ "odd":\t[1,2 ] ,"usage":null}\n'
    (captured,) = company.entries("captured")
    assert answer.headers["x-kvota-cost"] == "1"
    assert answer.headers["x-kvota-available"] == str(company.available) == "999999"
    assert answer.headers["x-kvota-charge"] == f"chg_{captured['seq']:010d}"
    assert answer.headers["content-type"] == "application/json"
    assert "connection" not in {name for name in answer.headers if name not in ("date", "server")}
    assert acting.seen[0].body == json.dumps(CHAT).encode()
    assert company.member not in repr(acting.seen)
    assert not {"x-kvota-action", "authorization2"} & {name.lower() for name in acting.seen[0].headers}


def test_a_stream_is_passed_on_piece_by_piece_as_it_comes(acting, company):
    """The service sends its next piece only when the client has the one before."""
    taken = [threading.Event(), threading.Event()]

    async def stepwise(request, fields):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, before in enumerate((None, *taken)):
            if before is not None:
                assert await asyncio.get_running_loop().run_in_executor(None, before.wait, 5)
            await response.write(b"data: %d\n\n" % number)
        await response.write_eof()
        return response

    acting.behaviour = stepwise
    line = open_call(company, body=STREAM)
    reply = line.getresponse()
    assert reply.read1() == b"data: 0\n\n"
    assert company.kinds() == ["held", "captured"]  # charged before the first byte was passed on
    taken[0].set()
    assert reply.read1() == b"data: 1\n\n"
    taken[1].set()
    assert reply.read() == b"data: 2\n\n"
    line.close()


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        (acting_as.failing(500), 500, None),
        (acting_as.failing(503), 503, None),
        (acting_as.failing(429, **{"Retry-After": "7"}), 429, None),
        (acting_as.failing(400), 400, None),
        (acting_as.failing(404), 404, None),
        (acting_as.failing(401), 502, "upstream_unavailable"),
        (acting_as.failing(302, Location="/v1/elsewhere"), 502, "upstream_unavailable"),
        (acting_as.hangs_up, 502, "upstream_unavailable"),
        (acting_as.hangs_up_with_only_headers, 502, "upstream_unavailable"),
    ],
    ids=["500", "503", "429", "400", "404", "401", "302", "hangs up", "only headers"],
)
def test_a_call_that_fails_before_its_first_byte_is_not_charged(acting, company, behaviour, status, code):
    acting.behaviour = behaviour
    answer = call(company)
    assert (answer.status, answer.code) == (status, code)
    assert company.kinds() == VOIDED
    assert company.available == 1_000_000
    assert KEY.encode() not in answer.content
    assert "x-kvota-charge" not in answer.headers
    if status == 429:
        assert answer.headers["retry-after"] == "7"


def test_an_answer_that_breaks_after_its_first_byte_is_charged_and_visibly_cut(acting, company):
    acting.behaviour = acting_as.breaks_in_the_middle
    line = open_call(company, body=STREAM)
    reply = line.getresponse()
    assert reply.status == 200
    with pytest.raises(Exception, match=r"IncompleteRead|reset"):
        reply.read()
    line.close()
    assert company.kinds() == ["held", "captured"]


def test_the_next_service_answers_where_the_first_does_not(acting, tmp_path):
    with Acting() as second:
        acting.behaviour = acting_as.failing(503)
        with gateway(f"sqlite:///{tmp_path}/kvota.db", tmp_path, file_of(tmp_path, acting.url, second.url)) as server:
            company = Company(server)
            assert call(company).status == 200
            assert (len(acting.seen), len(second.seen)) == (1, 1)
            assert company.becomes(*CHARGED)


# Who pays, and as what


def test_an_app_names_the_user_the_action_and_the_subject(acting, company):
    answer = call(
        company, key=company.app, X_Kvota_Action="long_question", X_Kvota_Subject="deal:7 é".encode().decode("latin-1"),
        X_Kvota_User="boris",
    )  # fmt: skip
    assert (answer.status, answer.headers["x-kvota-cost"]) == (200, "3")
    (held,) = company.entries("held")
    assert (held["action"], held["subject"], held["user"]) == ("long_question", "deal:7 é", "boris")


def test_an_app_names_quantities_and_stages_but_not_those_that_the_call_tells(acting, company):
    told = {"key": company.app, "X_Kvota_Quantities": "participants=5"}
    assert call(company, X_Kvota_Action="meeting", **told).headers["x-kvota-cost"] == "0"
    staged = call(company, key=company.app, X_Kvota_Action="heard", X_Kvota_Stages="summary")
    assert staged.headers["x-kvota-cost"] == "2"
    drawn = call(company, "/images/generations", {**IMAGE, "n": 3}, key=company.app, X_Kvota_Quantities="images=1")
    assert drawn.headers["x-kvota-cost"] == "6"
    assert company.entries("captured")[-1]["quantities"] == {"images": 3}


def test_a_stage_that_is_shared_is_paid_once_for_a_subject(acting, company):
    body, media = form({"model": "whisper-test", "file": b"RIFF"})
    costs = [
        call(company, "/audio/transcriptions", body, key=company.app, X_Kvota_Subject="call:1", **media).headers[
            "x-kvota-cost"
        ]
        for _ in range(2)
    ]
    assert costs == ["1", "0"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X_Kvota_User": "boris"}, 403, "forbidden"),
        ({"X_Kvota_Quantities": "images=1"}, 403, "forbidden"),
        ({"X_Kvota_Stages": "summary"}, 403, "forbidden"),
        ({"X_Kvota_Action": "heard", "X_Kvota_Subject": "call:1"}, 403, "forbidden"),
        ({"X_Kvota_Action": "meeting"}, 422, "quantity_missing"),
        ({"X_Kvota_Action": "no_such"}, 422, "unknown_action"),
        ({"X_Kvota_Action": "x" * 65}, 422, "invalid"),
        ({"X_Kvota_Subject": "\xff"}, 422, "invalid"),
        ({"Idempotency_Key": "x" * 201}, 422, "invalid"),
    ],
)
def test_a_member_cannot_say_what_would_make_a_call_cheaper(acting, company, headers, status, code):
    answer = call(company, **headers)
    assert (answer.status, answer.code) == (status, code)
    assert answer.error["message"]
    assert acting.seen == []
    assert company.kinds() == []


def test_a_member_makes_no_pictures_as_an_action_that_does_not_count_them(acting, company):
    answer = call(company, "/images/generations", {**IMAGE, "n": 9}, X_Kvota_Action="question")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert call(company, X_Kvota_User="anna").status == 200  # his own name is no lie


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_a_role_that_uses_no_assistant_is_refused(acting, company, server, role):
    key = OPERATOR_KEY if role == "operator" else company.key("auditor")
    answer = call(company, key=key)
    assert (answer.status, answer.code) == (403, "forbidden")


def test_a_key_that_is_bound_to_actions_opens_no_other(acting, company):
    bound = company.key("member", user="vera", actions=["long_question"])
    assert call(company, key=bound).code == "forbidden"
    assert call(company, key=bound, X_Kvota_Action="long_question").status == 200


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (lambda c: c.server.call("PATCH", f"/v1/companies/{c.id}", {"tools_off": ["chat"]}), 403, "tool_disabled"),
        (lambda c: c.server.call("POST", f"/v1/companies/{c.id}/suspend", {}), 403, "company_suspended"),
        (
            lambda c: c.server.call(
                "PUT", f"/v1/companies/{c.id}/caps/one", {"scope": {"users": "each"}, "requests": 1, "per": "day"}
            ),
            429,
            "cap_reached",
        ),
    ],
    ids=["tool off", "suspended", "capped"],
)
def test_each_decline_has_its_status_and_is_not_to_be_repeated_by_itself(acting, company, make, status, code):
    assert make(company).status in (200, 201)
    if code == "cap_reached":
        assert call(company).status == 200
    acting.seen.clear()
    answer = call(company, Accept_Language="ru")
    assert (answer.status, answer.code, answer.error["reason"]) == (status, code, code)
    assert answer.headers["x-should-retry"] == "false"
    assert ("retry-after" in answer.headers) == (status == 429)
    assert any("а" <= letter <= "я" for letter in answer.error["message"])
    assert acting.seen == []


def test_an_action_that_the_plan_does_not_have_is_declined(acting, server):
    company = Company(server, plan="no_pictures")
    answer = call(company, "/images/generations", IMAGE)
    assert (answer.status, answer.code) == (403, "action_not_in_plan")


def test_a_free_action_is_in_the_ledger_too(acting, company):
    answer = call(company, X_Kvota_Action="nothing")
    assert (answer.status, answer.headers["x-kvota-cost"]) == (200, "0")
    assert company.becomes(*CHARGED)


# The client goes


def test_a_client_that_goes_before_the_answer_is_not_charged_and_the_service_is_cut_off(acting, company):
    acting.behaviour = acting_as.never
    acting.cut.clear()
    line = open_call(company)
    eventually(lambda: acting.seen, bool)
    hang_up(line)
    eventually(acting.cut.is_set, bool)
    assert eventually(company.kinds, lambda kinds: len(kinds) > 1) == VOIDED


def test_a_client_that_goes_in_mid_stream_stays_charged_and_the_service_is_cut_off(acting, company):
    acting.behaviour = acting_as.falls_silent_in_the_middle
    acting.cut.clear()
    line = open_call(company, body=STREAM)
    assert line.getresponse().read1() == b'data: {"choices": []}\n\n'
    hang_up(line)
    eventually(acting.cut.is_set, bool)
    assert company.kinds() == ["held", "captured"]


# Repeats


@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "stream"])
def test_a_repeat_under_its_key_is_given_the_same_answer_and_charged_once(acting, company, body):
    first, *again = [call(company, body=body, Idempotency_Key="one") for _ in range(4)]
    assert (first.status, first.headers.get("idempotency-replayed")) == (200, None)
    for one in again:
        assert (one.status, one.content) == (200, first.content)
        assert one.headers["idempotency-replayed"] == "true"
        assert one.headers["x-kvota-charge"] == first.headers["x-kvota-charge"]
    assert len(acting.seen) == 1
    assert company.kinds().count("captured") == 1
    assert company.available == 999_999


def test_a_repeat_is_charged_where_the_first_came_to_nothing(acting, company):
    acting.behaviour = acting_as.failing(500)
    assert [call(company, Idempotency_Key="one").status for _ in range(2)] == [500, 500]
    acting.behaviour = None
    assert call(company, Idempotency_Key="one").headers.get("idempotency-replayed") is None
    assert call(company, Idempotency_Key="one").headers["idempotency-replayed"] == "true"
    assert company.becomes(*VOIDED, *VOIDED, *CHARGED)


def test_a_key_stands_for_one_request(acting, company):
    assert call(company, Idempotency_Key="one").status == 200
    other = call(company, body={**CHAT, "temperature": 1}, Idempotency_Key="one")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert call(company, Idempotency_Key="one", X_Kvota_Action="nothing").code == "idempotency_key_reused"


def test_a_repeat_while_the_first_runs_waits_its_turn(acting, company):
    acting.behaviour = acting_as.never
    line = open_call(company, Idempotency_Key="one")
    eventually(lambda: acting.seen, bool)
    again = call(company, Idempotency_Key="one")
    assert (again.status, again.code) == (409, "call_running")
    hang_up(line)


def test_a_form_is_the_same_request_whatever_its_boundary(acting, company):
    for boundary in ("one", "another"):
        body, media = form({"model": "whisper-test", "file": b"RIFF"}, boundary=boundary)
        assert call(company, "/audio/transcriptions", body, Idempotency_Key="one", **media).status == 200
    assert company.kinds().count("captured") == 1


def test_a_charged_call_whose_answer_broke_is_made_again_twice_and_no_more(acting, company):
    acting.behaviour = acting_as.breaks_in_the_middle
    for _ in range(3):
        line = open_call(company, body=STREAM, Idempotency_Key="one")
        with pytest.raises(Exception, match=r"IncompleteRead|reset"):
            line.getresponse().read()
        line.close()
    answer = call(company, body=STREAM, Idempotency_Key="one")
    assert (answer.status, answer.code) == (409, "call_charged")
    assert company.entries("captured")[0]["cost"] == 1
    assert len(acting.seen) == 3
    assert company.available == 999_999


def test_an_answer_too_large_to_keep_is_asked_for_again(acting, company):
    async def large(request, fields):
        return web.Response(body=b'{"x": "' + b"x" * 2_000_000 + b'"}', content_type="application/json")

    acting.behaviour = large
    sizes = [len(call(company, Idempotency_Key="one").content) for _ in range(2)]
    assert sizes == [2_000_009] * 2
    assert len(acting.seen) == 2
    assert company.available == 999_999


# Bodies


def test_a_recording_larger_than_the_api_takes_passes_through_a_file(acting, company):
    recording = bytes(range(256)) * 20_000
    body, media = form({"model": "whisper-test", "language": "ru", "file": recording})
    answer = call(company, "/audio/transcriptions", body, **media)
    assert json.loads(answer.content)["text"] == f"Good day, {len(recording)} bytes."
    assert acting.seen[0].body == body


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/chat/completions", b"", 400, "malformed"),
        ("/chat/completions", b"{", 400, "malformed"),
        ("/chat/completions", b"\xff", 400, "malformed"),
        ("/chat/completions", b"[]", 422, "invalid"),
        ("/chat/completions", b"{}", 422, "invalid"),
        ("/chat/completions", b'{"model": 7}', 422, "invalid"),
        ("/chat/completions", b'{"model": ""}', 422, "invalid"),
        ("/images/generations", b'{"model": "image-test", "n": 0}', 422, "invalid"),
        ("/images/generations", b'{"model": "image-test", "n": 1.5}', 422, "invalid"),
        ("/images/generations", b'{"model": "image-test", "n": "2"}', 422, "invalid"),
        ("/images/generations", b'{"model": "image-test", "n": 1000}', 422, "invalid"),
        ("/images/generations", b'{"n": 1, "model": "image-test", "n": 9}', 400, "malformed"),
        ("/images/generations", b"[" * 100_000, 400, "malformed"),
        ("/audio/transcriptions", b"x", 400, "malformed"),
        ("/completions", b"{}", 404, "not_found"),
        ("/responses/resp_1", b"{}", 404, "not_found"),
        ("/../../v1/catalogue", b"{}", 404, "not_found"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_held(  # noqa: PLR0917 - two fixtures and the case
    acting, company, path, body, status, code
):
    answer = call(company, path, body)
    assert (answer.status, answer.code) == (status, code)
    assert answer.error["message"]
    assert company.kinds() == []
    assert acting.seen == []


@pytest.mark.parametrize(
    "fields",
    [{"file": b"x"}, {"model": "whisper-test"}, {"model": "", "file": b"x"}, {"model": "m" * 201, "file": b"x"}],
    ids=["no model", "no file", "empty model", "long model"],
)
def test_a_form_without_a_model_or_a_recording_is_refused(acting, company, fields):
    body, media = form(fields)
    assert call(company, "/audio/transcriptions", body, **media).code == "malformed"


def test_a_form_that_names_two_models_or_is_cut_off_is_refused(acting, company):
    body, media = form({"model": "whisper-test", "file": b"x"})
    twice = body.replace(
        b"--xyz\r\n", b'--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\nb\r\n--xyz\r\n', 1
    )
    for wrong in (twice, body[:-10], body[5:], body.replace(b'name="file"', b"nameless")):
        assert call(company, "/audio/transcriptions", wrong, **media).code == "malformed"


def test_a_body_beyond_the_limit_is_refused_by_its_length(acting, company):
    answer = call(company, body=b" " * (20 * 1024 * 1024 + 1))
    assert (answer.status, answer.code) == (413, "body_too_large")


def test_of_a_services_headers_only_those_about_the_answer_pass(acting, company):
    async def with_headers(request, fields):
        told = {
            "X-RateLimit-Remaining-Requests": "7", "X-Request-Id": "req_1", "Retry-After": "3",
            "Set-Cookie": "a=b", "Keep-Alive": "timeout=5", "Connection": "X-Private", "X-Private": "1",
            "OpenAI-Organization": "ours", "X-Kvota-Cost": "0", "Proxy-Authenticate": "Basic", "Server": "theirs",
        }  # fmt: skip
        return web.json_response({}, headers=told)

    acting.behaviour = with_headers
    answer = call(company, Connection="X-Mine", X_Mine="1", Cookie="c=d", X_Forwarded_Host="elsewhere.example")
    passed = {"x-ratelimit-remaining-requests": "7", "x-request-id": "req_1", "retry-after": "3", "x-kvota-cost": "1"}
    assert {name: answer.headers[name] for name in passed} == passed
    ours = {"date", "cache-control", "x-content-type-options", "content-type", "content-length"}
    assert set(answer.headers) == {*passed, *ours, "x-kvota-available", "x-kvota-charge"}
    sent = {name.lower() for name in acting.seen[0].headers}
    assert sent == {"host", "authorization", "content-type", "content-length", "accept", "accept-encoding"}


def test_a_wrong_method_is_told_the_right_one(acting, company):
    answer = call(company, method="GET")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method_not_allowed", "POST")


def test_a_model_that_nobody_has_is_told_before_anything_is_held(acting, tmp_path):
    upstreams = tmp_path / "up.toml"
    upstreams.write_text(f'[services.one]\nbase_url = "{acting.url}"\nkey_env = "AI_KEY"\nmodels = ["gpt-*"]\n')
    with gateway(f"sqlite:///{tmp_path}/kvota.db", tmp_path, upstreams) as server:
        company = Company(server)
        answer = call(company, "/embeddings", {"model": "embed-test", "input": "x"})
        assert (answer.status, answer.code) == (404, "model_not_found")
        assert company.kinds() == []
        assert "embed-test" in answer.error["message"]


def test_a_server_without_services_says_that_it_has_no_model(tmp_path):
    with serving(f"sqlite:///{tmp_path}/kvota.db", tmp_path, catalogue=CATALOGUE) as server:
        company = Company(server)
        answer = call(company)
        assert (answer.status, answer.code) == (404, "model_not_found")
        assert json.loads(call(company, "/models", method="GET").content)["data"] == []
        assert call(company, key="kv_wrong").code == "unauthenticated"


def test_a_file_of_services_with_a_mistake_is_told_before_anything_is_served(tmp_path):
    (tmp_path / "up.toml").write_text('[services.one]\nbase_url = "http://127.0.0.1:9"\n')
    settings = environment({"KVOTA_STORE": f"sqlite:///{tmp_path}/kvota.db"})
    ended = subprocess.run(
        [*KVOTA, "serve", "--port", "0", "--upstreams", f"{tmp_path}/up.toml"], env=settings, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "line 1: services.one.models: is missing" in ended.stderr


def test_keys_of_services_and_of_callers_are_in_no_log(acting, company, server):
    acting.behaviour = acting_as.failing(401)
    call(company)
    acting.behaviour = acting_as.breaks_in_the_middle
    line = open_call(company, body=STREAM)
    with pytest.raises(Exception, match=r"IncompleteRead|reset"):
        line.getresponse().read()
    line.close()
    log = server.log.read_text()
    assert "answer_broken" in log
    assert KEY not in log
    assert company.member not in log


def test_metrics_tell_how_the_services_do(acting, company, server):
    assert call(company).status == 200
    assert company.becomes(*CHARGED)
    acting.behaviour = acting_as.failing(500)
    assert call(company).status == 500
    with urllib.request.urlopen(f"{server.url}/metrics") as reply:  # noqa: S310 - loopback
        text = reply.read().decode()
    found = dict(re.findall(r'^(kvota_upstream_\w+)\{service="one"\} (\S+)$', text, re.MULTILINE))
    assert float(found["kvota_upstream_calls_total"]) > float(found["kvota_upstream_failures_total"]) > 0
    assert float(found["kvota_upstream_first_byte_seconds"]) >= 0
    assert re.search(r'kvota_upstream_tokens_total\{kind="context",service="one"\} [1-9]', text)
    assert re.search(r'kvota_upstream_spent_total\{currency="USD",service="one"\} [0-9.e-]*[1-9]', text)
    assert re.search(r'kvota_http_requests_total\{operation="openai_chat_completions",status="200"\}', text)
