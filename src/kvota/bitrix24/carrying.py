"""One job, from what a portal asked to what it was told; each step is in the store before the next begins."""

import contextlib
import time
from collections.abc import AsyncGenerator
from hashlib import sha256

import aiohttp
import msgspec
import structlog
from msgspec.structs import replace

from kvota.asgi.languages import Language
from kvota.asgi.services import Services
from kvota.bitrix24 import answering, texts, transcripts
from kvota.bitrix24.answering import Asking, Fetched, FetchFailed, Models, Recordings
from kvota.bitrix24.application import Application
from kvota.bitrix24.asked import Asked, read_asked
from kvota.bitrix24.choosing import usage_of
from kvota.bitrix24.desk import Desk
from kvota.core.account import Hold, Usage
from kvota.core.commands import CaptureHold, ChargeUsage, HoldUsage, VoidHold
from kvota.core.declines import Declined
from kvota.errors import CallerError, HoldClosed, WorldError
from kvota.outgoing import post
from kvota.portals import Job, Portal
from kvota.upstreams import Refused, UnknownModel

MARGIN_SECONDS = 900
"""By how much a hold outlives the portal's patience, so that an answer in the last moment is still paid for."""
MAX_HOLD_SECONDS = 86_400
SECOND = 1000
NOTICE = "notice"
"""The category of our own messages to a portal."""
GIVING_UP = 0.9
"""When so much of the ttl is over, the portal is told that the AI service does not answer, instead of nothing."""
_encode, _decode = msgspec.json.encode, msgspec.json.decode


