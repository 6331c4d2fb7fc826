"""Who signs in, the same for both databases."""

from kvota import sign_ins as kept
from kvota.acts import Act
from kvota.stores.batches import Statement
from kvota.stores.rows import ACTS, LINKS, SESSIONS, SIGN_INS, document
from kvota.stores.tables import Tables

BY_EMAIL = "SELECT $sign_ins FROM sign_ins t WHERE t.email = ?"
BY_ID = "SELECT $sign_ins FROM sign_ins t WHERE t.id = ?"
SIGN_IN_PAGE = "SELECT $sign_ins FROM sign_ins t WHERE {company} AND t.id > ? ORDER BY t.id LIMIT ?"
REMOVE_SIGN_IN = "DELETE FROM sign_ins WHERE id = ? RETURNING 1"
HASHED = "UPDATE sign_ins SET password = ? WHERE id = ? RETURNING 1"
FIND_LINK = "SELECT $links FROM links t WHERE t.hash = ?"
USE_LINK = "DELETE FROM links WHERE hash = ? AND sign_in = ? RETURNING 1"
END_LINKS = "DELETE FROM links WHERE sign_in = ?"
FIND_SESSION = "SELECT $sessions FROM sessions t WHERE t.hash = ?"
SESSIONS_OF = "SELECT $sessions FROM sessions t WHERE t.owner = ? ORDER BY t.id"
SEE_SESSION = "UPDATE sessions SET seen_at = ? WHERE hash = ?"
END_SESSION = "DELETE FROM sessions WHERE owner = ? AND id = ? RETURNING 1"
END_SESSIONS = "DELETE FROM sessions WHERE owner = ?"
END_EXPIRED = "DELETE FROM sessions WHERE expires_at <= ?"


class SignInTables(Tables):
    """The part of a store that keeps who signs in. What it removes is wiped."""

    def add_sign_in(self, sign_in: kept.SignIn) -> bool:
        text = self._dialect.insert(SIGN_INS) + " ON CONFLICT (email) DO NOTHING RETURNING 1"
        with self._writing() as session:
            return bool(session.run([Statement(text, [document([sign_in])])])[0])

    def find_sign_in(self, email: str) -> kept.SignIn | None:
        rows = self._ask(BY_EMAIL, email)
        return SIGN_INS.read(rows[0]) if rows else None

    def sign_in(self, sign_in: str) -> kept.SignIn | None:
        rows = self._ask(BY_ID, sign_in)
        return SIGN_INS.read(rows[0]) if rows else None

    def sign_ins(self, company: str | None, after: str, limit: int) -> list[kept.SignIn]:
        text = SIGN_IN_PAGE.format(company="t.company IS NULL" if company is None else "t.company = ?")
        rows = self._ask(text, *([] if company is None else [company]), after, limit)
        return [SIGN_INS.read(row) for row in rows]

    def remove_sign_in(self, sign_in: str) -> bool:
        with self._forgetting() as session:
            self._run(session, END_LINKS, sign_in)
            self._run(session, END_SESSIONS, sign_in)
            return bool(self._run(session, REMOVE_SIGN_IN, sign_in))

    def add_link(self, link: kept.Link) -> None:
        with self._writing() as session:
            self._run(session, END_LINKS, link.sign_in)
            session.run([Statement(self._dialect.insert(LINKS), [document([link])])])

    def find_link(self, hashed: str) -> kept.Link | None:
        rows = self._ask(FIND_LINK, hashed)
        return LINKS.read(rows[0]) if rows else None

    def set_password(self, sign_in: str, password: str, link: str | None) -> bool:
        with self._forgetting() as session:
            if link is not None and not self._run(session, USE_LINK, link, sign_in):
                return False
            if not self._run(session, HASHED, password, sign_in):
                return False
            self._run(session, END_LINKS, sign_in)
            self._run(session, END_SESSIONS, sign_in)
            return True

    def add_session(self, session: kept.Session, act: Act | None = None) -> None:
        with self._writing() as writing:
            self._run(writing, END_EXPIRED, session.begun_at)
            writing.run([Statement(self._dialect.insert(SESSIONS), [document([session])])])
            if act is not None:
                writing.run([Statement(self._dialect.insert(ACTS), [document([act])])])

    def find_session(self, hashed: str) -> kept.Session | None:
        rows = self._ask(FIND_SESSION, hashed)
        return SESSIONS.read(rows[0]) if rows else None

    def sessions(self, owner: str) -> list[kept.Session]:
        return [SESSIONS.read(row) for row in self._ask(SESSIONS_OF, owner)]

    def see_session(self, hashed: str, now: int) -> None:
        with self._writing() as session:
            self._run(session, SEE_SESSION, now, hashed)

    def end_session(self, owner: str, session: str) -> bool:
        with self._forgetting() as writing:
            return bool(self._run(writing, END_SESSION, owner, session))
