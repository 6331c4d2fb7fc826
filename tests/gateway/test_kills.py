"""kill -9 of server, AI service and client at each point of a call, on both stores.

Whatever dies: no hold outlives its time, nobody is charged twice, and who was charged has his answer or gets it by
repeating the call under its key. The clock is the sandbox's, so that a hold's time passes when the test says so.
"""

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import psycopg
import pytest

from tests.acceptance.servers import Server, kvota
from tests.gateway.eventually import eventually
from tests.gateway.raw import CHAT, STREAM, call, open_call
from tests.gateway.running import CATALOGUE, Company, file_of, settings_of
from tests.upstreams.process import AiProcess, ai_process

CLIENT = Path(__file__).with_name("client.py")
ROOM = 1_000_000


class Scene:
    """A server in the sandbox, the AI service, and a company; each call has a user and a key of its name."""

    def __init__(self, server: Server, ai: AiProcess, store: str) -> None:
        self.server, self.ai, self.store = server, ai, store
        self.now = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
        self.set_clock()
        self.company = Company(server)

    def set_clock(self) -> None:
        now = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert self.server.call("PUT", "/v1/sandbox/clock", {"now": now}).status == 200

    def start(self, name: str, body: object = None):
        """Begin a call and do not wait for its answer."""
        return open_call(self.company, body=body, key=self.company.app, X_Kvota_User=name, Idempotency_Key=name)

    def repeat(self, name: str, body: object = None):
        return call(self.company, body=body, key=self.company.app, X_Kvota_User=name, Idempotency_Key=name)

    def kinds(self, name: str) -> list[str]:
        return [one["kind"] for one in self.company.entries() if one["user"] == name]

    def becomes(self, name: str, *kinds: str) -> None:
        found = eventually(lambda: self.kinds(name), lambda found: len(found) >= len(kinds))
        assert found == list(kinds), name

    def let_holds_expire(self) -> None:
        self.now += dt.timedelta(hours=1)
        self.set_clock()
        assert call(self.company, key=self.company.app, X_Kvota_Action="nothing").status == 200

    def ends_well(self) -> None:
        """Nothing is open, each call is charged at most once, and the ledger agrees with everything."""
        self.let_holds_expire()
        assert self.company.open_holds() == []
        charges = self.company.entries("captured")
        users = [one["user"] for one in charges if one["user"]]
        assert len(users) == len(set(users))
        assert self.company.available == ROOM - sum(one["cost"] for one in charges)
        self.server.kill()
        verified = kvota("verify", store=self.store, sandbox=True, catalogue=CATALOGUE)
        assert verified.returncode == 0, verified.stdout


@pytest.fixture
def scene(store_url, tmp_path) -> Iterator[Scene]:
    with ai_process(tmp_path) as ai:
        settings = {**settings_of(store_url, file_of(tmp_path, ai.url)), "KVOTA_SANDBOX": "1"}
        server = Server(tmp_path, settings)
        try:
            server.start()
            yield Scene(server, ai, store_url)
        finally:
            with contextlib.suppress(ProcessLookupError):
                server.kill()


@contextlib.contextmanager
def locked(store: str) -> Iterator[None]:
    """Nobody else can write: what the server wants to commit has to wait."""
    if store.startswith("sqlite"):
        other = apsw.Connection(store.removeprefix("sqlite:///"))
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
    else:
        with psycopg.connect(store) as other:
            other.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
            yield
            other.rollback()


def half_a_call(scene: Scene, name: str) -> socket.socket:
    """A call whose body does not come to its end."""
    line = socket.create_connection(("127.0.0.1", scene.server.port))
    line.sendall(
        f"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {scene.company.app}\r\n"
        f"X-Kvota-User: {name}\r\nContent-Length: 500\r\n\r\n{{".encode()
    )
    return line


def is_held(scene: Scene, name: str) -> None:
    scene.becomes(name, "held")


