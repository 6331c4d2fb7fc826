"""Portals, engines and jobs, the same for both databases."""

from collections.abc import Sequence

from kvota.portals import Engine, Job, Portal, Transcript
from kvota.stores.batches import Statement
from kvota.stores.rows import ENGINES, JOBS, PORTALS, TRANSCRIPTS, document
from kvota.stores.tables import Tables

PORTAL = "SELECT $portals FROM portals t WHERE t.portal = ?"
PORTAL_PAGE = "SELECT $portals FROM portals t WHERE t.portal > ? ORDER BY t.portal LIMIT ?"
REMOVE_PORTAL = "DELETE FROM portals WHERE portal = ? RETURNING 1"
REMOVE_ENGINES = "DELETE FROM engines WHERE portal = ?"
ENGINES_OF = "SELECT $engines FROM engines t WHERE t.portal = ? ORDER BY t.code"
FIND_ENGINE = "SELECT $engines FROM engines t WHERE t.hash = ?"
REMOVE_ENGINE = "DELETE FROM engines WHERE portal = ? AND code = ? RETURNING 1"
# The condition is that of the index: jobs that have ended cost nothing here, however many there are.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT t.company, t.hash FROM jobs t
    WHERE t.status IN ('waiting', 'answered', 'delivered') AND t.due_at <= (SELECT $now)
    ORDER BY t.due_at, t.company, t.hash LIMIT ? $skip_locked
)
UPDATE jobs SET lease = ?, due_at = $now + ? WHERE (company, hash) IN (SELECT company, hash FROM due)
RETURNING {columns}
"""
HAS_DUE = """
SELECT 1 FROM jobs t WHERE t.status IN ('waiting', 'answered', 'delivered') AND t.due_at <= (SELECT $now) LIMIT 1
"""
KEEP = """
UPDATE jobs SET due_at = $now + ?
WHERE lease = ? AND (company, hash) IN (SELECT w.value->>0, w.value->>1 FROM $wants)
"""
SAVE = """
UPDATE jobs SET status = ?, hold = ?, answer = ?, measures = ?, is_refused = ?, attempts = ?, {ending}
WHERE company = ? AND hash = ? AND lease = ? RETURNING 1
"""
END = "body = '', lease = NULL"
GIVE_BACK = "due_at = $now + ?, lease = NULL"
GO_ON = "lease = lease"
JOB = "SELECT $jobs FROM jobs t WHERE t.company = ? AND t.hash = ?"
COUNT = "SELECT t.status, count(*) FROM jobs t GROUP BY t.status ORDER BY t.status"
FORGET = """
DELETE FROM jobs WHERE status IN ('done', 'lost') AND taken_at <= (SELECT $now) - ? RETURNING 1
"""
REAL_CLOCK = "SELECT $now"
TRANSCRIPTS_OF = """
SELECT $transcripts FROM $wants CROSS JOIN transcripts t WHERE t.company = ? AND t.start = w.value->>0 ORDER BY t.hash
"""


class PortalTables(Tables):
    """The part of a store that keeps portals. What it removes is wiped."""

    def put_portal(self, portal: Portal) -> None:
        with self._forgetting() as session:
            session.run([Statement(self._dialect.upsert(PORTALS), [document([portal])])])

    def portal(self, portal: str) -> Portal | None:
        rows = self._ask(PORTAL, portal)
        return PORTALS.read(rows[0]) if rows else None

    def portals(self, after: str, limit: int) -> list[Portal]:
        return [PORTALS.read(row) for row in self._ask(PORTAL_PAGE, after, limit)]

    def remove_portal(self, portal: str) -> bool:
        with self._forgetting() as session:
            self._run(session, REMOVE_ENGINES, portal)
            return bool(self._run(session, REMOVE_PORTAL, portal))

    def add_engine(self, engine: Engine) -> bool:
        text = self._dialect.insert(ENGINES) + " ON CONFLICT (portal, code) DO NOTHING RETURNING 1"
        with self._writing() as session:
            return bool(session.run([Statement(text, [document([engine])])])[0])

    def engines(self, portal: str) -> list[Engine]:
        return [ENGINES.read(row) for row in self._ask(ENGINES_OF, portal)]

    def find_engine(self, hashed: str) -> Engine | None:
        rows = self._ask(FIND_ENGINE, hashed)
        return ENGINES.read(rows[0]) if rows else None

    def remove_engine(self, portal: str, code: str) -> bool:
        with self._forgetting() as session:
            return bool(self._run(session, REMOVE_ENGINE, portal, code))

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        records, values = self._dialect.records(JOBS)
        taken = ", ".join(
            "(SELECT $now)" if name in ("taken_at", "due_at") else value
            for name, value in zip(JOBS.columns, values.split(", "), strict=True)
        )
        names = ", ".join(JOBS.columns)
        text = f"INSERT INTO jobs ({names}) SELECT {taken} FROM {records} WHERE true ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
        # in one order: processes that were given the same jobs would otherwise wait for each other
        ordered = sorted(jobs, key=lambda job: (job.company, job.hash))
        with self._writing() as session:
            self._run(session, text, document(ordered))

    def has_due_jobs(self) -> bool:
        return bool(self._ask(HAS_DUE))

    def claim_jobs(self, lease: str, milliseconds: int, limit: int) -> list[Job]:
        text = CLAIM.format(columns=", ".join(JOBS.columns))
        with self._writing() as session:
            claimed = [JOBS.read(row) for row in self._run(session, text, limit, lease, milliseconds)]
        return sorted(claimed, key=lambda job: (job.taken_at, job.company, job.hash))

    def keep_jobs(self, lease: str, milliseconds: int, jobs: Sequence[tuple[str, str]]) -> None:
        with self._writing() as session:
            self._run(session, KEEP, milliseconds, lease, document(jobs))

    def save_job(self, job: Job, delay: int | None) -> bool:
        has_ended = job.status in ("done", "lost")
        ending, when = (END, []) if has_ended else (GO_ON, []) if delay is None else (GIVE_BACK, [delay])
        said = (None, None) if has_ended else (job.answer, job.measures)
        kept = (job.status, job.hold, *said, job.is_refused, job.attempts)
        with self._writing() as session:
            text = SAVE.format(ending=ending)
            return bool(self._run(session, text, *kept, *when, job.company, job.hash, job.lease))

    def job(self, company: str, hashed: str) -> Job | None:
        rows = self._ask(JOB, company, hashed)
        return JOBS.read(rows[0]) if rows else None

    def count_jobs(self) -> dict[str, int]:
        return {status: count for status, count in self._ask(COUNT)}  # noqa: C416 - dict() of rows is not typed

    def forget_jobs(self, milliseconds: int) -> int:
        with self._forgetting() as session:
            return len(self._run(session, FORGET, milliseconds))

    def real_clock(self) -> int:
        return self._ask(REAL_CLOCK)[0][0]

    def add_transcript(self, transcript: Transcript) -> None:
        with self._writing() as session:
            session.run([Statement(self._dialect.upsert(TRANSCRIPTS), [document([transcript])])])

    def transcripts(self, company: str, starts: Sequence[str]) -> list[Transcript]:
        wanted = document([(start,) for start in starts])
        return [TRANSCRIPTS.read(row) for row in self._ask(TRANSCRIPTS_OF, wanted, company)]
