"""The HTTP server: uvicorn in this very process, or several worker processes that share one listening socket.

A single process has its engine in a second one, where there is a second core: Python runs on one core at a time, and
HTTP is as much work as deciding.

Whatever is wrong at the start is raised as a ``CallerError`` (the settings do not fit) or a ``WorldError`` (the store
or the address cannot be had), before a single call is taken. SIGTERM and SIGINT end it: no new connections, the calls
that were accepted finish, within ``GRACE_SECONDS``.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from kvota.apart.engine import EngineApart
from kvota.asgi.metrics import Metrics
from kvota.core.periods import SECOND
from kvota.doors import open_doors
from kvota.errors import KvotaError, WorldError
from kvota.settings import Settings, variables
from kvota.stores import is_shareable
from kvota.supervisor import ENDING, receive_job, supervise
from kvota.upstreams import load
from kvota.wiring import Meter, first_operator_key, open_meter

GRACE_SECONDS = 10
SKEW_WORTH_TELLING = 1000
KEEP_ALIVE_SECONDS = 75
"""Longer than a reverse proxy keeps its idle connections (60 s, as a rule): so it is the proxy that closes them."""
HEAD_SECONDS = 30
BODY_SECONDS = 60
UNREAD_SECONDS = 60
"""A client that takes nothing of its reply for so long is cut off by the kernel."""
MAX_HEAD = 32_768
MAX_PIPELINED = 200
BACKLOG = 2048


class AddressUnusable(WorldError):
    """The address to listen on is taken, or not ours."""

    code = "address_unusable"


def serve(
    settings: Settings, host: str, port: int, workers: int = 1, *, announce: Callable[[str], None] = print
) -> None:
    """Serve until a signal ends it. ``announce`` is told, line by line, what there is to know at the start."""
    end_on_signals()
    serve_on(listen(host, port), settings, workers, announce=announce)


def serve_on(
    listening: socket.socket,
    settings: Settings,
    workers: int = 1,
    *,
    announce: Callable[[str], None],
    more: Callable[[str], Iterable[str]] = lambda _: (),
) -> None:
    """Serve on a listening socket. ``more`` is given the URL and tells what else to announce."""
    end_on_signals()
    settings = msgspec.structs.replace(settings, workers=workers)
    configure_logging(settings.log_level)
    if settings.upstreams is not None:
        load(settings.upstreams, variables())  # its mistakes are told before anything is served
    metrics = Metrics()
    is_apart = workers == 1 and len(os.sched_getaffinity(0)) > 1 and is_shareable(settings.store)
    meter = open_meter(settings, on_batch=None if is_apart else metrics.observe_batch)
    try:
        meter.store.ping()  # a store that cannot be written to is told now, not to each caller
        url = url_of(listening)
        for line in (*_announcement(meter, settings, url), *more(url)):
            announce(line)
    except BaseException:
        meter.close()
        raise
    if workers == 1:
        apart = EngineApart(settings.store, metrics.observe_batch) if is_apart else None
        run(meter, metrics, listening, settings, apart)
    else:
        meter.close()
        supervise(listening.fileno(), settings, workers, grace_seconds=GRACE_SECONDS)


def work() -> None:
    """The life of one worker process of the supervisor."""
    job = receive_job()
    threading.Thread(target=_end_with_supervisor, name="kvota-supervisor", daemon=True).start()
    end_on_signals()
    # A SIGINT of the terminal reaches every process of the group; it is the supervisor that ends its workers.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGCHLD})
    configure_logging(job.settings.log_level)
    listening = socket.socket(fileno=job.descriptor)
    try:
        metrics = Metrics()
        meter = open_meter(job.settings, on_batch=metrics.observe_batch)
    except KvotaError as error:
        structlog.get_logger().error("worker_cannot_start", detail=str(error))
        raise SystemExit(3) from None
    run(meter, metrics, listening, job.settings)


def _end_with_supervisor() -> None:
    while os.read(0, 1):  # and not sys.stdin, whose lock a waiting thread would keep at the exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def run(
    meter: Meter, metrics: Metrics, listening: socket.socket, settings: Settings, apart: EngineApart | None = None
) -> None:
    """Serve in this process until a signal comes; then finish what was accepted and close the meter."""
    try:
        # A line for each request would cost more than the request: only for whoever asks for it.
        logs_requests = settings.log_level == "debug"
        app = open_doors(meter, metrics, settings, logs_requests=logs_requests, apart=apart)
        config = uvicorn.Config(
            app,
            http=BoundedRequest,
            loop="uvloop",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            backlog=BACKLOG,
        )
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked through at every collection
        early: list[int] = []
        for number in ENDING:
            signal.signal(number, lambda number, _: early.append(number))
        _Server(config, app.end_streams, early).run(sockets=[listening])
    finally:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        if apart is not None:
            apart.close()
        meter.close()


class _Server(uvicorn.Server):
    """Uvicorn's, which ends what nobody else would end before it waits for the calls that run.

    ``early`` has the signals that have come before uvicorn listens to them: whatever thread is given a signal, it is
    noted. Afterwards it takes those that uvicorn sends itself once more, for there is something to do after it.
    """

    def __init__(self, config: uvicorn.Config, on_end: Callable[[], None], early: Sequence[int]) -> None:
        super().__init__(config)
        self._on_end, self._early = on_end, early

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        with super().capture_signals():
            for number in self._early:
                self.handle_exit(number, None)
            yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; ``AddressUnusable`` says what is in the way."""
    where = f"{host}, port {port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise AddressUnusable(
            f"Cannot listen on {where}: {why}. Choose another address with --host and --port, or end what listens "
            "there."
        ) from error
    if sys.platform == "linux":  # accepted connections inherit it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    return listening


