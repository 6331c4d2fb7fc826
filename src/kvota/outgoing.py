"""Calls to addresses that others have chosen (webhooks, callbacks, portals); none of them reaches a private address.

What a name stands for is checked when it is resolved, each time and for every address of it, and the connection is made
to those very addresses: a DNS answer that changes between check and connection changes nothing. Each request of a
session passes the check, so one that a redirect leads to passes it as well.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

SECONDS = 15.0
ANSWER_BYTES = 4096
EVERY_HOST = "*"

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
_REFUSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.88.99.0/24",  # the relays of 6to4
            "2001::/23",  # protocols of the IETF, Teredo among them, which carries IPv4 addresses
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address in IPv6
            "3fff::/20",  # documentation
        ),
    )
)


class TargetRefused(aiohttp.ClientError):
    """The target may not be called; ``host`` names it and the text says why and what would be right."""

    def __init__(self, host: str, detail: str) -> None:
        super().__init__(detail)
        self.host, self.detail = host, detail


class Answer(NamedTuple):
    """What a target answered: its status, and the beginning of its body."""

    status: int
    excerpt: bytes


def is_public(address: str) -> bool:
    """Whether an IP address can be anybody's on the internet: no private, loopback, link-local … one.

    An IPv4 address inside an IPv6 one (mapped, NAT64) is judged as what it is.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)))
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip not in _UNICAST_6:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _REFUSED)


class Outgoing:
    """Which targets may be called, and sessions that call no other.

    ``private_hosts`` are hosts (names or addresses, ``*`` for all) that the operator has let be private and plain HTTP.
    ``resolver`` replaces the system's.
    """

    def __init__(self, private_hosts: Collection[str] = (), *, resolver: AbstractResolver | None = None) -> None:
        self._private_hosts = frozenset(map(_plain, private_hosts))
        self._resolver = resolver

    def may_be_private(self, host: str) -> bool:
        """Whether the operator has allowed this host to be private, and to be called without TLS."""
        return EVERY_HOST in self._private_hosts or _plain(host) in self._private_hosts

    def check(self, url: str | URL) -> URL:
        """The URL, as far as it can be judged without asking DNS. Raises ``TargetRefused``."""
        try:
            url = URL(url)
        except ValueError:
            raise TargetRefused("", f"{url!r} is no URL; it would be like https://example.com/hook") from None
        host = url.host
        if url.scheme not in ("http", "https") or not host:
            raise TargetRefused(host or "", "the URL must begin with https:// and name a host")
        if url.user is not None or url.password is not None:
            raise TargetRefused(host, "the URL must not carry a user or password")
        if self.may_be_private(host):
            return url
        if url.scheme != "https":
            raise TargetRefused(host, "the URL must begin with https://; the operator can allow plain HTTP for a host")
        with suppress(ValueError):
            _refuse_private(host, [str(ipaddress.ip_address(host))])
        return url

    def session(self, *, seconds: float = SECONDS) -> aiohttp.ClientSession:
        """A session of the running event loop that reaches allowed targets only; the caller closes it.

        It takes no proxy from the environment, keeps no cookies and unpacks nothing.
        """
        return aiohttp.ClientSession(
            connector=_Connector(self, resolver=_Resolver(self, self._resolver), use_dns_cache=False),
            timeout=aiohttp.ClientTimeout(total=seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )


async def post(session: aiohttp.ClientSession, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post a body; follows no redirect and reads no more than the beginning of the answer.

    Raises ``aiohttp.ClientError`` (``TargetRefused`` among them) or ``TimeoutError`` where no answer came.
    """
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
        read = bytearray()
        while len(read) < ANSWER_BYTES and (part := await response.content.read(ANSWER_BYTES - len(read))):
            read += part
        response.close()  # what is left unread ends the connection instead of waiting in it
        return Answer(response.status, bytes(read))


def _plain(host: str) -> str:
    return host.strip().rstrip(".").lower()


def _refuse_private(host: str, addresses: Collection[str]) -> None:
    for address in addresses:
        if not is_public(address):
            raise TargetRefused(host, f"{host} is the private address {address}, which no call may go to")


class _Resolver(AbstractResolver):
    """Resolves names and lets none through that has a private address among its addresses."""

    def __init__(self, outgoing: Outgoing, resolver: AbstractResolver | None) -> None:
        self._outgoing = outgoing
        self._resolver = resolver or aiohttp.ThreadedResolver(loop=asyncio.get_running_loop())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not self._outgoing.may_be_private(host):
            _refuse_private(host, [one["host"] for one in found])
        return found

    async def close(self) -> None:
        await self._resolver.close()


class _Connector(aiohttp.TCPConnector):
    """Judges the URL of every request before it looks for a connection: addresses in it are never resolved."""

    def __init__(self, outgoing: Outgoing, *, resolver: AbstractResolver, use_dns_cache: bool) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - an argument that we do not pass is a bare tuple
            resolver=resolver, use_dns_cache=use_dns_cache
        )
        self._outgoing = outgoing

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        self._outgoing.check(req.url)
        return await super().connect(req, traces, timeout)
