"""Who asks, and whether the role may: ``Authorization: Bearer <key>``, and the table of roles of the contract."""

import asyncio
import math
import time
from collections.abc import Mapping

from kvota.asgi.attempts import Attempts
from kvota.asgi.services import Services
from kvota.errors import Forbidden, NotFound, TooManyAttempts, Unauthenticated
from kvota.store import ApiKey

OPERATOR, ADMIN, APP, MEMBER, AUDITOR = "operator", "admin", "app", "member", "auditor"
ROLES = (OPERATOR, ADMIN, APP, MEMBER, AUDITOR)
MAX_SECRET = 200
REMEMBERED_SECONDS = 0.5
MAX_REMEMBERED = 10_000


class Keyring:
    """Finds the key of a secret. Known ones are remembered for half a second, so that a busy key costs nothing.

    An address from which many unknown keys came has to wait; keys that were known before open all the while.
    """

    def __init__(self, services: Services, attempts: Attempts | None = None) -> None:
        self._services, self._attempts = services, attempts or Attempts()
        self._known: dict[bytes, tuple[float, int, ApiKey]] = {}
        self._asking: dict[tuple[bytes, int], asyncio.Task[ApiKey | None]] = {}

    async def authenticate(self, headers: Mapping[bytes, bytes], address: str) -> ApiKey:
        """The key that asks; ``Unauthenticated`` where there is none in force, or ``TooManyAttempts``."""
        value = headers.get(b"authorization", b"")
        changes = self._services.key_changes
        known = self._known.get(value)
        if known is not None and known[1] == changes and time.monotonic() < known[0]:
            return known[2]
        scheme, _, secret = value.partition(b" ")
        secret = secret.strip()
        if scheme.lower() != b"bearer" or not secret or len(secret) > MAX_SECRET or not secret.isascii():
            raise Unauthenticated("no bearer token")
        if known is None and (wait := self._attempts.wait_seconds(address)):
            raise TooManyAttempts("too many unknown keys", retry_after_seconds=math.ceil(wait))
        key = await asyncio.shield(self._find(value, changes, secret.decode()))
        if key is None:
            self._known.pop(value, None)
            self._attempts.failed(address)
            raise Unauthenticated("no such key")
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[value] = (time.monotonic() + REMEMBERED_SECONDS, changes, key)
        return key

    def _find(self, value: bytes, changes: int, secret: str) -> asyncio.Task[ApiKey | None]:
        """Ask the store; all who come with one secret at one moment ask together."""
        asking = self._asking.get((value, changes))
        if asking is None:
            asking = asyncio.ensure_future(self._services.read(self._services.reads.authenticate, secret))
            self._asking[value, changes] = asking
            asking.add_done_callback(lambda _: self._asking.pop((value, changes)))
        return asking


def check_role(key: ApiKey, roles: frozenset[str]) -> None:
    """``Forbidden`` where the role may not do this."""
    if key.role not in roles:
        names = ", ".join(role for role in ROLES if role in roles)
        raise Forbidden(f"The role {key.role} may not do this: it is for {names}.")


def check_company(key: ApiKey, company: str) -> None:
    """For a key of one company no other exists."""
    if key.company is not None and key.company != company:
        raise NotFound("company", company)
