"""Calls to AI services: who is asked, what is sent, what comes back, and what they have used."""

import asyncio
import io
import json
from contextlib import AsyncExitStack

import pytest

from kvota.upstreams import Broken, Calls, Json, NoAnswer, Refused, Service, UnknownModel, Upload, Upstreams, parse
from tests.upstreams import service as acting
from tests.upstreams.service import KEY, AiService

pytestmark = pytest.mark.anyio

CHAT = Json(b'{ "model":"gpt-test", "messages": [{"role": "user", "content": "Hi \\u00e9"}]}')
STREAM = Json(
    b'{"model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}], "stream": true,'
    b' "stream_options": {"include_usage": true}}'
)


def described(name: str, url: str, more: str = "") -> str:
    return f'[services.{name}]\nbase_url = "{url}"\nkey_env = "KEY"\nmodels = ["*-test"]\n{more}\n'


def services_of(*texts: str) -> tuple[Service, ...]:
    return parse("\n".join(texts), {"KEY": KEY})


@pytest.fixture
async def stack():
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def first(stack):
    return await stack.enter_async_context(AiService())


@pytest.fixture
async def second(stack):
    return await stack.enter_async_context(AiService())


async def opened(stack: AsyncExitStack, *texts: str) -> Upstreams:
    return await stack.enter_async_context(Upstreams(services_of(*texts)))


async def test_the_bytes_are_sent_and_come_back_as_they_are(stack, first):
    upstreams = await opened(stack, described("one", first.url))
    reply = await upstreams.send("chat_completions", "gpt-test", CHAT, accept="application/json")
    body = await reply.read(1000_000)
    assert first.seen[0].body == CHAT.content
    assert first.seen[0].path == "/v1/chat/completions"
    headers = {name.lower(): value for name, value in first.seen[0].headers.items()}
    assert headers.pop("host") == f"127.0.0.1:{first.port}"
    assert headers == {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "content-length": str(len(CHAT.content)),
        "accept": "application/json",
        "accept-encoding": "identity",
    }
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello, world!"
    assert reply.measures() == {"context_tokens": 12, "generated_tokens": 3}
    assert {name for name, _ in reply.headers} == {"content-type", "content-length"}


async def test_only_the_model_is_changed_where_the_service_has_another_name_for_it(stack, first):
    upstreams = await opened(stack, described("one", first.url, 'rename = { "gpt-test" = "gpt://folder/lite" }'))
    first.models = ("gpt://folder/lite",)
    reply = await upstreams.send("chat_completions", "gpt-test", CHAT)
    reply.close()
    assert json.loads(first.seen[0].body) == {**json.loads(CHAT.content), "model": "gpt://folder/lite"}
    assert reply.model == "gpt://folder/lite"


async def test_a_form_is_sent_as_it_is_and_only_its_model_changed(stack, first, second):
    first.behaviour = acting.failing(503)
    renaming = described("two", second.url, 'rename = { "whisper-test" = "w" }')
    upstreams = await opened(stack, described("one", first.url), renaming)
    file = io.BytesIO()
    recording = bytes(range(256)) * 1000
    form = Upload.of(file, {"model": "whisper-test", "language": "ru"}, 'a"b.wav', "audio/wav", recording)
    reply = await upstreams.send("audio_transcriptions", "whisper-test", form)
    assert json.loads(await reply.read(10_000))["text"] == "Good day, 256000 bytes."
    assert first.seen[0].body == file.getvalue()
    assert second.seen[0].body == file.getvalue().replace(b"whisper-test", b"w", 1)
    assert len(second.seen[0].body) == int(second.seen[0].headers["Content-Length"])


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (acting.failing(500), "failing"),
        (acting.failing(503), "failing"),
        (acting.failing(429), "overloaded"),
        (acting.failing(401), "key_refused"),
        (acting.failing(403), "key_refused"),
        (acting.failing(302, Location="http://127.0.0.1:9/v1"), "redirects"),
        (acting.never, "silent"),
        (acting.hangs_up, "broken"),
        (acting.hangs_up_with_only_headers, "broken"),
    ],
    ids=["500", "503", "429", "401", "403", "302", "silent", "hangs up", "only headers"],
)
async def test_the_next_one_is_asked_when_one_fails_before_its_first_byte(stack, first, second, behaviour, failure):
    first.behaviour = behaviour
    one = described("one", first.url, "first_byte_seconds = 1" if failure == "silent" else "")
    upstreams = await opened(stack, one, described("two", second.url))
    reply = await upstreams.send("chat_completions", "gpt-test", CHAT)
    assert (reply.service, reply.status) == ("two", 200)
    await reply.read(10_000)
    well, health = upstreams.health()[1], upstreams.health()[0]
    assert (health.status, health.calls, health.failures, health.last_failure) == ("failing", 1, 1, failure)
    assert (well.status, well.calls, well.failures) == ("well", 1, 0)


