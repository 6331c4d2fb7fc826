"""``kvota bitrix24``: connect a portal, list, renew and remove what it has of us."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from cyclopts import Parameter

from kvota.cli import OK
from kvota.cli.options import Output
from kvota.cli.serving import given_settings
from kvota.errors import Invalid, NotFound

if TYPE_CHECKING:
    from kvota.bitrix24.rest import Rest
    from kvota.portals import Engine, Portal
    from kvota.wiring import Meter

_HERE = Output()
T = TypeVar("T")
Webhook = Annotated[str, Parameter(env_var="KVOTA_BITRIX24_WEBHOOK", show_env_var=False)]


def connect(
    company: str,
    /,
    *,
    webhook: Webhook,
    public_url: str | None = None,
    scenario: Annotated[list[str] | None, Parameter(negative=())] = None,
    host: Annotated[list[str] | None, Parameter(negative=())] = None,
    language: Literal["en", "ru"] | None = None,
    store: str | None = None,
    output: Output = _HERE,
) -> int:
    """Register Kvota's engines in a portal, so that its CoPilot is metered as this company.

    `kvota serve` must run on the same store and be reached at the public address: the portal looks at once.

    For example:

        kvota bitrix24 connect acme --webhook https://acme.bitrix24.com/rest/1/secret/ --public-url https://kvota.example

    Parameters
    ----------
    company
        The company that pays for the portal's requests.
    webhook
        An administrator's inbound webhook with the scope ai_admin; KVOTA_BITRIX24_WEBHOOK (better: other users can see
        arguments). It is not stored.
    public_url
        Where the portal reaches this server, by https; KVOTA_PUBLIC_URL where it is not given.
    scenario
        Only these of crm, follow_up, sites, texts, images, crm_audio, follow_up_audio.
    host
        Another host of the portal, where recordings may be.
    language
        The language of what the portal is told; that of the portal's address where it is not given.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    """
    from kvota.bitrix24.connecting import Connection
    from kvota.bitrix24.connecting import connect as register
    from kvota.bitrix24.rest import origin_of, webhook_access
    from kvota.catalogue_file.prompts import SCENARIOS
    from kvota.portals import Portal

    origin = origin_of(webhook_access(webhook))
    name = urlsplit(origin).netloc
    url = _public(public_url)

    async def work(meter: "Meter", rest: "Rest") -> int:
        meter.reads.company(company)
        portal = Portal(
            portal=name,
            company=company,
            kind="webhook",
            origin=origin,
            hosts=tuple(dict.fromkeys([name, *(host or ())])),
            language=language or _language_of(name),
            connected_at=meter.store.real_clock(),
        )
        wanted = tuple(dict.fromkeys(scenario or SCENARIOS))
        engines = await register(Connection(meter.store, rest, portal, url, _said_in(output)), wanted)
        return _tell_engines(engines, output)

    return _with_portal(webhook, store, work)


def list_(*, webhook: Webhook, store: str | None = None, output: Output = _HERE) -> int:
    """List Kvota's engines: those that the portal has, and those that answer here.

    For example:

        kvota bitrix24 list --webhook https://acme.bitrix24.com/rest/1/secret/

    Parameters
    ----------
    webhook
        The administrator's inbound webhook; KVOTA_BITRIX24_WEBHOOK.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    """
    from kvota.bitrix24.connecting import listed

    async def work(meter: "Meter", rest: "Rest") -> int:
        found = await listed(meter.store, rest, _name_of(webhook))
        return _tell(
            [
                {"code": one.code, "category": one.category, "in the portal": one.is_there, "answers here": one.is_here}
                for one in found
            ],
            output,
        )

    return _with_portal(webhook, store, work)


def renew(*, webhook: Webhook, public_url: str | None = None, store: str | None = None, output: Output = _HERE) -> int:
    """Give each of the portal's engines a new secret address; the old ones end.

    For example:

        kvota bitrix24 renew --webhook https://acme.bitrix24.com/rest/1/secret/ --public-url https://kvota.example

    Parameters
    ----------
    webhook
        The administrator's inbound webhook; KVOTA_BITRIX24_WEBHOOK.
    public_url
        Where the portal reaches this server, by https; KVOTA_PUBLIC_URL where it is not given.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    """
    from kvota.bitrix24.connecting import Connection
    from kvota.bitrix24.connecting import connect as register

    url = _public(public_url)

    async def work(meter: "Meter", rest: "Rest") -> int:
        portal = _known(meter, webhook)
        scenarios = [one.scenario for one in meter.store.engines(portal.portal)]
        engines = await register(Connection(meter.store, rest, portal, url, _said_in(output)), scenarios)
        return _tell_engines(engines, output)

    return _with_portal(webhook, store, work)


def remove(*, webhook: Webhook, store: str | None = None, output: Output = _HERE) -> int:
    """Take Kvota's engines out of the portal, and forget it. What was charged stays.

    For example:

        kvota bitrix24 remove --webhook https://acme.bitrix24.com/rest/1/secret/

    Parameters
    ----------
    webhook
        The administrator's inbound webhook; KVOTA_BITRIX24_WEBHOOK.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    """
    from kvota.bitrix24.connecting import remove as take_out

    async def work(meter: "Meter", rest: "Rest") -> int:
        return _tell([{"removed": code} for code in await take_out(meter.store, rest, _name_of(webhook))], output)

    return _with_portal(webhook, store, work)


def _tell_engines(engines: "Sequence[Engine]", output: Output) -> int:
    return _tell([{"code": one.code, "category": one.category, "scenario": one.scenario} for one in engines], output)


def _with_portal(webhook: str, store: str | None, work: "Callable[[Meter, Rest], Awaitable[int]]") -> int:
    """Do something with the store and the portal open."""
    import asyncio

    from kvota.bitrix24.rest import Rest, webhook_access
    from kvota.cli.opening import open_here
    from kvota.outgoing import Outgoing

    access = webhook_access(webhook)
    settings = given_settings(store, None, is_sandbox=False)

    async def run() -> int:
        async with Outgoing(settings.private_targets).session() as session:
            return await work(meter, Rest(session, access))

    meter = open_here(settings, may_create=False)
    try:
        return asyncio.run(run())
    finally:
        meter.close()


def _name_of(webhook: str) -> str:
    from kvota.bitrix24.rest import origin_of, webhook_access

    return urlsplit(origin_of(webhook_access(webhook))).netloc


def _known(meter: "Meter", webhook: str) -> "Portal":
    name = _name_of(webhook)
    found = meter.store.portal(name)
    if found is None:
        raise NotFound("portal", name, detail=f"The portal {name} is not connected. Use `kvota bitrix24 connect`.")
    return found


def _public(url: str | None) -> str:
    found = url or given_settings(None, None, is_sandbox=False).public_url
    if not found or urlsplit(found).scheme not in ("http", "https") or not urlsplit(found).netloc:
        raise Invalid.field(
            "--public-url", "must be where the portal reaches this server, https://kvota.example for example", found
        )
    return found


def _language_of(host: str) -> str:
    return "ru" if host.endswith((".ru", ".by", ".kz")) else "en"


def _said_in(output: Output) -> "Literal['en', 'ru']":
    return "ru" if output.language == "ru" else "en"


def _tell(rows: list[dict[str, object]], output: Output) -> int:
    from kvota.cli.screen import listing, say, text

    if output.json:
        say(msgspec.json.encode({"engines": rows}).decode())
    elif not rows:
        say("The portal has no engine of Kvota.")
    else:
        listing("Engines", list(rows[0]), [[text(value) for value in row.values()] for row in rows])
    return OK
