"""A portal's requests, from the 202 to the callback and the ledger."""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import web

from tests.bitrix24.rig import COMPANY, Rig, rigged, saying
from tests.upstreams.service import failing, never

TRANSCRIPT = "Good afternoon, this is Anna from Acme. You asked us about the price of thirty chairs, did you not?"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("provider")
    with rigged(folder, f"sqlite:///{folder}/kvota.db") as found:
        yield found


@pytest.fixture(autouse=True)
def well(rig: Rig) -> Iterator[None]:
    """Whatever a test has asked for ends with it, and no test breaks the contract."""
    yield
    rig.behave(None)
    rig.portal.down = rig.portal.loses_reply = lambda _: False
    rig.portal.slow_seconds = 0.0
    assert rig.portal.violations == []


def spent(rig: Rig, work: Any) -> list[dict[str, Any]]:
    """The entries that some work has come to, once everything is settled."""
    rig.idle()
    before = len(rig.entries())
    work()
    rig.idle()
    return [one for one in rig.entries()[before:] if one["kind"] in ("captured", "charged", "voided")]


def test_an_engine_is_registered_for_each_scenario_at_an_address_of_its_own(rig: Rig) -> None:
    engines = rig.portal.methods.engines
    assert [(code, one["CATEGORY"]) for code, one in engines.items()] == [
        ("kvota_crm", "text"),
        ("kvota_follow_up", "text"),
        ("kvota_sites", "text"),
        ("kvota_texts", "text"),
        ("kvota_images", "image"),
        ("kvota_crm_audio", "audio"),
        ("kvota_follow_up_audio", "audio"),
    ]
    assert len({one["COMPLETIONS_URL"] for one in engines.values()}) == 7


def test_a_question_is_answered_and_charged_once(rig: Rig) -> None:
    texts = rig.portal.engine("_texts")

    def ask() -> None:
        assert rig.portal.answer(texts, prompt="How are you?", collect_context=True) == "Hello, world!"

    (entry,) = spent(rig, ask)
    assert (entry["kind"], entry["action"], entry["cost"], entry["by"]) == (
        "captured", "chat_question", 1, "bitrix24:texts",
    )  # fmt: skip
    assert entry["measures"]["context_tokens"] == 12


def test_what_the_portal_says_reaches_the_model_as_it_was_meant(rig: Rig) -> None:
    context = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    said = {"payload_role": "Be brief.", "context": context, "max_tokens": 100, "temperature": 0.2}
    for collects, expected in ((True, 4), (False, 2)):
        rig.portal.answer(rig.portal.engine("_texts"), prompt="And now?", collect_context=collects, **said)
        body = httpx2.Response(200, content=rig.service.seen[-1].body).json()
        assert [one["role"] for one in body["messages"]][:1] == ["system"]
        assert (len(body["messages"]), body["messages"][-1]["content"]) == (expected, "And now?")
        assert (body["max_tokens"], body["temperature"]) == (100, 0.2)


def test_a_job_that_comes_twice_is_answered_and_charged_once(rig: Rig) -> None:
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="Once")

    def ask() -> None:
        for _ in range(3):
            rig.portal.run(rig.portal.post(job))
        rig.portal.wait(job)
        rig.portal.run(rig.portal.post(job))

    assert len(spent(rig, ask)) == 1


def test_the_answer_comes_at_once_whatever_the_service_does(rig: Rig) -> None:
    rig.behave(never)
    job = rig.portal.ask(rig.portal.engine("_texts"), prompt="Slowly", ttl=3)
    assert job.is_accepted
    assert job.seconds < 2  # of the five that there are: a few milliseconds, and a busy machine must not fail it
    rig.idle()
    assert rig.get("holds?status=open")["items"] == []


def test_a_service_that_fails_at_first_is_asked_again(rig: Rig) -> None:
    tries: list[int] = []

    async def behave(request: web.Request, fields: Any) -> web.StreamResponse:
        tries.append(1)
        return await (failing(500) if len(tries) < 3 else saying("At last"))(request, fields)

    rig.behave(behave)
    job = rig.portal.ask(rig.portal.engine("_texts"), prompt="Try", ttl=60)
    rig.portal.wait(job)
    rig.idle()
    assert (job.result, len(tries)) == ("At last", 3)
    assert rig.get("holds?status=open")["items"] == []


