"""The tokens of a simulated portal: codes that live 30 seconds, access for an hour, renewal for 180 days."""

import secrets
import time
from typing import Any

CODE_SECONDS = 30
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 180 * 86_400


class OAuthError(Exception):
    """A refusal, as the authorization server words it."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code, self.description = code, description


class Tokens:
    """Who may call the portal in the name of the installed application. ``pass_time`` makes them older."""

    def __init__(self, member_id: str, domain: str, url: str) -> None:
        self.client_id, self.client_secret = "local.kvota", "secret-of-the-application"
        self._member_id, self._domain, self._url = member_id, domain, url
        self._codes: dict[str, tuple[float, int]] = {}
        self._access: dict[str, tuple[float, int]] = {}
        self._refresh: dict[str, tuple[float, int]] = {}
        self._ahead = 0.0

    def pass_time(self, seconds: float) -> None:
        """From now on every token is so much older."""
        self._ahead += seconds

    def _now(self) -> float:
        return time.monotonic() + self._ahead

    def code(self, user: int = 1) -> str:
        """A code of an authorization that the user has just confirmed."""
        code = secrets.token_hex(16)
        self._codes[code] = (self._now() + CODE_SECONDS, user)
        return code

    def grant(self, user: int = 1) -> dict[str, Any]:
        """New tokens of a user, as they come in an event or from the authorization server."""
        access, refresh = secrets.token_hex(20), secrets.token_hex(20)
        self._access[access] = (self._now() + ACCESS_SECONDS, user)
        self._refresh[refresh] = (self._now() + REFRESH_SECONDS, user)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": ACCESS_SECONDS,
            "domain": self._domain,
            "member_id": self._member_id,
            "client_endpoint": f"{self._url}/rest/",
            "server_endpoint": f"{self._url}/rest/",
            "scope": "ai_admin,user,department,im,placement",
            "status": "L",
            "user_id": user,
        }

    def exchange(self, asked: dict[str, str]) -> dict[str, Any]:
        """What ``/oauth/token/`` answers. A code opens once; a refresh token is replaced by the one that it gives."""
        if (asked.get("client_id"), asked.get("client_secret")) != (self.client_id, self.client_secret):
            raise OAuthError("invalid_client", "The application is not known")
        kinds = {"authorization_code": ("code", self._codes), "refresh_token": ("refresh_token", self._refresh)}
        name, known = kinds.get(asked.get("grant_type", ""), ("", {}))
        until, user = known.pop(asked.get(name, ""), (0.0, 0))
        if until <= self._now():
            raise OAuthError("invalid_grant", "The token has expired, or is not known")
        return self.grant(user)

    def user_of(self, access: str) -> int:
        """Whose access it is; ``expired_token`` as a portal says it."""
        until, user = self._access.get(access, (0.0, 0))
        if not user:
            raise OAuthError("NO_AUTH_FOUND", "Wrong authorization data")
        if until <= self._now():
            raise OAuthError("expired_token", "The access token provided has expired")
        return user
