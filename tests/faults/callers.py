"""Callers: threads that charge, hold, capture and void as real ones do, and remember everything that they were told.

A call with a key is repeated under it until it is answered, whatever happens meanwhile; one without a key is sent once.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.acceptance.servers import OPERATOR_KEY
from tests.faults.calls import Call

PATIENCE_SECONDS = 120
"""A call with a key that is not answered for so long, tries and all, will not be: the server has not recovered."""
BACK_OFF_SECONDS = 0.05
REPLY_SECONDS = 60
HOLD_SECONDS = 4
COMPANIES = tuple(f"company-{number}" for number in range(6))


class Line:
    """A caller's connection, opened anew where it was cut; the next server in turn where there are several."""

    def __init__(self, ports: Sequence[int], first: int) -> None:
        self._ports = itertools.cycle([*ports[first % len(ports) :], *ports[: first % len(ports)]])
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: object, key: str | None) -> tuple[int, dict[str, str], Any]:
        """One try; ``OSError`` or ``HTTPException`` where no whole answer came."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", next(self._ports), timeout=REPLY_SECONDS)
        headers = {"Authorization": f"Bearer {OPERATOR_KEY}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            self._connection.request("POST", path, json.dumps(body), headers)
            reply = self._connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        names = {name.lower(): value for name, value in reply.getheaders()}
        return reply.status, names, json.loads(content or b"null")

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Callers:
    """``persist``: whether calls with keys are repeated; if not, a caller ends at the first cut."""

    def __init__(self, ports: Sequence[int], *, seed: str, senders: int = 12, persist: bool = True) -> None:
        self._ports, self._seed, self._persist = ports, seed, persist
        self._numbers = itertools.count(1)
        self._is_ending = threading.Event()
        self._news = threading.Condition()
        self._answered = 0
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self._threads = [threading.Thread(target=self._live, args=(n,), daemon=True) for n in range(senders)]

    def start(self) -> None:
        """All of them."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """No new calls; those that have a key and no answer are repeated until they have."""
        self._is_ending.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + REPLY_SECONDS)
            if thread.is_alive():
                self.problems.append("a caller hangs")

    def end(self) -> None:
        """At once, whatever has not been answered."""
        self._is_ending.set()
        self._persist = False
        for thread in self._threads:
            thread.join(REPLY_SECONDS)

    def wait_for(self, more: int) -> None:
        """Until so many more calls have been answered."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._news:
            wanted = self._answered + more
            while self._answered < wanted:
                assert any(thread.is_alive() for thread in self._threads), f"no caller is left: {self.problems}"
                self._news.wait(1)
                assert time.monotonic() < deadline, f"{self._answered} of {wanted} calls have been answered"

    def wait_until(self, happened: Callable[[Call], bool], what: str) -> None:
        """Until it has happened to one of the calls."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._news:
            while not any(happened(call) for call in reversed(self.calls)):
                self._news.wait(0.2)
                assert time.monotonic() < deadline, f"no call {what}"

    def repeat(self, most: int) -> list[str]:
        """Repeat some that were answered, under their keys: each gets its first reply. What is wrong."""
        chance, line = random.Random(self._seed), Line(self._ports, 0)  # noqa: S311 - seeded, for a test
        keyed = [call for call in self.calls if call.key is not None and call.is_acknowledged]
        wrong: list[str] = []
        for call in chance.sample(keyed, min(most, len(keyed))):
            status, headers, body = line.post(call.path, call.body, call.key)
            if body != call.reply or headers.get("idempotency-replayed") != "true":
                wrong.append(f"{call.name} repeated: {status} {body}, first {call.reply}")
        line.close()
        return wrong

    def _live(self, number: int) -> None:
        chance = random.Random(f"{self._seed}/{number}")  # noqa: S311 - seeded, for a test
        line = Line(self._ports, number)
        try:
            while not self._is_ending.is_set():
                if not self._want(chance, line):
                    return
        except Exception as problem:  # noqa: BLE001 - a caller that dies is a problem of the run, and told as one
            self.problems.append(f"a caller died: {problem!r}")
        finally:
            line.close()

    def _want(self, chance: random.Random, line: Line) -> bool:
        """One thing that callers do, to its end; False where the caller is to end."""
        company, pages = chance.choice(COMPANIES), chance.randint(0, 9)
        what = chance.choices(["charge", "batch", "capture", "void", "leave"], [10, 1, 4, 2, 1])[0]
        has_key = chance.random() < 0.75
        if what == "charge":
            return self._ask(line, self._call(company, "charge", {"action": "chat_question"}, has_key=has_key))
        if what == "batch":
            wanted = [self._call(company, "charge", {"action": "chat_question"}, has_key=True) for _ in range(5)]
            return self._ask_together(line, wanted)
        hold = self._call(company, "hold", {"action": "report", "ttl": HOLD_SECONDS}, has_key=has_key)
        if not self._ask(line, hold):
            return False
        if hold.reply is None or what == "leave":
            return True
        body = {"quantities": {"pages": pages}} if what == "capture" else {}
        return self._ask(line, self._call(company, what, body, has_key=has_key, hold=hold))

    def _call(self, company: str, kind: str, body: dict[str, Any], *, has_key: bool, hold: Call | None = None) -> Call:
        name = f"u{next(self._numbers)}" if hold is None else hold.name
        path = f"/v1/companies/{company}/{kind}s"
        if hold is not None and hold.reply is not None:
            path = f"/v1/companies/{company}/holds/{hold.reply['id']}/{kind}"
        given = body if hold is not None else {**body, "user": name}
        key = f"{kind}-{name}" if has_key else None
        call = Call(name=name, kind=kind, company=company, path=path, body=given, key=key)
        with self._news:
            self.calls.append(call)
        return call

    def _ask(self, line: Line, call: Call) -> bool:
        return self._until_answered([call], lambda: self._try(line, call))

    def _try(self, line: Line, call: Call) -> bool:
        return call.hear(*line.post(call.path, call.body, call.key))

    def _ask_together(self, line: Line, calls: list[Call]) -> bool:
        return self._until_answered(calls, lambda: self._try_together(line, calls))

    def _try_together(self, line: Line, calls: list[Call]) -> bool:
        operations = [{"op": "charge", "company": call.company, "key": call.key, **call.body} for call in calls]
        status, headers, body = line.post("/v1/batch", {"operations": operations}, None)
        if status != 200:
            answers = [call.hear(status, headers, body) for call in calls]  # each of them is told
            return all(answers)
        results = zip(calls, body["results"], strict=True)
        # What stands in a batch has no headers of its own: a problem in it is judged without them.
        told = {"content-type": "application/problem+json", "retry-after": "1"}
        answers = [call.hear(one["status"], told, one["body"]) for call, one in results]
        return all(answers)

    def _until_answered(self, calls: list[Call], attempt: Callable[[], bool]) -> bool:
        """Try, and again after a pause as long as that makes sense."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            is_answered = False
            for call in calls:
                call.tries += 1
            try:
                is_answered = attempt()
            except (OSError, http.client.HTTPException):
                for call in calls:
                    call.cut += 1
                if not self._persist:
                    return False
            with self._news:
                self._answered += len(calls) if is_answered else 0
                self._news.notify_all()
            if is_answered:
                return True
            threading.Event().wait(BACK_OFF_SECONDS)
            if not self._persist or calls[0].key is None:
                return True
            if time.monotonic() > deadline:
                self.problems.append(f"{calls[0].name} was not answered in {PATIENCE_SECONDS} s")
                return False