def masked(store: str) -> str:
    """The URL of a store without its password."""
    parts = urlsplit(store)
    netloc = parts.netloc
    if parts.password is not None:
        who, _, where = netloc.rpartition("@")
        netloc = f"{who.partition(':')[0]}:***@{where}"
    query = parts.query
    if "password" in query:
        query = urlencode([(k, "***" if "password" in k else v) for k, v in parse_qsl(query)], safe="*/")
    return (
        store
        if (netloc, query) == (parts.netloc, parts.query)
        else urlunsplit(parts._replace(netloc=netloc, query=query))
    )


def url_of(listening: socket.socket) -> str:
    """Where it is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announcement(meter: Meter, settings: Settings, url: str) -> list[str]:
    catalogue = meter.reads.catalogue()
    lines = [
        f"Kvota serves on {url}",
        f"store: {masked(settings.store)}",
        f"catalogue: {catalogue.id} {catalogue.version}",
        f"sandbox: {'yes, clients can set the clock' if meter.reads.is_sandbox else 'no'}",
    ]
    skew = meter.reads.clock_skew()
    if abs(skew) >= SKEW_WORTH_TELLING:
        lines.append(f"clock: the store's, which is {skew / SECOND:+.3f} s from this machine's; set the clocks right")
    secret = first_operator_key(meter, settings)
    if secret is not None:
        lines.append(f"operator key (shown this once, keep it): {secret}")
    return lines


def end_on_signals() -> None:
    """From here on a signal ends the process at once: it has promised nobody anything, until uvicorn runs.

    An exception would come just anywhere, in a lock or in an import, and could keep the process from ending.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)


def configure_logging(level: str) -> None:
    """Logs as JSON lines on stderr, our own and those of the libraries."""
    wanted = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(wanted),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(wanted, logging.WARNING), force=True)


class BoundedRequest(HttpToolsProtocol):
    """Uvicorn's protocol with bounds on what a client may do to the others.

    On a request's head (431), on the time that a head and a body may take (408), and on how many requests may be sent
    ahead without waiting for their replies (the connection is closed).
    """

    _is_in_head = True
    _is_too_large = False
    _head_bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_in_head and self._head_bytes > MAX_HEAD:
            self._is_too_large = True
            self.send_400_response("")
        elif self._timer is None and not self._is_in_head:
            self._timer = self.loop.call_later(BODY_SECONDS, self._body_is_late)
        elif self._timer is None and self._head_bytes:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD:
            self._is_too_large = True
            raise ValueError("the head is too large")
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("too many requests without waiting for a reply")
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head, self._head_bytes = True, 0
        self._stop_timer()

    def send_400_response(self, msg: str) -> None:
        if self._is_owed_a_reply():
            self.transport.close()  # the next bytes would be taken for the reply to the earlier request
        elif self._is_too_large:
            self._refuse(431, f"The head of the request has more than {MAX_HEAD} bytes.")
        else:
            super().send_400_response(msg)

    def _is_owed_a_reply(self) -> bool:
        """Whether an earlier request than the one that is being read has not got its whole reply."""
        is_pending = bool(self.cycle) and not self.cycle.response_complete
        return is_pending and (self._is_in_head or bool(self.pipeline) or self.cycle.response_started)

    def _body_is_late(self) -> None:
        if self._is_owed_a_reply():
            self.transport.close()
        else:
            self._refuse(408, f"The body of the request was not complete after {BODY_SECONDS} seconds.")

    def _refuse(self, status: int, text: str) -> None:
        head = f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + (head + text).encode())
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
