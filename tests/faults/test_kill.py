"""kill -9 of the server under load: nothing acknowledged is lost, nothing is there twice."""

import itertools
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor, wait
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.acceptance.servers import OPERATOR_KEY, Server, kvota, serving

COMPANIES = ("acme", "beta", "gamma")
SENDERS = 16
UNAVAILABLE = 503
UNLIMITED = Path(__file__).parents[1] / "acceptance" / "unlimited.toml"
CALLS_BEFORE_A_KILL = 150


class Senders:
    """Callers that repeat each call under its key until it is answered, whatever happens to the server."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.acknowledged: dict[str, dict[str, object]] = {}
        self.unanswered: set[str] = set()
        self.lock = threading.Lock()

    def send(self, server: Server, key: str) -> bool:
        """One call; False where no answer came."""
        company = COMPANIES[int(key.split("-")[1]) % len(COMPANIES)]
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{server.url}/v1/companies/{company}/charges",
            json.dumps({"action": "chat_question", "user": key}).encode(),
            {"Authorization": f"Bearer {OPERATOR_KEY}", "Idempotency-Key": key},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - loopback
                body = json.loads(reply.read())
        except urllib.error.HTTPError as error:
            if error.code != UNAVAILABLE:
                raise
            return False
        except (OSError, ValueError, HTTPException):
            return False
        with self.lock:
            before = self.acknowledged.setdefault(key, body)
            assert before == body, "a repeated call got another reply"
        return True

    def until_killed(self, server: Server) -> None:
        """Send new calls until the server has gone."""
        while True:
            key = f"call-{next(self.numbers)}"
            if not self.send(server, key):
                with self.lock:
                    self.unanswered.add(key)
                return

    def repeat_unanswered(self, server: Server) -> None:
        """Send again, under their keys, the calls whose answer was lost."""
        for key in sorted(self.unanswered):
            assert self.send(server, key)
        self.unanswered.clear()


def kill_under_load(store: str, folder, rounds: int) -> None:
    senders = Senders()
    for number in range(rounds):
        with serving(store, folder, catalogue=UNLIMITED) as server:
            if number == 0:
                for company in COMPANIES:
                    body = {"name": company, "plan": "large", "time_zone": "UTC"}
                    assert server.call("PUT", f"/v1/companies/{company}", body).status == 201
            senders.repeat_unanswered(server)
            enough = len(senders.acknowledged) + CALLS_BEFORE_A_KILL
            with ThreadPoolExecutor(SENDERS) as pool:
                running = [pool.submit(senders.until_killed, server) for _ in range(SENDERS)]
                while len(senders.acknowledged) < enough:
                    assert not all(one.done() for one in running), "the senders have stopped by themselves"
                    wait(running, timeout=0.02)
                server.kill()
                for one in running:
                    one.result()
    with serving(store, folder, catalogue=UNLIMITED) as server:
        senders.repeat_unanswered(server)
        charges: dict[str, str] = {}
        for company in COMPANIES:
            after = 0
            while after is not None:
                page = server.call("GET", f"/v1/companies/{company}/entries?kind=charged&after={after}").body
                for entry in page["items"]:
                    assert entry["key"] not in charges, "charged twice"
                    charges[entry["key"]] = entry["user"]
                after = page["next"]
        assert set(charges) == set(senders.acknowledged)
    verified = kvota("verify", store=store, catalogue=UNLIMITED)
    assert verified.returncode == 0, verified.stdout


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_under_load(store_url, tmp_path):
    kill_under_load(store_url, tmp_path, 2)


@pytest.mark.soak
def test_nothing_is_lost_or_doubled_in_twenty_kills_in_a_row(store_url, tmp_path):
    kill_under_load(store_url, tmp_path, 20)