def test_who_cannot_be_answered_in_time_is_told_so_and_pays_nothing(rig: Rig) -> None:
    rig.behave(failing(500))
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="In vain", ttl=12)

    def ask() -> None:
        rig.portal.run(rig.portal.post(job))
        rig.portal.wait(job)

    (entry,) = spent(rig, ask)
    assert entry["kind"] == "voided"
    assert job.error is not None
    assert (job.error["api_request_completed"], "Ничего не списано" in job.error["message"]) == (False, True)


def test_a_request_that_the_service_refuses_ends_at_once(rig: Rig) -> None:
    rig.behave(failing(400))
    job = rig.portal.ask(rig.portal.engine("_texts"), prompt="No")
    rig.portal.wait(job)
    assert job.error is not None
    assert job.error["code"] == "upstream_refused"


def test_an_empty_answer_is_an_error_that_says_that_the_service_was_used(rig: Rig) -> None:
    rig.behave(saying("  "))
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="Nothing?")

    def ask() -> None:
        rig.portal.run(rig.portal.post(job))
        rig.portal.wait(job)

    assert [one["kind"] for one in spent(rig, ask)] == ["voided"]
    assert job.error is not None
    assert (job.error["code"], job.error["api_request_completed"]) == ("empty_answer", True)


def test_a_callback_is_repeated_until_it_is_taken_and_charged_once(rig: Rig) -> None:
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="Again", ttl=120)
    rig.portal.down = lambda one: one.callbacks < 4

    def ask() -> None:
        rig.portal.run(rig.portal.post(job))
        rig.portal.wait(job)

    (entry,) = spent(rig, ask)
    assert (entry["kind"], job.callbacks) == ("captured", 4)


def test_an_answer_that_nobody_takes_costs_nothing(rig: Rig) -> None:
    rig.portal.down = lambda _: True
    entries = spent(rig, lambda: rig.portal.ask(rig.portal.engine("_texts"), prompt="Hello?", ttl=2))
    assert [one["kind"] for one in entries] == ["voided"]


def test_a_reply_that_is_lost_makes_the_callback_come_again_with_the_same_answer(rig: Rig) -> None:
    rig.portal.loses_reply = lambda one: one.callbacks < 2
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="Lost", ttl=60)

    def ask() -> None:
        rig.portal.run(rig.portal.post(job))
        rig.portal.until(lambda: job.callbacks >= 2)

    (entry,) = spent(rig, ask)
    assert (entry["kind"], job.result) == ("captured", "Hello, world!")


def test_pictures_come_in_the_asked_number_and_size(rig: Rig) -> None:
    asked = {"prompt": "A cat", "style": "watercolour", "format": "portrait", "images_number": 3}
    found: list[Any] = []
    (entry,) = spent(rig, lambda: found.append(rig.portal.answer(rig.portal.engine("_images"), prompt=asked)))
    assert found == [[f"https://pictures.example/{number}.png" for number in range(3)]]
    assert (entry["action"], entry["cost"]) == ("site_picture", 3)
    body = httpx2.Response(200, content=rig.service.seen[-1].body).json()
    assert (body["n"], body["size"], "watercolour" in body["prompt"]) == (3, "1024x1792", True)


def test_pictures_that_have_no_address_are_refused_and_cost_nothing(rig: Rig) -> None:
    async def behave(request: web.Request, fields: Any) -> web.StreamResponse:
        return web.json_response({"data": [{"b64_json": "aGk="}]})

    rig.behave(behave)
    job = rig.portal.make(rig.portal.engine("_images"), prompt={"prompt": "A cat"})

    def ask() -> None:
        rig.portal.run(rig.portal.post(job))
        rig.portal.wait(job)

    assert [one["kind"] for one in spent(rig, ask)] == ["voided"]
    assert job.error is not None
    assert (job.error["code"], "KVOTA_IMAGE_MODEL" in job.error["message"]) == ("not_configured", True)


