"""A scene: real servers on a real store, callers that load them, and the verdict after something was broken.

    with scene(store, folder, seed="kill") as it:
        it.callers.wait_for(100)
        it.server.kill()
        it.server.start()
        report(it.verdict("kill -9 of the server"))

The verdict is made on the servers as they are: who breaks something ends the cause, and they have to recover by
themselves. The calls whose answers were lost are repeated under their keys by the callers.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

from tests.acceptance.servers import Server, kvota, serving
from tests.faults.callers import COMPANIES, HOLD_SECONDS, Callers
from tests.faults.ledgers import Findings, compare
from tests.verdict import Verdict

CATALOGUE = Path(__file__).parent / "faults.toml"
REPEATED = 50
HOLDS_SECONDS = HOLD_SECONDS + 60
TOLD = 10


class Scene(NamedTuple):
    """Running servers on one store, and their callers."""

    store: str
    servers: list[Server]
    callers: Callers

    @property
    def server(self) -> Server:
        """The only one, or the first."""
        return self.servers[0]

    def verdict(
        self,
        fault: str,
        *,
        runs: int = 1,
        may_cut: bool = False,
        may_refuse: bool = True,
        may_drop: bool = True,
        verify: Callable[[], CompletedProcess[str]] | None = None,
    ) -> Verdict:
        """Let the callers finish, every hold end, and compare the ledgers with what the callers were told.

        ``may_cut``: connections may have ended without an answer, because their server did. ``may_refuse``: calls may
        have got a 503. ``may_drop``: a call that nobody repeats may have its effect though its caller got no answer.
        ``verify``: the ``kvota verify`` of another version.
        """
        self.callers.finish()
        problems = [*self.callers.problems, *self.callers.repeat(REPEATED)]
        if not may_cut:
            problems += [f"{call.name} ({call.kind}) was cut" for call in self.callers.calls if call.cut]
        if not may_refuse:
            problems += [f"{call.name} ({call.kind}) got 503" for call in self.callers.calls if call.refused]
        findings, still_open = self._examine()
        if not may_drop:
            problems += findings.unanswered
        verified = verify() if verify is not None else kvota("verify", store=self.store, catalogue=CATALOGUE)
        if verified.returncode:
            problems.append(f"verify: {verified.stdout[-500:]}{verified.stderr[-500:]}")
        everything = [*findings.lost, *findings.double, *findings.open, *findings.wrong, *problems]
        return Verdict(
            fault=fault,
            store=kind_of(self.store),
            runs=runs,
            acknowledged=sum(call.is_acknowledged for call in self.callers.calls),
            lost=len(findings.lost),
            double=len(findings.double),
            open_holds=max(still_open, len(findings.open)),
            problems=tuple(everything[:TOLD]),
        )

    def _examine(self) -> tuple[Findings, int]:
        deadline = time.monotonic() + HOLDS_SECONDS
        while (still_open := sum(map(self._open_holds, COMPANIES))) and time.monotonic() < deadline:
            time.sleep(0.1)  # an hour-glass: the holds end when their time is over
        for company in COMPANIES:  # the next command writes what time has brought
            settled = self.server.call("POST", f"/v1/companies/{company}/adjustments", {"amount": 1, "reason": "end"})
            assert settled.status == 201, settled
            back = self.server.call("POST", f"/v1/companies/{company}/adjustments", {"amount": -1, "reason": "end"})
            assert back.status == 201, back
        return compare(self.server, COMPANIES, self.callers.calls), still_open

    def _open_holds(self, company: str) -> int:
        page = self.server.call("GET", f"/v1/companies/{company}/holds?status=open&limit=1000")
        assert page.status == 200, page
        return len(page.body["items"])


def kind_of(store: str) -> str:
    """`sqlite` or `postgresql`, as the table names it."""
    return store.partition(":")[0]


@contextlib.contextmanager
def scene(
    store: str,
    folder: Path,
    *,
    seed: str,
    servers: int = 1,
    workers: int = 1,
    senders: int = 12,
    persist: bool = True,
) -> Iterator[Scene]:
    """Servers that are ready, companies that are made, and callers who have begun."""
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(serving(store, folder, catalogue=CATALOGUE, workers=workers)) for _ in range(servers)
        ]
        for company in COMPANIES:
            body = {"name": company, "plan": "large", "time_zone": "UTC"}
            assert running[0].call("PUT", f"/v1/companies/{company}", body).status == 201
        callers = Callers([server.port for server in running], seed=seed, senders=senders, persist=persist)
        callers.start()
        try:
            yield Scene(store, running, callers)
        finally:
            callers.end()
