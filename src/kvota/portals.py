"""Bitrix24 portals, their engines and the jobs that they give us: what a store keeps, and its contract for it.

The instants of jobs are those of the real clock, also in a sandbox: a portal waits for real seconds.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Kind = Literal["webhook", "app"]
JobStatus = Literal["waiting", "answered", "delivered", "done", "lost"]
OPEN: tuple[JobStatus, ...] = ("waiting", "answered", "delivered")


class Portal(msgspec.Struct, frozen=True, kw_only=True):
    """A portal that is connected. ``portal`` is what it calls itself (``member_id``), or its host for a webhook.

    ``origin`` is ``https://host``; ``hosts`` are those that callbacks and recordings may be at. ``application_token``
    is kept as a hash, the OAuth tokens as they are: they are what calls are made with.
    """

    portal: str
    company: str
    kind: Kind
    origin: str
    hosts: tuple[str, ...]
    language: str
    application_token: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    access_until: int = 0
    plan_code: str | None = None
    administrator: str | None = None
    connected_at: int = 0

    def __repr__(self) -> str:
        return f"Portal(portal={self.portal!r}, company={self.company!r}, kind={self.kind!r}, origin={self.origin!r})"


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that is registered in a portal. ``hash`` is all that is kept of the secret in its URL."""

    hash: str
    portal: str
    company: str
    scenario: str
    category: str
    code: str
    registered_at: int = 0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a portal asked of an engine. ``hash`` is the portal's name for it, unique in the company.

    ``waiting`` for its answer; ``answered``: ``answer`` is the callback's body and ``is_refused`` tells which callback;
    ``delivered``: the portal has taken it, and the hold is still to be captured; then ``done``, or ``lost`` where
    ``ttl`` milliseconds were over before it was delivered. What was said is erased when it has ended.
    """

    company: str
    hash: str
    portal: str
    scenario: str
    category: str
    body: str
    ttl: int
    taken_at: int = 0
    status: JobStatus = "waiting"
    hold: str | None = None
    answer: str | None = None
    measures: str | None = None
    is_refused: bool = False
    attempts: int = 0
    due_at: int = 0
    lease: str | None = None

    @property
    def expires_at(self) -> int:
        """When the portal no longer waits."""
        return self.taken_at + self.ttl


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """A transcript that we gave, as it is recognised: the hash of its first words, their number, the hash of all."""

    company: str
    start: str
    words: int
    hash: str
    subject: str


class Portals(Protocol):
    """What a store keeps of portals. Each call is atomic, and durable when it returns."""

    def put_portal(self, portal: Portal) -> None:
        """Add a portal, or replace what is known of it."""
        ...

    def portal(self, portal: str) -> Portal | None: ...

    def portals(self, after: str, limit: int) -> list[Portal]:
        """A page of all portals, by their names."""
        ...

    def remove_portal(self, portal: str) -> bool:
        """Remove a portal with its engines; False where there is none. Its tokens are not left in gaps of a file."""
        ...

    def add_engine(self, engine: Engine) -> bool:
        """Add it; False, and nothing is added, where the portal has one of its code."""
        ...

    def engines(self, portal: str) -> list[Engine]:
        """Those of a portal, by code."""
        ...

    def find_engine(self, hashed: str) -> Engine | None:
        """The engine of the secret's hash."""
        ...

    def remove_engine(self, portal: str, code: str) -> bool: ...

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        """Take them, each now: ``taken_at`` and ``due_at`` are set. One that is there already stays as it is."""
        ...

    def has_due_jobs(self) -> bool:
        """Whether ``claim_jobs`` would find anything; reads only."""
        ...

    def claim_jobs(self, lease: str, milliseconds: int, limit: int) -> list[Job]:
        """Up to ``limit`` open jobs that are due, longest due first; nobody else gets them for so long.

        Several processes that ask at once get different ones.
        """
        ...

    def keep_jobs(self, lease: str, milliseconds: int, jobs: Sequence[tuple[str, str]]) -> None:
        """Have those (company, hash) for so long from now; those that another lease has by now are passed over."""
        ...

    def save_job(self, job: Job, delay: int | None) -> bool:
        """Keep status, hold, answer, measures and attempts; False where the job is no longer had by ``job.lease``.

        ``delay`` gives it back, to be due in so many milliseconds; None goes on having it. ``done`` and ``lost`` end
        it: nobody has it, and what was said in it is erased.
        """
        ...

    def job(self, company: str, hashed: str) -> Job | None: ...

    def count_jobs(self) -> dict[str, int]:
        """How many there are of each status that there is."""
        ...

    def forget_jobs(self, milliseconds: int) -> int:
        """Remove those that ended and were taken so long ago; how many."""
        ...

    def real_clock(self) -> int:
        """Milliseconds since the epoch, also in a sandbox."""
        ...

    def add_transcript(self, transcript: Transcript) -> None:
        """Remember it; one of the same company and hash is replaced."""
        ...

    def transcripts(self, company: str, starts: Sequence[str]) -> list[Transcript]:
        """Those that begin with one of ``starts``, by hash."""
        ...
