"""The cookies: the session, a visitor without one, the language, the theme, and a word for the next page."""

from collections.abc import Mapping

SESSION, VISITOR, LANGUAGE, THEME, FLASH = "kvota", "kvota-visitor", "kvota-language", "kvota-theme", "kvota-flash"
YEAR_SECONDS = 365 * 24 * 3600
MAX_COOKIES = 50


class Cookies:
    """What came and what is to be set. Over HTTPS each bears ``__Host-``: no other host can set it."""

    def __init__(self, header: bytes, *, is_secure: bool) -> None:
        self._came = _read(header)
        self._prefix = "__Host-" if is_secure else ""
        self._is_secure = is_secure
        self.frame: str | None = None
        self._set: dict[str, str] = {}

    def get(self, name: str) -> str:
        """What came; empty where nothing did."""
        return self._came.get(self._prefix + name, "")

    def set(self, name: str, value: str, *, seconds: int = YEAR_SECONDS) -> None:
        """Set it; pages run no script that could read it. In another site's frame it needs to be a partitioned one."""
        site = "SameSite=None; Partitioned" if self.frame and self._is_secure else "SameSite=Lax"
        secure = "; Secure" if self._is_secure else ""
        self._set[name] = f"{self._prefix}{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; {site}{secure}"

    def drop(self, name: str) -> None:
        """Let the browser forget it."""
        self.set(name, "", seconds=0)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that set them."""
        return [(b"set-cookie", one.encode("ascii")) for one in self._set.values()]


def _read(header: bytes) -> Mapping[str, str]:
    """Names and values; of one that comes twice the first, as the browser prefers it."""
    found: dict[str, str] = {}
    for part in header.decode("latin-1").replace(", ", "; ").split(";")[:MAX_COOKIES]:
        name, is_given, value = part.strip().partition("=")
        if is_given:
            found.setdefault(name, value)
    return found