def test_a_server_that_is_killed_charges_nobody_for_nothing(scene):
    def kill_and_start() -> None:
        scene.server.kill()
        scene.server.start()
        scene.set_clock()

    line = half_a_call(scene, "before the hold")
    kill_and_start()
    line.close()
    assert scene.kinds("before the hold") == []

    scene.ai.behave("waits_to_begin")
    line = scene.start("held")
    is_held(scene, "held")
    kill_and_start()
    line.close()
    assert scene.kinds("held") == ["held"]
    assert scene.repeat("held").code == "call_running"  # nobody knows yet that it has died

    line = scene.start("capturing")
    is_held(scene, "capturing")
    with locked(scene.store):
        scene.ai.go()  # the answer comes, and its charge cannot be written
        with pytest.raises(TimeoutError):
            _wait_for_answer(line, 0.5)
        scene.server.kill()
    scene.server.start()
    scene.set_clock()
    line.close()
    assert scene.kinds("capturing") == ["held"]

    scene.ai.behave("waits_in_the_middle")
    line = scene.start("streaming", STREAM)
    assert line.getresponse().read1()
    kill_and_start()
    line.close()
    assert scene.kinds("streaming") == ["held", "captured"]

    scene.ai.behave("right")
    again = scene.repeat("streaming", STREAM)
    assert (again.status, again.headers["idempotency-replayed"]) == (200, "true")
    scene.let_holds_expire()
    for name in ("held", "capturing"):
        assert scene.kinds(name) == ["held", "hold_expired"]
        assert scene.repeat(name).status == 200
        scene.becomes(name, "held", "hold_expired", "held", "captured", "measured")
    scene.ends_well()


def _wait_for_answer(line, seconds: float) -> None:
    line.sock.settimeout(seconds)
    line.sock.recv(1)


def test_an_ai_service_that_is_killed_is_paid_only_if_it_has_begun(scene):
    scene.ai.kill()
    answer = scene.repeat("before")
    assert (answer.status, answer.code) == (502, "upstream_unavailable")
    assert scene.kinds("before") == ["held", "voided"]
    scene.ai.start()

    scene.ai.behave("waits_to_begin")
    line = scene.start("held")
    is_held(scene, "held")
    scene.ai.kill()
    reply = line.getresponse()
    assert (reply.status, json.loads(reply.read())["error"]["code"]) == (502, "upstream_unavailable")
    line.close()
    assert scene.kinds("held") == ["held", "voided"]
    scene.ai.start()

    scene.ai.behave("waits_in_the_middle")
    line = scene.start("streaming", STREAM)
    reply = line.getresponse()
    assert reply.read1()
    scene.ai.kill()
    with pytest.raises(Exception, match=r"IncompleteRead|reset"):
        reply.read()
    line.close()
    assert scene.kinds("streaming") == ["held", "captured"]
    scene.ai.start()
    for name, body in (("before", CHAT), ("held", CHAT), ("streaming", STREAM)):
        assert scene.repeat(name, body).status == 200
    scene.becomes("streaming", "held", "captured")
    scene.ends_well()


@contextlib.contextmanager
def client(scene: Scene, name: str, body: object) -> Iterator[subprocess.Popen[str]]:
    """A process that makes a call, and says when it has sent it and when it has the first piece of an answer."""
    process = subprocess.Popen(
        [sys.executable, str(CLIENT), str(scene.server.port), scene.company.app, name, json.dumps(body)],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "sent\n"
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_a_client_that_is_killed_is_charged_only_if_its_answer_had_begun(scene):
    scene.ai.behave("waits_to_begin")
    with client(scene, "half", None):
        pass
    assert scene.kinds("half") == []

    with client(scene, "held", CHAT):
        is_held(scene, "held")
    scene.becomes("held", "held", "voided")

    with client(scene, "capturing", CHAT):
        is_held(scene, "capturing")
        with locked(scene.store):
            scene.ai.go()
    found = eventually(lambda: scene.kinds("capturing"), lambda kinds: len(kinds) > 1)
    assert found[:2] in (["held", "captured"], ["held", "voided"])

    scene.ai.behave("waits_in_the_middle")
    with client(scene, "streaming", STREAM) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
    scene.becomes("streaming", "held", "captured")
    scene.ai.behave("right")
    assert scene.repeat("streaming", STREAM).headers["idempotency-replayed"] == "true"
    scene.ends_well()