async def test_the_next_one_is_asked_when_nothing_listens(stack, second):
    dead = AiService()
    async with dead:
        pass
    upstreams = await opened(stack, described("one", dead.url), described("two", second.url))
    reply = await upstreams.send("chat_completions", "gpt-test", CHAT)
    reply.close()
    assert reply.service == "two"
    assert upstreams.health()[0].last_failure == "refused"


async def test_nobody_else_is_asked_after_the_first_byte(stack, first, second):
    first.behaviour = acting.breaks_in_the_middle
    upstreams = await opened(stack, described("one", first.url), described("two", second.url))
    reply = await upstreams.send("chat_completions", "gpt-test", STREAM)
    assert await reply.next() == b'data: {"choices": []}\n\n'
    with pytest.raises(Broken):
        await reply.next()
    assert second.seen == []
    assert upstreams.health()[0].last_failure == "broken"


async def test_an_answer_that_falls_silent_is_broken_off(stack, first):
    first.behaviour = acting.falls_silent_in_the_middle
    upstreams = await opened(stack, described("one", first.url, "idle_seconds = 1"))
    reply = await upstreams.send("chat_completions", "gpt-test", STREAM)
    assert await reply.next()
    with pytest.raises(Broken):
        await reply.next()
    await asyncio.wait_for(first.cut.wait(), 10)


async def test_a_redirect_is_not_followed(stack, first, second):
    first.behaviour = acting.failing(307, Location=f"{second.url}/chat/completions")
    upstreams = await opened(stack, described("one", first.url))
    with pytest.raises(NoAnswer) as caught:
        await upstreams.send("chat_completions", "gpt-test", CHAT)
    assert caught.value.failures == {"one": "redirects"}
    assert second.seen == []


async def test_a_429_of_the_last_one_comes_back_as_it_is_with_when_to_try_again(stack, first, second):
    first.behaviour = acting.failing(500)
    second.behaviour = acting.failing(429, **{"Retry-After": "7"})
    upstreams = await opened(stack, described("one", first.url), described("two", second.url))
    reply = await upstreams.send("chat_completions", "gpt-test", CHAT)
    assert (reply.status, dict(reply.headers)["retry-after"]) == (429, "7")
    assert json.loads(reply.first)["error"]["message"].startswith("429")


async def test_our_key_comes_back_in_no_answer(stack, first):
    first.behaviour = acting.failing(400, **{"X-Request-Id": f"of {KEY}"})
    upstreams = await opened(stack, described("one", first.url))
    reply = await upstreams.send("chat_completions", "gpt-test", CHAT)
    assert KEY not in repr((reply.first, reply.headers))
    assert json.loads(reply.first)["error"]["message"] == "400 of Bearer ***"
    assert dict(reply.headers)["x-request-id"] == "of ***"


async def test_where_all_fail_the_reasons_are_told_by_service(stack, first, second):
    first.behaviour, second.behaviour = acting.failing(401), acting.hangs_up
    upstreams = await opened(stack, described("one", first.url), described("two", second.url))
    with pytest.raises(NoAnswer) as caught:
        await upstreams.send("chat_completions", "gpt-test", CHAT)
    assert caught.value.failures == {"one": "key_refused", "two": "broken"}
    assert KEY not in str(caught.value)


async def test_a_model_that_nobody_has_is_told(stack, first):
    upstreams = await opened(stack, described("one", first.url))
    with pytest.raises(UnknownModel, match="gpt-other"):
        await upstreams.send("chat_completions", "gpt-other", CHAT)
    assert first.seen == []


