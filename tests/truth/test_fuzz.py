"""Whatever comes over the wire, in bodies, headers and paths, is answered, and never with a 5xx."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvota.api.registry import operations
from tests.acceptance.servers import OPERATOR_KEY, Server, serving
from tests.api.harness import Api

OPERATIONS = [one for one in operations() if one.name not in ("healthz", "readyz", "metrics", "openapi", "docs")]
NAMES = sorted({name for one in OPERATIONS if one.body for name in one.body.__struct_fields__} | {"op", "operations"})
WORDS = [
    "acme",
    "call",
    "chat_question",
    "tiny",
    "day",
    "now",
    "UTC",
    "open",
    "charge",
    "hld_0000000003",
    "2026-03-01T00:00:00Z",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([0, 1, 2.0, -1, 10**9, 10**9 + 1, 2**63, 1e400, "", "\x00", "\ud800", "²"])
    | st.sampled_from(WORDS)
    | st.text(max_size=6)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=10,
)
BODIES = st.binary(max_size=40) | st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)
PARTS = st.sampled_from([*WORDS, ".", "..", "%00", "%2f", "%", "🙂", "x" * 65]) | st.text(min_size=1, max_size=5)
LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Idempotency-Key", "Accept-Language", "Content-Type", "Accept", "X-Any", "Cookie", "Range", "Expect"]
    ),
    LATIN | st.sampled_from(["ru;q=nan", "en;q=1e400", "*", ",,;=", "k"]),
    max_size=4,
)


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Api]:
    api = Api()
    api.make_company("acme", "large")
    api.charge()
    api.post("/v1/companies/acme/holds", {"action": "call"})
    yield api
    api.close()


def assert_answered(status: int, content_type: str, content: bytes) -> None:
    assert status < 500, content
    if status >= 400:
        assert content_type == "application/problem+json", content
        assert json.loads(content)["code"]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    operation=st.sampled_from(OPERATIONS),
    parts=st.lists(PARTS, min_size=2, max_size=2),
    is_there=st.booleans(),
    query=st.dictionaries(
        st.sampled_from(["from", "to", "by", "kind", "after", "limit", "status", "dry_run"]) | st.text(max_size=3),
        LATIN,
        max_size=3,
    ),
    headers=HEADERS,
    body=BODIES,
)
def test_any_body_path_query_and_headers_are_answered(  # noqa: PLR0917 - one for each thing that is fuzzed
    fuzzed, operation, parts, is_there, query, headers, body
):
    named = dict.fromkeys(operation.parameters, parts[1]) | {"company": "acme" if is_there else parts[0]}
    path = operation.path.format_map({name: quote(value, safe="%") for name, value in named.items()})
    if query:
        path += "?" + "&".join(f"{quote(name)}={quote(value, safe='%&=')}" for name, value in query.items())
    if operation.name == "set_clock" and b"2026" in body:
        return  # a clock that is set far ahead would end the boosts and months of all that follow
    sent = {name: value.strip().encode("latin-1") for name, value in headers.items()}
    reply = fuzzed.call(operation.method, path, raw=body, headers=sent)
    assert_answered(reply.status, reply.headers.get("content-type", ""), reply.content)


EXAMPLE = (Path(__file__).parents[1] / "api" / "small.toml").read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    at=st.integers(0, len(EXAMPLE)),
    removed=st.integers(0, 60),
    put=st.binary(max_size=12)
    | st.sampled_from([b"[", b"=", b'"""', b"min = 9\n", b"allowance = -1\n", b"\n[plans.x]\n"]),
    is_tried_out=st.booleans(),
)
def test_any_catalogue_is_loaded_or_refused_with_its_mistakes(fuzzed, at, removed, put, is_tried_out):
    path = "/v1/catalogues" + ("?dry_run=true" if is_tried_out else "")
    text = EXAMPLE[:at] + put + EXAMPLE[at + removed :]
    reply = fuzzed.call("POST", path, raw=text, headers={"Content-Type": "application/toml"})
    assert_answered(reply.status, reply.headers.get("content-type", ""), reply.content)


HEAD = b"POST /v1/companies/acme/quotes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
GOOD = HEAD % (OPERATOR_KEY.encode(), 26, b'{"action":"chat_question"}')


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fuzz")
    with serving(f"sqlite:///{folder}/kvota.db", folder) as server:
        body = {"name": "Acme", "plan": "large", "time_zone": "UTC"}
        assert server.call("PUT", "/v1/companies/acme", body).status == 201
        yield server


def answer_to(server: Server, request: bytes) -> bytes:
    """What comes back for the bytes, until the server closes or a reply is whole; nothing where it waits for more."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=30) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65_536):
                received += piece
        return received


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    at=st.integers(0, len(GOOD)),
    removed=st.integers(0, 30),
    put=st.binary(max_size=12)
    | st.sampled_from([b"\r\n", b"\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"\x00", b"%", b" "]),
)
def test_a_request_with_any_bytes_wrong_is_answered_or_cut_off_and_the_server_goes_on(server, at, removed, put):
    for reply in answer_to(server, GOOD[:at] + put + GOOD[at + removed :]).split(b"HTTP/1.1 ")[1:]:
        assert reply[:1] in (b"2", b"4"), reply
    assert server.call("POST", "/v1/companies/acme/quotes", {"action": "chat_question"}).status == 200
