"""What a store keeps beside the ledgers, the same for both databases: the sandbox clock, API keys, catalogues."""

import secrets
from abc import abstractmethod
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from kvota.acts import Act
from kvota.core.appeals import Appeal, AppealStatus, made
from kvota.core.notices import Event
from kvota.core.people import Person
from kvota.errors import Busy, Invalid, StoreUnavailable
from kvota.store import ApiKey, Conflict, Overtaken, PlansInUse, StoredCatalogue
from kvota.stores.batches import Session, Statement
from kvota.stores.dialect import CLOCK
from kvota.stores.portals import PortalTables
from kvota.stores.reading import APPEAL, PERSON
from kvota.stores.rows import ACTS, API_KEYS, APPEALS, CATALOGUES, PEOPLE, document
from kvota.stores.sign_ins import SignInTables

PUT_META = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
ADD_META = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
META = "SELECT value FROM meta WHERE name = ?"
HAS_COMPANIES = "SELECT 1 FROM accounts LIMIT 1"
BATCH = "SELECT 1 FROM batches WHERE id = ?"
FIND_KEY = "SELECT $api_keys FROM api_keys t WHERE t.hash = ? AND t.revoked_at IS NULL"
REVOKE_KEY = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND {company} RETURNING id"
ADD_PERSON = """
INSERT INTO people (company, "user") VALUES (?, ?) ON CONFLICT (company, "user") DO NOTHING RETURNING 1
"""
CHANGE_PERSON = 'UPDATE people SET {changes} WHERE company = ? AND "user" = ? RETURNING 1'
ERASE_PERSON = 'DELETE FROM people WHERE company = ? AND "user" = ? RETURNING 1'
ERASE_APPEALS = 'DELETE FROM appeals WHERE company = ? AND "user" = ? RETURNING 1'
APPEALED = ("text", "wanted", "action", "reason", "cap")
ASK_AGAIN = (
    """ ON CONFLICT (company, "user") WHERE status = 'open' DO UPDATE SET """
    + ", ".join(f'"{name}" = excluded."{name}"' for name in APPEALED)
    + " RETURNING "
    + ", ".join(f'"{name}"' for name in APPEALS.columns)
)
CLOSE_APPEAL = """
UPDATE appeals SET status = ?, closed_at = ?, closed_by = ?, answer = ?, set_cap = ?, order_id = ?
WHERE company = ? AND id = ? AND status = 'open'
"""
PERSONAL = ("name", "email", "department")
ALL_CATALOGUES = "SELECT $catalogues FROM catalogues t ORDER BY t.number"
PLANS = """
SELECT plan FROM accounts UNION SELECT scheduled_plan FROM accounts WHERE scheduled_plan IS NOT NULL ORDER BY 1
"""
CATALOGUE = "SELECT $catalogues FROM catalogues t WHERE t.version = ?"


@contextmanager
def once_only() -> Generator[None]:
    """Where nobody tries again by himself: a ``Conflict`` is told to the caller as ``Busy``."""
    try:
        yield
    except Conflict as problem:
        raise Busy(f"The store is locked by another process; nothing was written: {problem}") from problem


