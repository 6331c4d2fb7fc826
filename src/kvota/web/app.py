"""The door of the dashboard: one request from its page to its HTML."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import structlog

from kvota.asgi import texts
from kvota.asgi.defects import log_defect
from kvota.asgi.exchange import Asgi, Scope, address_of, headers_of, query_of, read_all
from kvota.asgi.languages import Language, language_of
from kvota.asgi.routing import Router
from kvota.asgi.services import Services
from kvota.asgi.statuses import STATUS
from kvota.asgi.streaming import Disconnected, Receive, Send, Stream
from kvota.errors import (
    CallerError,
    Forbidden,
    KvotaError,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    WorldError,
)
from kvota.web import cookies as jar
from kvota.web.answers import Answer, Reply, Template, see
from kvota.web.assets import FOREVER, Assets
from kvota.web.cookies import Cookies
from kvota.web.counts import counts
from kvota.web.form import read_form
from kvota.web.live import Live
from kvota.web.page import Page
from kvota.web.pages import pages
from kvota.web.rendering import Renderer
from kvota.web.visit import Came, Visit

SIGN_IN = "/sign-in"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {frame}"
)
FIXED = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Web:
    """Plain ASGI. ``public_url`` is where browsers reach it; without one they come directly, as the request says.

    ``elsewhere`` answers what is no page to callers who do not ask for one.
    """

    def __init__(
        self,
        services: Services,
        *,
        public_url: str | None = None,
        logs_requests: bool = False,
        elsewhere: Asgi | None = None,
    ) -> None:
        self._services, self._elsewhere = services, elsewhere
        self._origin = None if public_url is None else "{0.scheme}://{0.netloc}".format(urlsplit(public_url))
        self._logs_requests = logs_requests
        self._live = Live(services)
        self._pages = pages()
        self._router = Router(self._pages)
        self._assets = Assets()
        self._renderer = Renderer(self._pages, self._assets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = time.perf_counter()
        if (asset := self._assets.at(scope["path"])) is not None:
            headers = ((b"cache-control", FOREVER), (b"x-content-type-options", b"nosniff"))
            await _send(send, Answer(200, asset.body, asset.content_type, headers), (), scope["method"])
            return
        headers = headers_of(scope)
        if self._elsewhere is not None and not self._router.find(scope["path"])[0] and not _reads_pages(headers):
            await self._elsewhere(scope, receive, send)
            return
        name, cookies = "none", None
        try:
            visit = await self._visit(scope, headers)
            cookies = visit.cookies
            name, answer = await self._serve(visit, scope, headers, receive)
            if isinstance(answer.body, Stream) and scope["method"] != "HEAD":
                await answer.body.begin(receive)
        except Disconnected:
            return
        except KvotaError as error:
            answer = self._bare(scope, error)
        except Exception as error:  # noqa: BLE001 - a defect must not leave the browser without a page
            log_defect(f"page {name}", error)
            answer = self._bare(scope, error)
        frame = "'none'" if cookies is None or not cookies.frame else cookies.frame
        policy = POLICY.format(frame=frame).encode("ascii")
        more = [*FIXED, (b"content-security-policy", policy), *(cookies.headers() if cookies else ())]
        await _send(send, answer, more, scope["method"])
        self._services.metrics.observe_request(f"page_{name}", answer.status, time.perf_counter() - started)
        if self._logs_requests:
            structlog.get_logger("kvota.access").info(
                "request", page=name, method=scope["method"], path=scope["path"], status=answer.status
            )

    def end_streams(self) -> None:
        """The server ends: pages that are kept up to date are told no more."""
        self._live.end()

    async def _visit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Visit:
        """Who came; a session that has ended is none."""
        origin = self._origin or f"{scope['scheme']}://{headers.get(b'host', b'').decode('latin-1')}"
        cookies = Cookies(headers.get(b"cookie", b""), is_secure=origin.startswith("https:"))
        secret, session = cookies.get(jar.SESSION), None
        access = self._services.reads.access
        if secret and (session := await self._services.read(access.session, secret)) is None:
            cookies.drop(jar.SESSION)
        if session is not None:
            cookies.frame = session.frame
        chosen = cookies.get(jar.LANGUAGE)
        language: Language = language_of(headers.get(b"accept-language", b""))
        if chosen in ("en", "ru"):
            language = "ru" if chosen == "ru" else "en"
        came = Came(
            method=scope["method"],
            path=scope["path"],
            query=query_of(scope),
            address=address_of(scope),
            agent=headers.get(b"user-agent", b"").decode("latin-1"),
            origin=origin,
            is_part=headers.get(b"hx-request") == b"true",
        )
        held = cookies.get(jar.VISITOR) if session is None else secret
        return Visit(self._services, came, cookies, session, secret=held, language=language, live=self._live)

    async def _serve(
        self, visit: Visit, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[str, Answer]:
        """The name of the page and its answer; what goes wrong is a page, too."""
        name = "none"
        try:
            page, parameters = self._route(scope)
            name, visit.parameters = page.name, parameters
            _admit(visit, page)
            if page.method == "POST":
                visit.form = read_form(await read_all(receive, headers), headers.get(b"content-type", b""))
                _check_ours(visit, headers)
            if not page.is_part:
                visit.counts = await counts(visit)
            return name, self._finished(visit, await self._handled(visit, page))
        except Unauthenticated:
            return name, self._to_sign_in(visit)
        except KvotaError as error:
            if isinstance(error, WorldError):
                structlog.get_logger("kvota.web").warning(error.code, detail=error.detail)
            return name, self._problem(visit, error)

    async def _handled(self, visit: Visit, page: Page) -> Reply:
        try:
            return await page.handler(visit)
        except CallerError as error:
            if page.again is None or isinstance(error, NotFound | Forbidden | Unauthenticated):
                raise
            visit.refuse(error, self._told(visit, error)[1])
            return await page.again(visit)

    def _route(self, scope: Scope) -> tuple[Page, dict[str, str]]:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        found, parts = self._router.find(scope["path"])
        if not found:
            raise NotFound("page", "")
        page = found.get(method)
        if page is None:
            raise MethodNotAllowed(f"{method}: {', '.join(found)}")
        return page, dict(zip(page.parameters, parts, strict=True))

    def _finished(self, visit: Visit, reply: Reply) -> Answer:
        if isinstance(reply, Template):
            return Answer(reply.status, self._renderer.render(visit, reply.name, **reply.values))
        return reply

    def _to_sign_in(self, visit: Visit) -> Answer:
        came = visit.came
        back = f"{SIGN_IN}?next={quote(came.path, safe='/')}" if came.method == "GET" and came.path != "/" else SIGN_IN
        if came.is_part:
            return Answer(200, b"", headers=((b"hx-redirect", SIGN_IN.encode()),))
        return see(back)

    def _problem(self, visit: Visit, error: KvotaError) -> Answer:
        status = STATUS[error.code]
        title, detail = self._told(visit, error)
        body = self._renderer.render(visit, "problem.html", status=status, title=title, detail=detail)
        headers = ((b"retry-after", b"%d" % error.retry_after_seconds),) if isinstance(error, WorldError) else ()
        return Answer(status, body, headers=headers)

    def _told(self, visit: Visit, error: KvotaError) -> tuple[str, str]:
        """A title and what helps: in the words of a page where it has some, otherwise as the API says it."""
        wording, status = self._renderer.wordings[visit.language], STATUS[error.code]
        if f"problem.title_{status}" in wording:
            return wording(f"problem.title_{status}"), wording(f"problem.detail_{status}")
        return texts.title(error.code, visit.language), texts.detail(error, error.code, visit.language)

    def _bare(self, scope: Scope, error: Exception) -> Answer:
        """A page for when not even who came can be told: it asks the store for nothing."""
        headers = headers_of(scope)
        language: Language = language_of(headers.get(b"accept-language", b""))
        status = STATUS[error.code] if isinstance(error, KvotaError) else 500
        wording = self._renderer.wordings[language]
        known = status if f"problem.title_{status}" in wording else 500
        title, detail = wording(f"problem.title_{known}"), wording(f"problem.detail_{known}")
        css = self._assets.url("app.css")
        return Answer(status, self._renderer.bare(language, css=css, title=title, detail=detail))


def _reads_pages(headers: Mapping[bytes, bytes]) -> bool:
    return b"text/html" in headers.get(b"accept", b"")


def _admit(visit: Visit, page: Page) -> None:
    """``Unauthenticated``, ``Forbidden``, or ``NotFound`` for the company of somebody else."""
    if page.roles is None:
        return
    session = visit.maybe_session
    if session is None:
        raise Unauthenticated("nobody is signed in")
    company = visit.parameters.get("company")
    if company is not None and session.company is not None and session.company != company:
        raise NotFound("company", company)
    if session.role not in page.roles:
        raise Forbidden(f"The role {session.role} may not do this.")


def _check_ours(visit: Visit, headers: Mapping[bytes, bytes]) -> None:
    """A form is taken from our own pages alone: the browser says so, and it holds what it was given there."""
    origin = headers.get(b"origin")
    if origin is not None:
        is_same = origin.decode("latin-1") == visit.came.origin
    else:
        is_same = headers.get(b"sec-fetch-site") == b"same-origin"
    if not is_same or not visit.is_ours():
        raise Forbidden("The form is not of this page.")


async def _send(send: Send, answer: Answer, more: Any, method: str) -> None:  # noqa: ANN401 - pairs of bytes
    headers = [(b"content-type", answer.content_type), *answer.headers, *more]
    if isinstance(answer.body, Stream):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if method == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        with contextlib.suppress(Disconnected, OSError):
            await answer.body.send(send)
        return
    headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
