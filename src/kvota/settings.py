"""Settings: the only place that reads the environment."""

import os
from collections.abc import Mapping

import msgspec

DEFAULT_STORE = "sqlite:///kvota.db"
DEFAULT_CATALOGUE = "bitrix24"
DEFAULT_PORT = 8024


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``KVOTA_STORE``, ``KVOTA_CATALOGUE``, ``KVOTA_OPERATOR_KEY``, ``KVOTA_SANDBOX``, ``KVOTA_LOG_LEVEL``.

    ``KVOTA_ALLOW_PRIVATE_TARGETS``: hosts that webhooks and callbacks may reach although they are private or have no
    TLS, with commas between them; ``1`` stands for every host. ``KVOTA_UPSTREAMS``: the file of AI services, whose keys
    are in variables that it names.

    ``KVOTA_PUBLIC_URL`` is where browsers reach the server, by HTTPS as a rule: what links begin with.

    ``KVOTA_SMTP_URL`` and ``KVOTA_MAIL_FROM``: the server that takes mail, and the address that it comes from.

    ``KVOTA_TEXT_MODEL``, ``KVOTA_IMAGE_MODEL`` and ``KVOTA_AUDIO_MODEL`` answer Bitrix24's requests.

    ``KVOTA_BITRIX24_CLIENT_ID`` and ``KVOTA_BITRIX24_CLIENT_SECRET`` are those of an application of portals, and
    ``KVOTA_BITRIX24_OAUTH`` is where its tokens are renewed.

    ``workers``: how many processes serve; said on the command line.

    ``KVOTA_URL`` and ``KVOTA_KEY`` are for commands that speak to a running server.
    """

    store: str = DEFAULT_STORE
    catalogue: str = DEFAULT_CATALOGUE
    operator_key: str | None = None
    is_sandbox: bool = False
    log_level: str = "info"
    private_targets: tuple[str, ...] = ()
    smtp_url: str | None = None
    mail_from: str | None = None
    upstreams: str | None = None
    public_url: str | None = None
    text_model: str = "gpt-4o-mini"
    image_model: str = "dall-e-3"
    audio_model: str = "whisper-1"
    bitrix24_client: str | None = None
    bitrix24_secret: str | None = None
    bitrix24_oauth: str = "https://oauth.bitrix.info"
    workers: int = 1
    url: str | None = None
    key: str | None = None


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the environment; an empty variable counts as absent."""

    def get(name: str) -> str | None:
        return environment.get(name) or None

    return Settings(
        store=get("KVOTA_STORE") or DEFAULT_STORE,
        catalogue=get("KVOTA_CATALOGUE") or DEFAULT_CATALOGUE,
        operator_key=get("KVOTA_OPERATOR_KEY"),
        is_sandbox=(get("KVOTA_SANDBOX") or "0").lower() in ("1", "true", "yes", "on"),
        log_level=(get("KVOTA_LOG_LEVEL") or "info").lower(),
        private_targets=_hosts(get("KVOTA_ALLOW_PRIVATE_TARGETS") or ""),
        smtp_url=get("KVOTA_SMTP_URL"),
        mail_from=get("KVOTA_MAIL_FROM"),
        upstreams=get("KVOTA_UPSTREAMS"),
        public_url=get("KVOTA_PUBLIC_URL"),
        text_model=get("KVOTA_TEXT_MODEL") or "gpt-4o-mini",
        image_model=get("KVOTA_IMAGE_MODEL") or "dall-e-3",
        audio_model=get("KVOTA_AUDIO_MODEL") or "whisper-1",
        bitrix24_client=get("KVOTA_BITRIX24_CLIENT_ID"),
        bitrix24_secret=get("KVOTA_BITRIX24_CLIENT_SECRET"),
        bitrix24_oauth=get("KVOTA_BITRIX24_OAUTH") or "https://oauth.bitrix.info",
        url=get("KVOTA_URL"),
        key=get("KVOTA_KEY"),
    )


def variables() -> Mapping[str, str]:
    """All variables, for a file that names some of them."""
    return os.environ


def _hosts(names: str) -> tuple[str, ...]:
    named = tuple(name.strip() for name in names.split(",") if name.strip())
    return ("*",) if named and named[0].lower() in ("1", "true", "yes", "on") else named


def environment_for(store: str) -> dict[str, str]:
    """The environment of another process that is to use that store."""
    return {**os.environ, "KVOTA_STORE": store}