class Registry(SignInTables, PortalTables):
    """The part of a store that is neither accounts nor ledgers."""

    @abstractmethod
    def _tell(self, session: Session, events: Sequence[Event]) -> int:
        """Add events in a transaction that has begun."""

    @property
    def is_sandbox(self) -> bool:
        return bool(self._ask(META, "sandbox"))

    def enter_sandbox(self) -> None:
        with self._writing(exclusively=True) as session:
            if self._run(session, META, "sandbox"):
                return
            if self._run(session, HAS_COMPANIES):
                raise Invalid("This store has companies that were made by the real clock; it cannot become a sandbox.")
            self._run(session, PUT_META, "sandbox", "yes")

    def set_clock(self, now: int) -> None:
        with self._writing() as session:
            if not self._run(session, META, "sandbox"):
                raise Invalid("This store is no sandbox; its clock cannot be set.")
            self._run(session, PUT_META, "sandbox_clock", str(now))

    def _make_secret(self) -> None:
        if not self._ask(META, "secret"):
            with self._writing() as session:
                self._run(session, ADD_META, "secret", secrets.token_hex(32))

    def secret(self) -> bytes:
        return bytes.fromhex(self._ask(META, "secret")[0][0])

    def was_committed(self, batch: str) -> bool:
        return bool(self._ask(BATCH, batch))

    def find_key(self, hashed: str) -> ApiKey | None:
        rows = self._ask(FIND_KEY, hashed)
        return API_KEYS.read(rows[0]) if rows else None

    def note(self, act: Act) -> None:
        with self._writing() as session:
            self._note(session, act)

    def _note(self, session: Session, act: Act | None) -> None:
        if act is not None:
            session.run([Statement(self._dialect.insert(ACTS), [document([act])])])

    def add_key(self, key: ApiKey, act: Act | None = None) -> None:
        text = self._dialect.insert(API_KEYS) + " ON CONFLICT (hash) DO NOTHING RETURNING 1"
        with self._writing() as session:
            if session.run([Statement(text, [document([key])])])[0]:
                self._note(session, act)

    def revoke_key(self, company: str | None, key: str, now: int, act: Act | None = None) -> bool:
        text = REVOKE_KEY.format(company="company IS NULL" if company is None else "company = ?")
        with self._writing() as session:
            rows = self._run(session, text, now, key, *([] if company is None else [company]))
            if rows:
                self._note(session, act)
            return bool(rows)

    def put_person(
        self, company: str, user: str, changes: Mapping[str, str | None], act: Act | None = None
    ) -> tuple[Person, bool]:
        changed = {name: changes[name] for name in PERSONAL if name in changes}
        text = CHANGE_PERSON.format(changes=", ".join(['"user" = "user"', *(f'"{name}" = ?' for name in changed)]))
        with self._forgetting() as session:
            is_new = bool(self._run(session, ADD_PERSON, company, user))
            while not self._run(session, text, *changed.values(), company, user):
                is_new = bool(self._run(session, ADD_PERSON, company, user))  # another process has erased it
            self._note(session, act)
            return PEOPLE.read(self._run(session, PERSON, company, user)[0]), is_new

    def erase_person(self, company: str, user: str, act: Act | None = None) -> bool:
        with self._forgetting() as session:
            appeals = self._run(session, ERASE_APPEALS, company, user)
            is_found = bool(self._run(session, ERASE_PERSON, company, user) or appeals)
            if is_found:
                self._note(session, act)
            return is_found

    def put_appeal(self, appeal: Appeal) -> Appeal:
        text = self._dialect.insert(APPEALS) + ASK_AGAIN
        with self._forgetting() as session:
            stored = APPEALS.read(session.run([Statement(text, [document([appeal])])])[0][0])
            if stored.id == appeal.id:
                self._tell(session, [made(stored)])
            return stored

    def close_appeal(
        self,
        company: str,
        name: str,
        *,
        status: AppealStatus,
        at: int,
        by: str,
        answer: str | None,
        set_cap: str | None,
        order: str | None,
    ) -> Appeal | None:
        with self._writing() as session:
            self._run(session, CLOSE_APPEAL, status, at, by, answer, set_cap, order, company, name)
            rows = self._run(session, APPEAL, company, name)
        return APPEALS.read(rows[0]) if rows else None

    def catalogues(self) -> list[StoredCatalogue]:
        return [CATALOGUES.read(row) for row in self._ask(ALL_CATALOGUES)]

    def plans_in_use(self) -> list[str]:
        return [plan for (plan,) in self._ask(PLANS)]

    def add_catalogue(
        self,
        catalogue: StoredCatalogue,
        *,
        newest: int | None = None,
        plans: Collection[str] | None = None,
        act: Act | None = None,
    ) -> StoredCatalogue:
        with self._writing(exclusively=True) as session:
            if rows := self._run(session, CATALOGUE, catalogue.version):
                return CATALOGUES.read(rows[0])
            now, last, *_ = self._run(session, CLOCK)[0]
            if newest is not None and newest != last:
                raise Overtaken(f"catalogue {last} was loaded meanwhile")
            if plans is not None and (dropped := [plan for (plan,) in self._run(session, PLANS) if plan not in plans]):
                raise PlansInUse(dropped)
            effective_at = max(catalogue.effective_at, now) if last else catalogue.effective_at
            stored = replace(catalogue, number=last + 1, loaded_at=now, effective_at=effective_at)
            session.run([Statement(self._dialect.insert(CATALOGUES), [document([stored])])])
            self._note(session, act)
            return stored

    def ping(self) -> None:
        try:
            with self._writing() as session:
                self._run(session, PUT_META, "ping", "pong")
        except Busy as problem:
            raise StoreUnavailable("The store is locked by another process.") from problem