def audio(rig: Rig, content: bytes, name: str = "call") -> dict[str, Any]:
    return {
        "file": rig.portal.keep(name, content),
        "fileExtension": "mp3",
        "fields": {"type": "audio/mpeg", "prompt": "a call"},
    }


def call(rig: Rig, recording: bytes, *codes: str) -> list[dict[str, Any]]:
    """A call, stage by stage: its transcript, then what is asked about it."""
    rig.behave(saying(TRANSCRIPT))

    def work() -> None:
        transcript = rig.portal.answer(rig.portal.engine("crm_audio"), prompt=audio(rig, recording))
        for code in codes:
            prompt = f"What was agreed? The call:\n{transcript}\nAnswer briefly."
            rig.portal.answer(rig.portal.engine("_crm"), prompt=prompt, payload_raw=code)

    return spent(rig, work)


def test_a_call_processed_stage_by_stage_costs_3(rig: Rig) -> None:
    entries = call(rig, b"first call", "summarize_transcript", "extract_form_fields")
    assert [(one["action"], one["cost"]) for one in entries] == [("crm_call_processing", 1)] * 3
    assert len({one["subject"] for one in entries}) == 1


def test_a_call_with_speech_analytics_after_it_costs_4_and_its_transcription_is_paid_once(rig: Rig) -> None:
    entries = call(rig, b"second call", "summarize_transcript", "extract_form_fields")
    entries += call(rig, b"second call", "call_scoring")
    assert [one["cost"] for one in entries] == [1, 1, 1, 0, 1]
    assert len({one["subject"] for one in entries}) == 1
    assert entries[-1]["action"] == "crm_speech_analytics"


def test_a_follow_up_costs_10(rig: Rig) -> None:
    rig.behave(saying(TRANSCRIPT))

    def work() -> None:
        rig.portal.answer(rig.portal.engine("follow_up_audio"), prompt=audio(rig, b"meeting"))
        for code in ("meeting_overview", "meeting_insights", "meeting_summary", "meeting_evaluation"):
            rig.portal.answer(rig.portal.engine("_follow_up"), prompt=TRANSCRIPT, payload_raw=code)

    entries = spent(rig, work)
    assert [one["cost"] for one in entries] == [6, 1, 1, 1, 1]
    assert {one["action"] for one in entries} == {"follow_up"}
    assert len({one["subject"] for one in entries}) == 1


def test_a_follow_up_costs_nothing_where_the_operator_says_that_meetings_are_large(tmp_path: Path) -> None:
    catalogue = tmp_path / "large.toml"
    text = resources.files("kvota.catalogues").joinpath("bitrix24.toml").read_text()
    catalogue.write_text(re.sub(r"participants = 1 ", "participants = 4 ", text, count=1))
    with rigged(tmp_path, f"sqlite:///{tmp_path}/kvota.db", KVOTA_CATALOGUE=str(catalogue)) as large:
        large.behave(saying(TRANSCRIPT))

        def work() -> None:
            large.portal.answer(large.portal.engine("follow_up_audio"), prompt=audio(large, b"meeting"))
            for code in ("meeting_overview", "meeting_insights", "meeting_summary", "meeting_evaluation"):
                large.portal.answer(large.portal.engine("_follow_up"), prompt=TRANSCRIPT, payload_raw=code)

        assert [one["cost"] for one in spent(large, work)] == [0] * 5


@pytest.mark.parametrize(("pictures", "cost"), [(2, 5), (9, 12), (22, 25)])
def test_a_site_costs_5_to_25_and_a_block_2_and_more(rig: Rig, pictures: int, cost: int) -> None:
    sites, images = rig.portal.engine("_sites"), rig.portal.engine("_images")

    def site() -> None:
        for code in ("landing_ai_data", "landing_ai_content"):
            rig.portal.answer(sites, prompt="A site for a bakery", payload_raw=code)
        for number in [1, *[min(10, pictures - at) for at in range(0, pictures, 10)]]:
            rig.portal.answer(images, prompt={"prompt": "Bread", "images_number": number})

    assert sum(one["cost"] for one in spent(rig, site)) == cost

    def block() -> None:
        rig.portal.answer(sites, prompt="Another text", payload_raw="landing_ai_block_content")

    assert sum(one["cost"] for one in spent(rig, block)) == 2


