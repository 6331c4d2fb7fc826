"""The HTTP doors of a server, laid side by side: each is plain ASGI and knows none of the others."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial

from kvota.apart.engine import EngineApart
from kvota.api.app import build_app
from kvota.asgi.exchange import Asgi, Scope
from kvota.asgi.metrics import Metrics
from kvota.asgi.streaming import Receive, Send
from kvota.bitrix24 import open_bitrix24
from kvota.gateway import Gateway
from kvota.mail import Mailer
from kvota.notify.sweep import Sweep
from kvota.notify.worker import Worker
from kvota.outgoing import Outgoing
from kvota.settings import Settings, variables
from kvota.upstreams import Calls, Upstreams, load
from kvota.web import Web
from kvota.wiring import Meter

OF_API = ("v1", "healthz", "readyz", "metrics", "openapi.json", "docs")
"""The first parts of the API's paths."""
Life = Callable[[], AbstractAsyncContextManager[None]]


class Doors:
    """Each request goes to the door that the first part of its path names, any other to the pages.

    Made by ``open_doors``.
    """

    def __init__(self, api: Asgi, others: Mapping[str, Asgi], web: Asgi, *, on_end: Callable[[], None]) -> None:
        self._api, self._web, self._on_end = api, web, on_end
        self._named = {**dict.fromkeys(OF_API, api), **others}

    def end_streams(self) -> None:
        """The server ends: what would go on for as long as somebody looks is ended first."""
        self._on_end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's scope: a request, or the life of the server, which the API lives."""
        door: Asgi = self._api
        if scope["type"] == "http" and scope["path"].startswith("/"):
            door = self._named.get(scope["path"][1:].partition("/")[0], self._web)
        await door(scope, receive, send)


def open_doors(
    meter: Meter, metrics: Metrics, settings: Settings, *, logs_requests: bool, apart: EngineApart | None = None
) -> Doors:
    """The doors of this meter, whose commands go to its engine, or to one ``apart``.

    They share the API's services and keyring; ``lives`` live as long as the server.
    """
    others: dict[str, Asgi] = {}
    lives: list[Life] = [open_outbox(meter, settings).live]
    if apart is not None:  # the first to live, and the last to end
        lives.insert(0, apart.lives)
    living = contextlib.AsyncExitStack()

    async def begin() -> None:
        for life in lives:
            await living.enter_async_context(life())

    api = build_app(
        apart or meter.engine,
        meter.reads,
        metrics=metrics,
        on_startup=begin,
        on_shutdown=living.aclose,
        logs_requests=logs_requests,
    )
    upstreams = Upstreams(() if settings.upstreams is None else load(settings.upstreams, variables()))
    api.services.upstream_health = upstreams.health
    metrics.watch_upstreams(upstreams.health)
    gateway = Gateway(api.services, api.keyring, upstreams, logs_requests=logs_requests)
    others["openai"] = gateway
    lives += [partial(_opened, upstreams), gateway.life]
    portals = open_bitrix24(
        meter.store, api.services, settings, None if settings.upstreams is None else Calls(upstreams)
    )
    others["bitrix24"] = portals.door
    lives += portals.lives
    api.services.workers = settings.workers
    web = Web(api.services, public_url=settings.public_url, logs_requests=logs_requests, elsewhere=api)
    return Doors(api, others, web, on_end=web.end_streams)


def open_outbox(meter: Meter, settings: Settings) -> Worker:
    """What sends the messages of this meter. Raises ``Invalid`` where the settings of mail cannot be read."""
    mailer = None
    if settings.smtp_url is not None and settings.mail_from is not None:
        mailer = Mailer(settings.smtp_url, settings.mail_from)
    outgoing = Outgoing(settings.private_targets)
    return Worker(meter.store, meter.reads.notices, outgoing, mailer, sweep=Sweep(meter.store, meter.reads))


@contextlib.asynccontextmanager
async def _opened(upstreams: Upstreams) -> AsyncGenerator[None]:
    async with upstreams:
        yield
