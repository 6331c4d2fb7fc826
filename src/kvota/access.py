"""Signing in to the dashboard: passwords by argon2, links that set one once, sessions.

Only hashes reach the store: of passwords by argon2, of links and sessions, which are random, by keyed blake2b.
"""

import functools
import hmac
import re
import secrets
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kvota.acts import act
from kvota.core.periods import DAY, HOUR, MINUTE
from kvota.errors import Invalid, NotFound
from kvota.sign_ins import Link, LinkKind, Role, Session, SignIn
from kvota.store import Store
from kvota.wire.fields import EMAIL_PATTERN, is_id
from kvota.wire.rules import ID_RULE

LEAST_PASSWORD, MOST_PASSWORD = 10, 200
SESSION_LIFE, SESSION_REST = 30 * DAY, 7 * DAY
"""A session ends so long after it began, and so long after it was used last."""
LINK_LIFE: dict[LinkKind, int] = {"invitation": 7 * DAY, "reset": 4 * HOUR}
SEEN_EVERY = 5 * MINUTE
MAX_AGENT = 200
MAX_EMAIL = 254
_EMAIL = re.compile(EMAIL_PATTERN)
ROLES: tuple[Role, ...] = ("operator", "admin", "member", "auditor")


class Visitor(NamedTuple):
    """Whom a session is for. ``frame``: the one origin that may show its pages in a frame, a portal's."""

    owner: str
    name: str
    role: Role
    company: str | None = None
    user: str | None = None
    frame: str | None = None


