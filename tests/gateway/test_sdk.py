"""The official `openai` SDK, sync and async, works by changing `base_url` and `api_key`; each call is charged once.

Against two services: `mock-ai-api` of the package index, which others have written, and the tests' own strict one.
"""

import asyncio

import openai
import pytest

from tests.gateway.running import Company

MODELS = {
    "server": ("gpt-test", "embed-test", "whisper-test", "image-test"),
    "server_of_another_make": ("gpt-4.1", "text-embedding-3-small", "whisper-1", "gpt-image-1"),
}
HELLO = [{"role": "user", "content": "Hello"}]
RECORDING = ("call.wav", b"RIFF" + bytes(5000), "audio/wav")


class Sdk:
    """One of the two clients; its answers are waited for, and its streams are collected."""

    def __init__(self, kind: str, company: Company) -> None:
        self._runner = asyncio.Runner() if kind == "async" else None
        make = openai.AsyncOpenAI if kind == "async" else openai.OpenAI
        self.client = make(base_url=company.openai, api_key=company.member, max_retries=0)

    def done(self, call):
        return call if self._runner is None else self._runner.run(call)

    def collected(self, call):
        if self._runner is None:
            return list(call)

        async def collect():
            return [event async for event in await call]

        return self._runner.run(collect())

    def models(self):
        if self._runner is None:
            return [model.id for model in self.client.models.list()]

        async def collect():
            return [model.id async for model in self.client.models.list()]

        return self._runner.run(collect())

    def close(self):
        self.done(self.client.close())
        if self._runner is not None:
            self._runner.close()


@pytest.fixture(params=list(MODELS))
def at(request):
    return request.param


@pytest.fixture
def acme(request, at):
    return Company(request.getfixturevalue(at))


@pytest.fixture(params=["sync", "async"])
def sdk(request, acme):
    made = Sdk(request.param, acme)
    yield made
    made.close()


def is_charged_once(company, action, cost):
    """Exactly one call in the ledger: held, captured, and what it used in an entry of its own."""
    assert company.becomes("held", "captured", "measured")
    (captured,) = company.entries("captured")
    assert (captured["action"], captured["cost"], captured["user"]) == (action, cost, "anna")
    assert company.open_holds() == []
    return {name: value for entry in company.entries("measured") for name, value in entry["measures"].items()}


def test_a_chat(sdk, acme, at):
    chat = sdk.done(sdk.client.chat.completions.create(model=MODELS[at][0], messages=HELLO))
    assert chat.choices[0].message.content.startswith("Hello")
    used = is_charged_once(acme, "question", 1)
    assert used["context_tokens"] == chat.usage.prompt_tokens
    assert used["generated_tokens"] == chat.usage.completion_tokens
    assert used["upstream_cost_micro_usd"] == chat.usage.prompt_tokens + 2 * chat.usage.completion_tokens


def test_a_streamed_chat(sdk, acme, at):
    options = {"include_usage": True}
    chunks = sdk.collected(
        sdk.client.chat.completions.create(model=MODELS[at][0], messages=HELLO, stream=True, stream_options=options)
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said.startswith("Hello")
    assert len(chunks) > 2
    used = is_charged_once(acme, "question", 1)
    (usage,) = [chunk.usage for chunk in chunks if chunk.usage]
    assert used["context_tokens"] == usage.prompt_tokens


def test_a_response(sdk, acme, at):
    response = sdk.done(sdk.client.responses.create(model=MODELS[at][0], input="Hello"))
    assert response.output_text
    used = is_charged_once(acme, "question", 1)
    assert used["context_tokens"] == response.usage.input_tokens


def test_a_streamed_response(sdk, acme, at):
    events = sdk.collected(sdk.client.responses.create(model=MODELS[at][0], input="Hello", stream=True))
    assert [events[0].type, events[-1].type] == ["response.created", "response.completed"]
    used = is_charged_once(acme, "question", 1)
    assert used["generated_tokens"] == events[-1].response.usage.output_tokens


def test_embeddings(sdk, acme, at):
    found = sdk.done(sdk.client.embeddings.create(model=MODELS[at][1], input=["one", "two"]))
    assert [one.index for one in found.data] == [0, 1]
    assert all(isinstance(number, float) for number in found.data[1].embedding)
    assert is_charged_once(acme, "question", 1)["context_tokens"] == found.usage.prompt_tokens


def test_a_transcription(sdk, acme, at):
    heard = sdk.done(sdk.client.audio.transcriptions.create(model=MODELS[at][2], file=RECORDING))
    assert heard.text
    assert is_charged_once(acme, "heard", 1)


def test_images_are_charged_by_their_number(sdk, acme, at):
    drawn = sdk.done(sdk.client.images.generate(model=MODELS[at][3], prompt="A cat", n=2))
    assert len(drawn.data) == (2 if at == "server" else 1)  # mock-ai-api draws one, however many are asked for
    used = is_charged_once(acme, "picture", 4)
    assert acme.entries("captured")[0]["quantities"] == {"images": 2}
    assert used["upstream_cost_micro_usd"] >= 80_000


def test_the_models_are_listed_for_nothing(sdk, acme, at):
    assert MODELS[at][0] in sdk.models()
    assert sdk.done(sdk.client.models.retrieve(MODELS[at][0])).id == MODELS[at][0]
    assert acme.kinds() == []


def test_a_decline_is_an_error_that_the_sdk_shows_with_the_way_out(request, at):
    company = Company(request.getfixturevalue(at), plan="five")
    with openai.OpenAI(base_url=company.openai, api_key=company.member) as client:
        client.images.generate(model=MODELS[at][3], prompt="A cat", n=2)
        with pytest.raises(openai.APIStatusError) as declined:
            client.images.generate(model=MODELS[at][3], prompt="A cat", n=2)
    error = declined.value
    assert (error.status_code, error.code, error.type) == (402, "insufficient_requests", "insufficient_quota")
    assert "This costs 4 AI requests, and 1 are available: 3 too few." in error.message
    told = {name: error.body[name] for name in ("reason", "cost", "available", "short_by", "cap")}
    assert told == {"reason": "insufficient_requests", "cost": 4, "available": 1, "short_by": 3, "cap": None}
    assert error.body["ways_out"][0]["kind"] == "boost"
    assert error.body["renews_at"] == error.body["retry_at"]
    assert company.becomes("held", "captured", "measured")


def test_an_unknown_key_is_an_authentication_error(company):
    with (
        openai.OpenAI(base_url=company.openai, api_key="kv_wrong") as client,
        pytest.raises(openai.AuthenticationError, match="API key"),
    ):
        client.chat.completions.create(model="gpt-test", messages=HELLO)
