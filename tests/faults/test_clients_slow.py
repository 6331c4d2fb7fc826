"""Clients that are a burden, beside others who notice nothing of it."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from kvota.server import MAX_PIPELINED, UNREAD_SECONDS
from tests.acceptance.servers import serving
from tests.faults.harness import scene
from tests.faults.slow import bytes_of, charge_of, dripping, request_of, send_and_never_read

MIB = 1024 * 1024
MEMORY = 64 * MIB
"""What so many bad clients may cost the server."""


def resident(pid: int) -> int:
    """The bytes that a process has in memory."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def slow(store, folder, many, calls):
    """They get their replies in the end, and meanwhile nobody waits for them."""
    with scene(store, folder, seed="slow") as it, dripping(it.server.port, many) as clients:
        it.callers.wait_for(calls)
        for call, (status, body) in zip(clients.calls, clients.finish(), strict=True):
            call.hear(status, {}, body)
            it.callers.calls.append(call)
        return it.verdict(f"{many} clients that send byte by byte", may_refuse=False)


def test_a_hundred_clients_that_send_byte_by_byte_hold_nobody_up(store_url, tmp_path, report):
    report(slow(store_url, tmp_path, 100, 300))


@pytest.mark.soak
def test_eight_hundred_clients_that_send_byte_by_byte_hold_nobody_up(store_url, tmp_path, report):
    report(slow(store_url, tmp_path, 800, 10_000))


@pytest.mark.soak
def test_a_body_that_does_not_come_ends_the_connection_after_a_minute(sqlite_url, tmp_path, report):
    with scene(sqlite_url, tmp_path, seed="silent") as it, dripping(it.server.port, 50) as clients:
        answers = clients.wait_for_the_end()
        assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}
        it.callers.calls += clients.calls  # not one of them was carried out
        report(it.verdict("a body that does not come", may_refuse=False, may_drop=False))


def unread(store, folder, many, calls):
    """Whole ledgers and charges, asked for and never read."""
    with scene(store, folder, seed="unread") as it, contextlib.ExitStack() as stack:
        it.callers.wait_for(calls)
        before = resident(it.server.process.pid)
        for number in range(many):
            wanted = [charge_of(f"unread-{number}-{one}", number) for one in range(2000)]
            it.callers.calls += wanted
            ledger = request_of("GET", f"/v1/companies/{wanted[0].company}/entries?limit=1000")
            asked = [bytes_of(call) + ledger for call in wanted]
            stack.enter_context(send_and_never_read(it.server.port, asked))
        it.callers.wait_for(calls)
        grown = resident(it.server.process.pid) - before
        assert grown < MEMORY, f"{grown / MIB:.0f} MiB for {many} clients that never read"
        return it.verdict("clients that never read", may_refuse=False)


def test_clients_that_never_read_hold_nobody_up_and_cost_little_memory(sqlite_url, tmp_path, report):
    report(unread(sqlite_url, tmp_path, 5, 200))


@pytest.mark.soak
def test_fifty_clients_that_never_read_hold_nobody_up_and_cost_little_memory(store_url, tmp_path, report):
    report(unread(store_url, tmp_path, 50, 5000))


@pytest.mark.soak
def test_a_client_that_reads_nothing_for_a_minute_is_cut_off(sqlite_url, tmp_path):
    with serving(sqlite_url, tmp_path) as server:
        asked = [b"GET /openapi.json HTTP/1.1\r\n\r\n"] * 100
        with send_and_never_read(server.port, asked) as line:
            line.settimeout(1)
            deadline = time.monotonic() + 4 * UNREAD_SECONDS
            while is_connected(line):
                assert time.monotonic() < deadline, "it is still connected"


def is_connected(line):
    """Whether the other side has not hung up; sends what the server does not take."""
    try:
        line.sendall(b"GET /openapi.json HTTP/1.1\r\n\r\n" * 1000)
    except TimeoutError:
        return True
    except OSError:
        return False
    return True


def replies_to(port, many):
    """How many replies come to so many requests that were sent ahead, until the connection ends or is silent."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" * many)
        with contextlib.suppress(ConnectionResetError):
            while received.count(b"HTTP/1.1 200") < many and (data := line.recv(65536)):
                received += data
    return received.count(b"HTTP/1.1 200")


def test_a_client_that_sends_thousands_of_requests_ahead_is_cut_off(sqlite_url, tmp_path):
    """Each of them costs a hundred times its bytes in memory."""
    with serving(sqlite_url, tmp_path) as server:
        assert replies_to(server.port, MAX_PIPELINED // 2) == MAX_PIPELINED // 2
        assert replies_to(server.port, 2000) < 2000
        assert server.call("GET", "/v1/catalogue").status == 200


def test_a_reply_that_is_owed_is_not_mistaken_for_one_to_garbage_that_follows(sqlite_url, tmp_path, report):
    """Garbage behind a charge closes the connection: a 400 in its place would tell the caller that nothing was done."""
    with scene(sqlite_url, tmp_path, seed="garbage") as it:
        for number in range(50):
            call = charge_of(f"garbage-{number}", number)
            it.callers.calls.append(call)
            with socket.create_connection(("127.0.0.1", it.server.port), timeout=60) as line:
                line.sendall(bytes_of(call) + b"\x00garbage\r\n\r\n")
                answer = line.recv(65536)
                if answer:
                    status = int(answer.split()[1])
                    assert status == 201, answer
        report(it.verdict("garbage behind a charge", may_refuse=False))
