"""No call that goes where somebody else has said reaches a private address, whatever names, redirects and DNS do."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kvota.outgoing import ANSWER_BYTES, Outgoing, TargetRefused, is_public, post
from kvota.settings import from_environment
from tests.outgoing.names import Names

pytestmark = pytest.mark.anyio

PRIVATE = [
    "0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1",
    "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2606:4700:4700::1111"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_passes_for_a_public_one(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("http://example.com/hook", "https://"),
        ("ftp://example.com/hook", "https://"),
        ("/hook", "https://"),
        ("https:///hook", "name a host"),
        ("https://example.com:port/", "no URL"),
        ("https://user@example.com/", "user or password"),
        ("https://user:secret@example.com/", "user or password"),
        ("https://127.0.0.1/", "private address 127.0.0.1"),
        ("https://[::1]:8443/", "private address ::1"),
        ("https://[::ffff:10.0.0.1]/", "private address ::ffff:a00:1"),
        ("https://[fe80::1%25eth0]/", "private address fe80::1%eth0"),
        ("https://169.254.169.254/latest/meta-data", "private address 169.254.169.254"),
    ],
)
def test_a_url_that_may_not_be_called_says_why(url, because):
    with pytest.raises(TargetRefused) as refused:
        Outgoing().check(url)
    assert because in refused.value.detail
    assert "secret" not in refused.value.detail


def test_hosts_that_the_operator_has_named_may_be_private_and_without_tls():
    outgoing = Outgoing(["Hooks.internal.", "127.0.0.1"])
    assert str(outgoing.check("http://hooks.INTERNAL/a")) == "http://hooks.internal/a"
    outgoing.check("http://127.0.0.1:8080/")
    with pytest.raises(TargetRefused):
        outgoing.check("http://127.0.0.2:8080/")
    Outgoing(["*"]).check("http://10.0.0.1/")


@pytest.mark.parametrize(
    ("value", "hosts"),
    [("", ()), ("1", ("*",)), ("true", ("*",)), ("localhost, hooks.internal", ("localhost", "hooks.internal"))],
)
def test_the_operator_names_them_in_the_environment(value, hosts):
    assert from_environment({"KVOTA_ALLOW_PRIVATE_TARGETS": value}).private_targets == hosts


class Target:
    """An HTTP server on the loopback; ``paths`` are those that were asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self.server = TestServer(app)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        if request.path == "/away":
            return web.Response(status=307, headers={"Location": request.query["to"]})
        if request.path == "/endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65536)
        return web.Response(body=await request.read())


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    target = Target()
    await target.server.start_server()
    yield target
    await target.server.close()


async def test_a_name_that_stands_for_a_private_address_is_refused(target):
    port = target.server.port
    names = Names(evil_test=[["127.0.0.1"]], half_test=[["8.8.8.8", "127.0.0.1"]], six_test=[["::ffff:127.0.0.1"]])
    async with Outgoing(resolver=names).session() as session:
        for name in ("evil.test", "half.test", "six.test"):
            with pytest.raises(TargetRefused) as refused:
                await post(session, f"https://{name}:{port}/", body=b"", headers={})
            assert refused.value.host == name
    assert target.paths == []


async def test_a_name_that_was_public_a_moment_ago_is_refused_when_it_is_private(target):
    names = Names(turning_test=[["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]])
    async with Outgoing(resolver=names).session() as session:
        assert isinstance(session.connector, aiohttp.TCPConnector)
        checked = await session.connector._resolver.resolve("turning.test", target.server.port)  # noqa: SLF001 - the check as it is
        assert [one["host"] for one in checked] == ["8.8.8.8"]
        for _ in range(2):
            with pytest.raises(TargetRefused):
                await post(session, f"https://turning.test:{target.server.port}/", body=b"", headers={})
    assert target.paths == []


async def test_the_connection_goes_to_the_address_that_was_checked_and_asks_no_second_time(target):
    names = Names(hooks_test=[["127.0.0.1"], ["127.0.0.99"]])
    async with Outgoing(["hooks.test"], resolver=names).session() as session:
        answer = await post(session, f"http://hooks.test:{target.server.port}/a", body=b"hello", headers={})
    assert answer == (200, b"hello")
    assert names.asked == ["hooks.test"]


async def test_a_redirect_is_not_followed_by_a_post(target):
    names = Names(hooks_test=[["127.0.0.1"]])
    async with Outgoing(["hooks.test"], resolver=names).session() as session:
        there = f"http://hooks.test:{target.server.port}"
        answer = await post(session, f"{there}/away?to={there}/b", body=b"", headers={})
    assert answer.status == 307
    assert target.paths == [f"/away?to={there}/b"]


@pytest.mark.parametrize("to", ["http://127.0.0.1:{}/b", "https://evil.test:{}/b", "http://hooks2.test:{}/b"])
async def test_a_redirect_that_somebody_follows_is_checked_like_the_first_request(target, to):
    names = Names(hooks_test=[["127.0.0.1"]], evil_test=[["127.0.0.1"]])
    port = target.server.port
    async with Outgoing(["hooks.test"], resolver=names).session() as session:
        with pytest.raises(TargetRefused):
            await session.get(f"http://hooks.test:{port}/away", params={"to": to.format(port)})
    assert len(target.paths) == 1


async def test_of_an_endless_answer_only_the_beginning_is_read(target):
    names = Names(hooks_test=[["127.0.0.1"]])
    async with Outgoing(["hooks.test"], resolver=names).session() as session:
        answer = await post(session, f"http://hooks.test:{target.server.port}/endless", body=b"", headers={})
    assert answer == (200, b"x" * ANSWER_BYTES)


async def test_a_target_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with Outgoing(["127.0.0.1"]).session(seconds=0.2) as session:
            with pytest.raises(TimeoutError):
                await post(session, f"http://127.0.0.1:{silent.getsockname()[1]}/", body=b"", headers={})


async def test_the_systems_resolver_is_checked_too(target):
    async with Outgoing().session() as session:
        with pytest.raises(TargetRefused):
            await post(session, f"https://localhost:{target.server.port}/", body=b"", headers={})
    assert target.paths == []
