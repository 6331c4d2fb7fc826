"""A Bitrix24 portal, simulated: a real HTTP server that keeps to the documented contract and forgives nothing.

It checks ``completions_url`` by GET, gives five seconds to answer a job, takes nothing but 202 with JSON for it,
and takes a callback only for a job of its own that is not over. What breaks the contract is in ``violations``.
A job that was not taken (503, or no answer in five seconds) it has forgotten: its callback finds nothing (404), since a
provider may have kept it without being able to say so; the contract does not forbid to try, and nothing may be charged.
Its misbehaviour is asked for: ``down``, ``slow_seconds``, and jobs that are sent twice or out of order.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from tests.bitrix24.methods import Methods, Page, Refused
from tests.bitrix24.tokens import OAuthError, Tokens
from tests.sites import listen, shut

ANSWER_SECONDS = 5.0
TTL_SECONDS = 14_400
T = TypeVar("T")


class Job:
    """What was asked of an engine, and all that came of it."""

    def __init__(self, engine: dict[str, Any], body: dict[str, Any], hashed: str, ttl: float) -> None:
        self.engine, self.body, self.hash = engine, body, hashed
        self.ends_at = time.monotonic() + ttl
        self.status: int | None = None
        """What the post was answered with; None where nobody answered in time."""
        self.is_forgotten = False
        """It was sent, and not taken."""
        self.seconds = 0.0
        self.result: Any = None
        self.error: dict[str, Any] | None = None
        self.callbacks = 0
        """How many came, those that were refused included."""

    @property
    def is_accepted(self) -> bool:
        return self.status == 202

    @property
    def is_over(self) -> bool:
        return self.result is not None or self.error is not None


class Portal:
    """The portal. ``with Portal() as portal: …`` serves in a thread of its own."""

    def __init__(self) -> None:
        self.webhook_secret = secrets.token_hex(8)
        self.member_id = secrets.token_hex(16)
        self.application_token = secrets.token_hex(16)
        self.violations: list[str] = []
        self.jobs: dict[str, Job] = {}
        self.files: dict[str, bytes] = {}
        self.down: Callable[[Job], bool] = lambda _: False
        """Whether a callback finds nobody just now: it is answered 503."""
        self.loses_reply: Callable[[Job], bool] = lambda _: False
        """Whether a callback is taken, and the connection breaks before its reply."""
        self.slow_seconds = 0.0
        self.fetched: list[str] = []
        self._condition = threading.Condition()
        self._ready = threading.Event()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="portal", daemon=True)
        self.methods = Methods(lambda: self._session)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the simulated portal does not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 120) -> T:
        """Run something in the portal's own loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    # What a test asks of it

    @property
    def webhook(self) -> str:
        """The URL of the administrator's inbound webhook."""
        return f"{self.url}/rest/1/{self.webhook_secret}/"

    def engine(self, ending: str) -> dict[str, Any]:
        """The registered engine whose code ends so."""
        found = [one for code, one in self.methods.engines.items() if code.endswith(ending)]
        if len(found) != 1:
            raise LookupError(f"{ending!r}: {[*self.methods.engines]}")
        return found[0]

    def make(self, engine: dict[str, Any], *, ttl: float = TTL_SECONDS, user: int | None = None, **body: Any) -> Job:
        """A job for an engine, not yet sent. ``body`` are fields of the request beside the portal's own."""
        hashed = secrets.token_hex(16)
        callback = f"{self.url}/bitrix/services/main/ajax.php?action=ai.integration.callback"
        full = {
            "prompt": "",
            "payload_raw": "zero_prompt",
            "payload_provider": "prompt",
            "payload_prompt_text": None,
            "payload_markers": {},
            "payload_role": None,
            "collect_context": False,
            "context": [],
            "max_tokens": None,
            "temperature": 0.7,
            "auth": None if user is None else {"user_id": user, "domain": self.host, "member_id": self.member_id},
            "category": engine["CATEGORY"],
            "ttl": ttl,
            "callbackUrl": f"{callback}.success&hash={hashed}",
            "errorCallbackUrl": f"{callback}.error&hash={hashed}",
            **body,
        }
        job = self.jobs[hashed] = Job(engine, full, hashed, ttl)
        return job

    async def post(self, job: Job) -> Job:
        """Send it: five seconds, and 202 with a JSON body or it was not accepted. A repetition keeps the first 202."""
        await self._up.wait()
        began = time.monotonic()
        status: int | None = None
        try:
            timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            async with self._session.post(job.engine["COMPLETIONS_URL"], json=job.body, timeout=timeout) as reply:
                status = reply.status
                if status == 202:
                    await reply.json()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            status = None
        job.seconds = max(job.seconds, time.monotonic() - began)
        if not job.is_accepted:
            job.status = status
        job.is_forgotten = not job.is_accepted
        return job

    def ask(self, engine: dict[str, Any], **body: Any) -> Job:
        """Make a job and send it."""
        return self.run(self.post(self.make(engine, **body)))

    def wait(self, *jobs: Job, seconds: float = 60) -> None:
        """Until each of them is answered or refused."""
        with self._condition:
            if not self._condition.wait_for(lambda: all(job.is_over for job in jobs), seconds):
                left = [job.hash for job in jobs if not job.is_over]
                raise TimeoutError(f"{len(left)} of {len(jobs)} jobs have no answer after {seconds} s: {left[:5]}")

    def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Ask again and again, until it holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"it does not hold after {seconds} s")
            time.sleep(0.05)

    def answer(self, engine: dict[str, Any], **body: Any) -> Any:
        """Ask and wait; the result, of a job that must succeed."""
        job = self.ask(engine, **body)
        if not job.is_accepted:
            raise AssertionError(f"not accepted: {job.status}")
        self.wait(job)
        if job.error is not None:
            raise AssertionError(job.error)
        return job.result

    def keep(self, name: str, content: bytes) -> str:
        """Put a file on the portal's disk; its URL."""
        self.files[name] = content
        return f"{self.url}/disk/{name}"

    # The application

    def event(self, url: str, name: str, **changed: Any) -> int:
        """Send an event as a form; the status of the answer. Only an installation carries tokens."""
        auth: dict[str, Any] = {
            "domain": self.host,
            "member_id": self.member_id,
            "client_endpoint": f"{self.url}/rest/",
            "server_endpoint": f"{self.url}/rest/",
            "status": "L",
            "application_token": self.application_token,
        }
        if name == "ONAPPINSTALL":
            auth |= self.tokens.grant()
        auth |= changed
        form = {"event": name, "event_handler_id": "1", "ts": "1", "data[LANGUAGE_ID]": self.methods.language}
        form |= {f"auth[{key}]": str(value) for key, value in auth.items()}

        async def send() -> int:
            async with self._session.post(url, data=form) as reply:
                return reply.status

        return self.run(send())

    def open_menu(self, url: str, user: int, **changed: str) -> tuple[int, dict[str, str]]:
        """Open the page in the left menu as somebody; the status and the headers."""
        granted = self.tokens.grant(user)
        form = {
            "AUTH_ID": granted["access_token"],
            "REFRESH_ID": granted["refresh_token"],
            "AUTH_EXPIRES": "3600",
            "member_id": self.member_id,
            "status": "L",
            "PLACEMENT": "LEFT_MENU",
            **changed,
        }

        async def send() -> tuple[int, dict[str, str]]:
            query = {"DOMAIN": form.pop("DOMAIN", self.host), "PROTOCOL": "0", "LANG": "ru"}
            async with self._session.post(url, params=query, data=form, allow_redirects=False) as reply:
                return reply.status, {name.lower(): value for name, value in reply.headers.items()}

        return self.run(send())

    # The server

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        self._ending, self._up = asyncio.Event(), asyncio.Event()
        await self._open(0)
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.host = urlsplit(self.url).netloc
        self.tokens = Tokens(self.member_id, self.host, self.url)
        self._ready.set()
        await self._ending.wait()
        await self._shut()

    async def restart(self, seconds: float) -> None:
        """Be away for so long: what it keeps stays, what it was doing is cut, and who calls it finds nobody."""
        await self._shut()
        await asyncio.sleep(seconds)
        await self._open(int(self.host.rpartition(":")[2]))

    async def _open(self, port: int) -> None:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/rest/{user}/{secret}/{method}", self._webhook)
        app.router.add_route("*", "/rest/{method}", self._rest)
        app.router.add_get("/oauth/authorize/", self._authorize)
        app.router.add_route("*", "/oauth/token/", self._token)
        app.router.add_post("/bitrix/services/main/ajax.php", self._callback)
        app.router.add_get("/disk/{name}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._listening = await listen(self._runner, port)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._up.set()

    async def _shut(self) -> None:
        self._up.clear()
        await self._session.close()
        await shut(self._runner, self._listening)

    async def _webhook(self, request: web.Request) -> web.Response:
        if request.match_info["secret"] != self.webhook_secret:
            return web.json_response(
                {"error": "INVALID_CREDENTIALS", "error_description": "Invalid request credentials"}, status=401
            )
        return await self._method(request, await _parameters(request), int(request.match_info["user"]))

    async def _rest(self, request: web.Request) -> web.Response:
        parameters = await _parameters(request)
        try:
            user = self.tokens.user_of(str(parameters.pop("auth", "")))
        except OAuthError as refusal:
            return web.json_response({"error": refusal.code, "error_description": refusal.description}, status=401)
        return await self._method(request, parameters, user)

    async def _method(self, request: web.Request, parameters: dict[str, Any], user: int) -> web.Response:
        try:
            result = await self.methods.call(request.match_info["method"].removesuffix(".json"), parameters, user)
        except Refused as refusal:
            body = {"error": refusal.code, "error_description": refusal.description}
            return web.json_response(body, status=refusal.status)
        body: dict[str, Any] = {"result": result, "time": {"start": 0, "finish": 0, "duration": 0}}
        if isinstance(result, Page):
            body["total"] = result.total
            body |= {} if result.next is None else {"next": result.next}
        return web.json_response(body)

    async def _authorize(self, request: web.Request) -> web.Response:
        if request.query.get("client_id") != self.tokens.client_id:
            return web.json_response({"error": "invalid_client"}, status=400)
        back = f"{request.query.get('redirect_uri', '/')}?code={self.tokens.code()}&domain={self.host}"
        raise web.HTTPFound(back)

    async def _token(self, request: web.Request) -> web.Response:
        asked = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        try:
            return web.json_response(self.tokens.exchange(asked))
        except OAuthError as refusal:
            body = {"error": refusal.code, "error_description": refusal.description}
            return web.json_response(body, status=400)

    async def _callback(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.query.get("hash", ""))
        is_error = request.query.get("action", "").endswith(".error")
        if job is None:
            return self._wrong(f"a callback for no job: {request.query_string}", 404)
        with self._condition:
            job.callbacks += 1
        if self.slow_seconds:
            await asyncio.sleep(self.slow_seconds)
        if self.down(job):
            return web.Response(status=503)
        if time.monotonic() > job.ends_at:
            return web.Response(status=410)
        body = await request.json()
        fault = _fault(body, is_error=is_error, category=job.engine["CATEGORY"])
        if fault:
            return self._wrong(f"{job.hash}: {fault}: {body!r}", 400)
        if job.is_forgotten:
            return web.Response(status=404)
        with self._condition:
            if job.is_over and (job.result, job.error) != ((None, body) if is_error else (body["result"], None)):
                return self._wrong(f"{job.hash}: another answer than the first", 400)
            if is_error:
                job.error = body
            else:
                job.result = body["result"]
            self._condition.notify_all()
        if self.loses_reply(job) and request.transport is not None:
            request.transport.close()
        return web.json_response({"status": "success"})

    def _wrong(self, what: str, status: int) -> web.Response:
        self.violations.append(what)
        return web.json_response({"error": what}, status=status)

    async def _file(self, request: web.Request) -> web.Response:
        content = self.files.get(request.match_info["name"])
        self.fetched.append(request.match_info["name"])
        return web.Response(status=404) if content is None else web.Response(body=content, content_type="audio/mpeg")


def _fault(body: Any, *, is_error: bool, category: str) -> str:
    """What is wrong with a callback's body; '' where nothing is."""
    if not isinstance(body, dict):
        return "no JSON object"
    if is_error:
        wanted = {"message": str, "code": str, "api_request_completed": bool}
        wrong = [name for name, kind in wanted.items() if not isinstance(body.get(name), kind)]
        return f"an error without {wrong}" if wrong or not body["message"] else ""
    result = body.get("result")
    if category == "image" and not (isinstance(result, list) and all(str(url).startswith("http") for url in result)):
        return "pictures that are no list of URLs"
    texts = result if isinstance(result, list) else [result]
    return "" if texts and all(isinstance(text, str) and text.strip() for text in texts) else "an empty result"


async def _parameters(request: web.Request) -> dict[str, Any]:
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json" and request.can_read_body:
        found.update(await request.json())
    elif request.can_read_body:
        found.update(await request.post())
    return found