def test_a_recording_is_fetched_from_the_portals_hosts_alone(rig: Rig) -> None:
    prompt = {**audio(rig, b"x"), "file": "https://elsewhere.example/call.mp3"}
    job = rig.portal.ask(rig.portal.engine("crm_audio"), prompt=prompt)
    rig.portal.wait(job)
    assert job.error is not None
    assert (job.error["code"], "elsewhere.example" in job.error["message"]) == ("file_unavailable", True)


def test_a_recording_that_is_not_there_is_told_and_costs_nothing(rig: Rig) -> None:
    prompt = {**audio(rig, b"x"), "file": f"{rig.portal.url}/disk/gone"}
    job = rig.portal.make(rig.portal.engine("crm_audio"), prompt=prompt)

    def ask() -> None:
        rig.portal.run(rig.portal.post(job))
        rig.portal.wait(job)

    assert spent(rig, ask) == []
    assert job.error is not None
    assert job.error["code"] == "file_unavailable"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"callbackUrl": "https://elsewhere.example/?hash=1"}, 400),
        ({"errorCallbackUrl": "http://169.254.169.254/?hash=1"}, 400),
        ({"callbackUrl": "file:///etc/passwd?hash=1"}, 400),
        ({"prompt": ""}, 400),
        ({"context": "none"}, 400),
    ],
)
def test_what_cannot_be_answered_is_not_accepted(rig: Rig, changed: dict[str, Any], status: int) -> None:
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="Hi")
    job.body.update(changed)
    assert rig.portal.run(rig.portal.post(job)).status == status


def test_an_answer_goes_to_the_portals_own_hosts_alone(rig: Rig) -> None:
    """Our own server's port: an address that may be called, at a host that is not the portal's."""
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="Hi")
    reply = httpx2.post(job.engine["COMPLETIONS_URL"], json={**job.body, "callbackUrl": f"{rig.server.url}/?hash=1"})
    assert reply.status_code == 400
    assert "must be at a host of the portal" in reply.text


def test_an_address_that_no_engine_has_is_not_found(rig: Rig) -> None:
    url = f"{rig.server.url}/bitrix24/engines/"
    assert httpx2.get(url + "0" * 43).status_code == 404
    assert httpx2.post(url + "0" * 43, json={}).status_code == 404
    assert httpx2.get(url).status_code == 404
    known = rig.portal.engine("_crm")["COMPLETIONS_URL"]
    assert httpx2.get(known).status_code == 200
    assert httpx2.put(known).status_code == 405
    assert httpx2.post(known, content=b"\xff").status_code == 400


def test_a_user_is_told_where_an_application_registered_the_engine(rig: Rig) -> None:
    (entry,) = spent(rig, lambda: rig.portal.answer(rig.portal.engine("_texts"), prompt="I am", user=7))
    assert entry["user"] == "7"


def test_unknown_keys_are_tolerated(rig: Rig) -> None:
    more = {"auth": {"surprise": [1]}, "somethingNew": {"a": 1}, "payload_markers": [], "payload_raw": {"no": "code"}}
    assert rig.portal.answer(rig.portal.engine("_texts"), prompt="Hi", **more) == "Hello, world!"


def test_the_ledger_is_proved(rig: Rig) -> None:
    done = rig.command("verify", COMPANY)
    assert done.returncode == 0, done.stdout


def test_who_guesses_at_addresses_does_not_shut_out_the_portal(rig: Rig) -> None:
    url = f"{rig.server.url}/bitrix24/engines/"
    with httpx2.Client() as client:
        assert [client.get(f"{url}{number:043d}").status_code for number in range(120)] == [404] * 120
    assert rig.portal.answer(rig.portal.engine("_texts"), prompt="Still here?") == "Hello, world!"