async def test_a_call_that_is_cancelled_cuts_the_service_off(stack, first):
    first.behaviour = acting.never
    upstreams = await opened(stack, described("one", first.url))
    call = asyncio.ensure_future(upstreams.send("chat_completions", "gpt-test", CHAT))
    await asyncio.wait_for(first.came.wait(), 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(first.cut.wait(), 10)


async def test_a_cookie_of_a_service_is_not_kept(stack, first):
    first.behaviour = acting.failing(400, **{"Set-Cookie": "a=b; Path=/"})
    upstreams = await opened(stack, described("one", first.url))
    for _ in range(2):
        reply = await upstreams.send("chat_completions", "gpt-test", CHAT)
        assert "set-cookie" not in dict(reply.headers)
    assert "Cookie" not in first.seen[1].headers


async def test_connections_are_used_again(stack, first):
    peers = set()

    async def noting(request, fields):
        peers.add(request.transport.get_extra_info("peername"))
        return await acting.chat(request, fields)

    first.behaviour = noting
    upstreams = await opened(stack, described("one", first.url))
    for body in (CHAT, STREAM, CHAT):
        reply = await upstreams.send("chat_completions", "gpt-test", body)
        await reply.read(100_000)
        reply.close()
    assert len(peers) == 1


PRICES = """
[services.one.prices."gpt-*"]
currency = "USD"
input = 150000
cached_input = 75000
output = 600000
[services.one.prices."whisper-*"]
currency = "RUB"
audio_minute = 600000
[services.one.prices."image-*"]
currency = "USD"
image = 40000
"""


@pytest.mark.parametrize(
    ("route", "fields", "images", "expected"),
    [
        (
            "chat_completions",
            {"model": "gpt-test", "messages": [1]},
            0,
            {"context_tokens": 12, "generated_tokens": 3, "upstream_cost_micro_usd": 4},  # 1.8 + 1.8
        ),
        (
            "chat_completions",
            {"model": "gpt-test", "messages": [1], "stream": True, "stream_options": {"include_usage": True}},
            0,
            {"context_tokens": 12, "generated_tokens": 3, "upstream_cost_micro_usd": 4},
        ),
        ("chat_completions", {"model": "gpt-test", "messages": [1], "stream": True}, 0, {}),
        (
            "responses",
            {"model": "gpt-test", "input": "Hi", "stream": True},
            0,
            {"context_tokens": 12, "generated_tokens": 3, "cached_tokens": 4, "upstream_cost_micro_usd": 4},
        ),
        ("embeddings", {"model": "embed-test", "input": "Hi"}, 0, {"context_tokens": 7}),
        (
            "images_generations",
            {"model": "image-test", "prompt": "x", "n": 3},
            3,
            {"upstream_cost_micro_usd": 120000},
        ),
    ],
    ids=["chat", "stream", "stream without usage", "responses", "embeddings", "images"],
)
async def test_what_an_answer_has_used_is_read_while_it_passes(  # noqa: PLR0917 - two fixtures and the case
    stack, first, route, fields, images, expected
):
    upstreams = await opened(stack, described("one", first.url, PRICES))
    reply = await upstreams.send(route, fields["model"], Json.of(fields))
    async for _ in reply:
        pass
    assert reply.measures(images=images) == expected
    reply.measures(images=images)
    spent = {"USD": expected["upstream_cost_micro_usd"]} if "upstream_cost_micro_usd" in expected else {}
    assert upstreams.health()[0].spent == spent


async def test_values_can_be_asked_for_instead_of_bytes(stack, first):
    calls = Calls(await opened(stack, described("one", first.url, PRICES)))
    chat = await calls.chat("gpt-test", [{"role": "user", "content": "Hi"}], max_tokens=9, temperature=None)
    assert (chat.texts, chat.service) == (["Hello, world!"], "one")
    assert chat.measures["context_tokens"] == 12
    assert json.loads(first.seen[0].body) == {
        "model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9,
    }  # fmt: skip
    heard = await calls.transcribe("whisper-test", b"RIFF" * 10, name="a.wav", media="audio/wav", language="ru")
    assert heard.texts == ["Good day, 40 bytes."]
    assert heard.measures == {"audio_seconds": 31, "upstream_cost_micro_rub": 310_000}
    drawn = await calls.image("image-test", "a cat", n=2, size="1024x1024")
    assert drawn.texts == ["https://pictures.example/0.png", "https://pictures.example/1.png"]
    with pytest.raises(Refused, match="one answers 400: messages: a list is needed"):
        await calls.chat("gpt-test", [])


async def test_the_models_are_those_that_are_named_and_those_that_are_listed(stack, first, second):
    second.behaviour = acting.failing(500)
    named = f'[services.two]\nbase_url = "{second.url}"\nkey_env = "KEY"\nmodels = ["mine", "any-*"]\n'
    upstreams = await opened(stack, described("one", first.url), named)
    assert await upstreams.models() == [
        ("embed-test", "one"), ("gpt-test", "one"), ("image-test", "one"), ("mine", "two"), ("whisper-test", "one"),
    ]  # fmt: skip


async def test_without_an_opened_session_nothing_is_sent():
    upstreams = Upstreams(services_of(described("one", "http://127.0.0.1:9/v1")))
    with pytest.raises(RuntimeError, match="comes first"):
        await upstreams.send("chat_completions", "gpt-test", CHAT)
