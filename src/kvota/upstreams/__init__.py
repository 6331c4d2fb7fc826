"""The AI services behind us: any number with an OpenAI-compatible interface, by a configuration file.

For who asks a model himself::

    services = load(path, environment)            # UpstreamsInvalid: every mistake, with its line
    async with Upstreams(services) as upstreams:
        calls = Calls(upstreams)
        answer = await calls.chat("gpt-4o", [{"role": "user", "content": "…"}], max_tokens=200, temperature=0.7)
        answer.texts[0], answer.measures          # measures: for MeasureCharge; context_tokens, generated_tokens, …
        answer = await calls.transcribe("whisper-1", audio, name="call.mp3", media="audio/mpeg", language="ru")
        answer = await calls.image("dall-e-3", "a cat", n=1, size="1024x1024")    # texts: URLs or data URLs

They raise ``NoAnswer`` (no service has begun to answer, ``failures`` says why; trying later may help), ``Broken`` (the
answer did not come to its end), ``Refused`` (a 4xx of the service: of no use to repeat) and ``UnknownModel``. In each
case nothing was delivered.

For who passes bytes on::

    reply = await upstreams.send("chat_completions", model, Json(content))      # or an Upload
    try:
        reply.status, reply.headers               # those that may be passed on
        while piece := await reply.next():        # the first bytes are there already (reply.first); Broken
            ...
        reply.measures()
    finally:
        reply.close()                             # before its end: the service is cut off

``upstreams.health()`` tells how each service does: calls, failures, latency, tokens, money. An ``Upstreams`` belongs to
one event loop and is shared by all who run there.
"""

from kvota.upstreams.bodies import Body, Json, Upload
from kvota.upstreams.calling import Answered, Calls
from kvota.upstreams.configuration import Price, Secret, Service, load, parse
from kvota.upstreams.failing import WORDS, Broken, Failure, NoAnswer, Refused, UnknownModel
from kvota.upstreams.health import Health
from kvota.upstreams.reply import Reply
from kvota.upstreams.sending import ROUTES, Upstreams

__all__ = [
    "ROUTES",
    "WORDS",
    "Answered",
    "Body",
    "Broken",
    "Calls",
    "Failure",
    "Health",
    "Json",
    "NoAnswer",
    "Price",
    "Refused",
    "Reply",
    "Secret",
    "Service",
    "UnknownModel",
    "Upload",
    "Upstreams",
    "load",
    "parse",
]
