"""Who opens the dashboard: what a store keeps of them, and the part of its contract that says so."""

from typing import Literal, Protocol

import msgspec

from kvota.acts import Act

Role = Literal["operator", "admin", "member", "auditor"]
LinkKind = Literal["invitation", "reset"]


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in. ``password`` is its hash by argon2, None until the invitation is accepted.

    ``company`` is None for an operator's; a member's names the ``user`` of the company that it is.
    """

    id: str
    email: str
    role: Role
    company: str | None = None
    user: str | None = None
    password: str | None = None
    created_at: int = 0

    def __repr__(self) -> str:
        return f"SignIn(id={self.id!r}, role={self.role!r}, company={self.company!r})"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that sets a password once. ``hash`` is all that is stored of it."""

    hash: str
    sign_in: str
    kind: LinkKind
    expires_at: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in. ``hash`` is all that is stored of what its cookie holds.

    ``owner`` is the id of the sign-in, or what a portal calls the person; ``name`` is shown. ``frame`` is the one
    origin that may show the pages in a frame.
    """

    hash: str
    id: str
    owner: str
    name: str
    role: Role
    company: str | None = None
    user: str | None = None
    frame: str | None = None
    agent: str | None = None
    begun_at: int
    seen_at: int
    expires_at: int


class SignIns(Protocol):
    """What a store keeps of those who sign in. Each call is atomic, and durable when it returns."""

    def add_sign_in(self, sign_in: SignIn) -> bool:
        """Add it; False, and nothing is added, where its e-mail address is there already."""
        ...

    def find_sign_in(self, email: str) -> SignIn | None: ...

    def sign_in(self, sign_in: str) -> SignIn | None: ...

    def sign_ins(self, company: str | None, after: str, limit: int) -> list[SignIn]:
        """A page of a company's (None: the operators'), by id."""
        ...

    def remove_sign_in(self, sign_in: str) -> bool:
        """Remove it with its links and its sessions; False where there is none."""
        ...

    def add_link(self, link: Link) -> None:
        """Add a link; the earlier ones of the same sign-in end."""
        ...

    def find_link(self, hashed: str) -> Link | None:
        """The link of that hash, also one that has expired."""
        ...

    def set_password(self, sign_in: str, password: str, link: str | None) -> bool:
        """Set it and end all links and sessions of the sign-in.

        ``link``: the hash of the link that is used up by it; False, and nothing changes, where it is gone.
        """
        ...

    def add_session(self, session: Session, act: Act | None = None) -> None:
        """Add a session, note the operator's act that it is, and remove those that have expired by its ``begun_at``."""
        ...

    def find_session(self, hashed: str) -> Session | None:
        """The session of that hash, also one that has expired."""
        ...

    def sessions(self, owner: str) -> list[Session]:
        """Those of an owner, by id."""
        ...

    def see_session(self, hashed: str, now: int) -> None:
        """Note that it was used."""
        ...

    def end_session(self, owner: str, session: str) -> bool:
        """End one by its id; False where the owner has none of that id."""
        ...