class Access:
    """Who may sign in, and who is signed in. Synchronous: a password takes a tenth of a second and 64 MB."""

    def __init__(self, store: Store, *, clock: Callable[[], int]) -> None:
        self._store, self._clock = store, clock
        self._hasher = PasswordHasher()

    @functools.cached_property
    def _key(self) -> bytes:
        return self._store.secret()

    def token(self, purpose: str, secret: str) -> str:
        """What is derived from a secret for one purpose: it tells nothing about the secret, nor about another's."""
        return blake2b(secret.encode(), key=self._key, digest_size=32, person=purpose.encode()[:16]).hexdigest()

    def is_token(self, purpose: str, secret: str, said: str) -> bool:
        """Whether that was said."""
        return hmac.compare_digest(self.token(purpose, secret).encode(), said.encode(errors="replace"))

    # Who may sign in

    def invite(
        self, *, email: str, role: Role, company: str | None = None, user: str | None = None
    ) -> tuple[SignIn, str]:
        """Add somebody who may sign in; the token of the link with which he sets his password."""
        email = _address(email)
        if role not in ROLES:
            raise Invalid.field("role", f"must be one of {', '.join(ROLES)}", role)
        if (role == "operator") != (company is None):
            rule = "is needed: this role is one company's" if company is None else "must be absent: an operator has all"
            raise Invalid.field("company", rule, company)
        if role == "member" and user is None:
            raise Invalid.field("user", "is needed: a member is one person of the company", user)
        if user is not None and not is_id(user):
            raise Invalid.field("user", ID_RULE, user)
        one = SignIn(
            id="sgn_" + secrets.token_hex(8),
            email=email,
            role=role,
            company=company,
            user=user,
            created_at=self._clock(),
        )
        if not self._store.add_sign_in(one):
            raise Invalid.field("email", "is in use already: each address signs in once", email)
        return one, self._link(one, "invitation")

    def link(self, sign_in: SignIn) -> str:
        """The token of a new link for somebody who has lost his password or his invitation."""
        return self._link(sign_in, "invitation" if sign_in.password is None else "reset")

    def _link(self, sign_in: SignIn, kind: LinkKind) -> str:
        token = secrets.token_urlsafe(32)
        expires_at = self._clock() + LINK_LIFE[kind]
        self._store.add_link(Link(hash=self.token("link", token), sign_in=sign_in.id, kind=kind, expires_at=expires_at))
        return token

    def opened(self, token: str) -> tuple[SignIn, LinkKind]:
        """Whose link it is; ``NotFound`` where it was used, has expired or never was."""
        link = self._store.find_link(self.token("link", token))
        if link is not None and link.expires_at > self._clock():
            sign_in = self._store.sign_in(link.sign_in)
            if sign_in is not None:
                return sign_in, link.kind
        raise NotFound("link", "…")

    def use_link(self, token: str, password: str) -> SignIn:
        """Set the password of the link's sign-in, and end the link and every session that there was."""
        sign_in, _ = self.opened(token)
        hashed = self._hashed(password, sign_in.email)
        if not self._store.set_password(sign_in.id, hashed, self.token("link", token)):
            raise NotFound("link", "…")
        return sign_in

    def set_password(self, sign_in: SignIn, password: str) -> None:
        """Set a password without a link: for who runs the store, and who has just told his old one."""
        self._store.set_password(sign_in.id, self._hashed(password, sign_in.email), None)

    def _hashed(self, password: str, email: str) -> str:
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
            raise Invalid.field("password", f"must have {LEAST_PASSWORD} to {MOST_PASSWORD} characters")
        if password.lower() in (email, email.partition("@")[0] * 2):
            raise Invalid.field("password", "must not be the address")
        return self._hasher.hash(password)

    @functools.cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_hex(16))

    def by_password(self, email: str, password: str) -> SignIn | None:
        """Who has that address and password. An unknown address takes as long as a wrong password."""
        if len(email) > MAX_EMAIL or len(password) > MOST_PASSWORD:
            return None
        found = self._store.find_sign_in(email.strip().lower())
        known = None if found is None else found.password
        try:
            self._hasher.verify(known or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return None
        return found if known is not None else None

    def find(self, email: str) -> SignIn | None:
        """The sign-in of an address."""
        return self._store.find_sign_in(email.strip().lower())

    def sign_in(self, company: str | None, name: str) -> SignIn:
        """The one of that id, if it is the company's (None: an operator's)."""
        found = self._store.sign_in(name)
        if found is None or found.company != company:
            raise NotFound("sign_in", name)
        return found

    def sign_ins(self, company: str | None, after: str, limit: int) -> list[SignIn]:
        """A page of a company's, or of the operators'."""
        return self._store.sign_ins(company, after, limit)

    def remove(self, sign_in: SignIn) -> None:
        """Nobody signs in so any more, and whoever is signed in so is not."""
        self._store.remove_sign_in(sign_in.id)

    # Who is signed in

    def begin(self, visitor: Visitor, agent: str = "") -> tuple[Session, str]:
        """Begin a session; its secret is for the cookie of one browser."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        session = Session(
            hash=self.token("session", secret),
            id="ses_" + secrets.token_hex(8),
            **visitor._asdict(),
            agent=agent[:MAX_AGENT] or None,
            begun_at=now,
            seen_at=now,
            expires_at=now + SESSION_LIFE,
        )
        is_operators = visitor.role == "operator"
        self._store.add_session(session, act(now, visitor.owner, "sign_in") if is_operators else None)
        return session, secret

    def session(self, secret: str) -> Session | None:
        """The session of a cookie, if it has not ended."""
        found, now = self._store.find_session(self.token("session", secret)), self._clock()
        if found is None or found.expires_at <= now or found.seen_at + SESSION_REST <= now:
            return None
        if found.seen_at + SEEN_EVERY <= now:
            self._store.see_session(found.hash, now)
        return found

    def sessions(self, owner: str) -> list[Session]:
        """Where somebody is signed in."""
        now = self._clock()
        return [one for one in self._store.sessions(owner) if min(one.expires_at, one.seen_at + SESSION_REST) > now]

    def end(self, owner: str, session: str) -> bool:
        """End a session by its id."""
        return self._store.end_session(owner, session)


def visitor_of(sign_in: SignIn) -> Visitor:
    """Whom a session of that sign-in is for."""
    return Visitor(sign_in.id, sign_in.email, sign_in.role, sign_in.company, sign_in.user)


def _address(email: str) -> str:
    told = email.strip().lower()
    if len(told) > MAX_EMAIL or not _EMAIL.match(told):
        raise Invalid.field("email", "must be an e-mail address, such as anna@example.com", email)
    return told