class Refusal(Exception):
    """The job ends without an answer: ``code`` and ``message`` are for the portal."""

    def __init__(self, code: str, message: str, *, has_used: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.has_used = code, message, has_used


class Carrier:
    """Carries jobs. ``calls`` asks the AI services, None where there are none."""

    def __init__(
        self,
        desk: Desk,
        services: Services,
        calls: Asking | None,
        models: Models,
        recordings: Recordings,
        *,
        application: Application | None = None,
    ) -> None:
        self._desk, self._services = desk, services
        self._calls, self._models, self._recordings = calls, models, recordings
        self._application = application
        self._session: aiohttp.ClientSession | None = None
        self._ahead = 0

    @contextlib.asynccontextmanager
    async def opened(self, session: aiohttp.ClientSession) -> AsyncGenerator[None]:
        """Call through this session as long as the block runs."""
        self._session = session
        if self._application is not None:
            self._application.open(session)
        with contextlib.suppress(WorldError):
            clock = await self._desk.ask(self._desk.store.real_clock)
            self._ahead = clock - round(time.time() * SECOND)
        yield

    async def carry(self, job: Job) -> Job | None:
        """Carry it as far as it goes. Returns the job that is to be tried again later, None where it has ended.

        Raises ``WorldError`` and aiohttp's errors for what may go better later.
        """
        if job.status != "delivered" and self._left_seconds(job) <= 0:
            await self._end_hold(job)
            await self._save(replace(job, status="lost"))
            return None
        if job.category == NOTICE:
            return await self._notify(job)
        if job.status == "waiting":
            job = await self._answered(job)
        if job.status == "lost":
            return None
        if job.status == "answered":
            if not await self._deliver(job):
                return replace(job, attempts=job.attempts + 1)
            job = await self._save(replace(job, status="delivered"))
        await self._settle(job)
        return None

    async def _notify(self, job: Job) -> None:
        """A message of ours to who installed the application."""
        portal = await self._desk.ask(self._desk.store.portal, job.portal)
        if portal is not None and portal.administrator is not None and self._application is not None:
            message = {"USER_ID": portal.administrator, "MESSAGE": job.body, "TAG": f"kvota|{job.hash}"}
            await self._application.rest(portal).call("im.notify.system.add", message)
        await self._save(replace(job, status="done"))

    def _left_seconds(self, job: Job) -> float:
        return (job.expires_at - self._ahead) / SECOND - time.time()

    async def _save(self, job: Job) -> Job:
        """Keep what has come of it. Raises ``WorldError`` where somebody else has the job by now."""
        if not await self._desk.ask(self._desk.store.save_job, job, None):
            raise WorldError(f"The lease of the job {job.hash} has ended.")
        return job

    # The answer

    async def _answered(self, job: Job) -> Job:
        asked, lease = read_asked(job.body), job.lease
        portal = await self._desk.ask(self._desk.store.portal, job.portal)
        language: Language = "ru" if portal is not None and portal.language == "ru" else "en"
        if portal is None:  # it was removed: no callback of it is called any more
            await self._end_hold(job)
            return await self._save(replace(job, status="lost"))
        try:
            job, given = await self._asked(job, asked, portal, language)
        except Refusal as refusal:
            answer = {"message": refusal.message, "code": refusal.code, "api_request_completed": refusal.has_used}
            latest = await self._desk.ask(self._desk.store.job, job.company, job.hash)  # it may have a hold by now
            job = replace(
                latest or job,
                lease=lease,
                status="answered",
                is_refused=True,
                answer=_encode(answer).decode(),
                attempts=0,
            )
            await self._end_hold(await self._save(job))
            return job
        said = given.texts
        result = said if job.category == "image" or len(said) > 1 else said[0]
        measures = _encode(given.measures).decode()
        answer = _encode({"result": result}).decode()
        return await self._save(replace(job, status="answered", answer=answer, measures=measures, attempts=0))

    async def _asked(self, job: Job, asked: Asked, portal: Portal, language: Language) -> tuple[Job, answering.Given]:
        """Hold, then ask the AI service. Raises ``Refusal``, or ``WorldError`` where it may go better later."""
        async with contextlib.AsyncExitStack() as stack:
            fetched: Fetched | None = None
            if job.category in ("audio", "call"):
                await stack.enter_async_context(self._recordings.room)
                fetched = await self._fetch(job, asked, portal, language)
                subject = transcripts.subject_of(job.scenario, fetched.content)
            else:
                subject = await self._recognise(job.company, asked)
            job = await self._hold(job, asked, subject, language)
            given = await self._ask(job, asked, fetched, language)
        if not given.texts or not all(text.strip() for text in given.texts):
            raise Refusal("empty_answer", texts.failed("empty_answer", language), has_used=True)
        if job.category == "image" and any(text.startswith("data:") for text in given.texts):
            detail = "KVOTA_IMAGE_MODEL: data URL"
            raise Refusal("not_configured", texts.failed("not_configured", language, detail), has_used=True)
        if fetched is not None and subject is not None:
            known = transcripts.transcript_of(job.company, " ".join(given.texts), subject)
            if known is not None:
                await self._desk.ask(self._desk.store.add_transcript, known)
        return job, given

    async def _fetch(self, job: Job, asked: Asked, portal: Portal, language: Language) -> Fetched:
        try:
            return await self._recordings.fetch(self._open, asked, portal.hosts)
        except FetchFailed as error:
            if error.is_final or self._is_late(job):
                raise Refusal("file_unavailable", texts.failed("file_unavailable", language, str(error))) from error
            raise WorldError(f"The recording cannot be fetched: {error}") from error

    async def _recognise(self, company: str, asked: Asked) -> str | None:
        """The subject of the transcript that stands in a prompt."""
        return await self._desk.ask(self._recognised, company, asked.texts)

    def _recognised(self, company: str, said: list[str]) -> str | None:
        starts = transcripts.starts_of(said)
        known = self._desk.store.transcripts(company, starts) if starts else []
        return transcripts.recognised(said, known) if known else None

    async def _hold(self, job: Job, asked: Asked, subject: str | None, language: Language) -> Job:
        """Set aside what it costs, once for a job however often it is tried."""
        try:
            catalogue = await self._services.read(self._services.reads.catalogue)
            usage = usage_of(catalogue, job.scenario, job.category, asked, subject)
            reply = (await self._services.submit(self._holding(job, usage))).reply
            if isinstance(reply, Declined):
                company = await self._services.read(self._services.reads.company, job.company)
                raise Refusal(reply.reason, texts.declined(reply, company.time_zone, language))
        except CallerError as error:
            raise Refusal(error.code, texts.failed("not_configured", language, str(error))) from error
        if not isinstance(reply, Hold):
            raise TypeError(type(reply).__name__)
        return job if job.hold == reply.id else await self._save(replace(job, hold=reply.id))

    def _holding(self, job: Job, usage: Usage) -> HoldUsage:
        left = max(0, round(self._left_seconds(job)))
        return HoldUsage(
            company=job.company,
            by=f"bitrix24:{job.scenario}",
            key=_key(job),
            request=f"bitrix24 {job.hash}",
            usage=usage,
            ttl=min(MAX_HOLD_SECONDS, left + MARGIN_SECONDS),
        )

    async def _ask(self, job: Job, asked: Asked, fetched: Fetched | None, language: Language) -> answering.Given:
        if self._calls is None:
            raise Refusal("not_configured", texts.failed("not_configured", language, "KVOTA_UPSTREAMS"))
        try:
            if fetched is not None:
                return await answering.heard(self._calls, self._models, asked, fetched)
            if job.category == "image":
                return await answering.drawn(self._calls, self._models, asked)
            return await answering.written(self._calls, self._models, asked)
        except (Refused, UnknownModel, WorldError) as error:
            if isinstance(error, UnknownModel) or (isinstance(error, Refused) and not _may_pass(error.status)):
                raise Refusal(error.code, texts.failed("upstream_refused", language, str(error))) from error
            if self._is_late(job):
                raise Refusal("upstream_unavailable", texts.failed("upstream_unavailable", language)) from error
            raise WorldError(str(error)) from error

    def _is_late(self, job: Job) -> bool:
        return self._left_seconds(job) < job.ttl / SECOND * (1 - GIVING_UP)

    # The callback

    async def _deliver(self, job: Job) -> bool:
        """Tell the portal; whether it has taken it. Nothing but a 2xx says so."""
        asked = read_asked(job.body)
        url = asked.error_callback if job.is_refused else asked.callback
        body = (job.answer or "").encode()
        headers = {"Content-Type": "application/json"}
        try:
            answer = await post(self._open, url, body=body, headers=headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            structlog.get_logger("kvota.bitrix24").info("callback_failed", job=job.hash, detail=type(error).__name__)
            return False
        return 200 <= answer.status < 300  # noqa: PLR2004 - what HTTP calls a success

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("`async with carrier.opened(session):` comes first")
        return self._session

    # The ledger

    async def _settle(self, job: Job) -> None:
        """Capture the hold of an answer that was taken; of a refusal it is void by now."""
        if job.is_refused:
            await self._end_hold(job)
        elif job.hold is not None:
            measures = _decode(job.measures, type=dict[str, int]) if job.measures else {}
            capture = CaptureHold(
                company=job.company,
                by=f"bitrix24:{job.scenario}",
                hold=job.hold,
                at_most_held=True,
                measures=measures,
            )
            try:
                await self._services.submit(capture)
            except HoldClosed:
                await self._charge(job, job.hold, measures)
        await self._save(replace(job, status="done"))

    async def _charge(self, job: Job, hold: str, measures: dict[str, int]) -> None:
        """What was delivered after its hold has ended is a new charge."""
        held = await self._services.read(self._services.reads.hold, job.company, hold)
        usage = Usage(
            action=held.action,
            stages=held.stages,
            quantities=held.quantities,
            subject=held.subject,
            user=held.user,
            measures=measures,
        )
        reply = await self._services.submit(
            ChargeUsage(
                company=job.company,
                by=f"bitrix24:{job.scenario}",
                key=f"{_key(job)}-late",
                request=f"bitrix24 {job.hash} late",
                usage=usage,
            )
        )
        if isinstance(reply.reply, Declined):
            structlog.get_logger("kvota.bitrix24").warning("delivered_unpaid", job=job.hash, company=job.company)

    async def _end_hold(self, job: Job) -> None:
        if job.hold is not None:
            command = VoidHold(company=job.company, by=f"bitrix24:{job.scenario}", hold=job.hold)
            with contextlib.suppress(HoldClosed):
                await self._services.submit(command)


def _may_pass(status: int) -> bool:
    """Whether a service that answers so may answer otherwise later: it has too much to do, or is broken."""
    return status == 429 or status >= 500  # noqa: PLR2004 - the statuses are their own names


def _key(job: Job) -> str:
    """The idempotency key of a job's hold."""
    return f"bitrix24-{sha256(job.hash.encode()).hexdigest()[:40]}"
