"""The OpenAPI document is true: no 5xx, no undeclared status or body, and no refusal without a declared reason.

Requests are made from the document, operation by operation and in chains that use what earlier calls have made.
"""

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import Case, GenerationMode, Response

from tests.acceptance.servers import Server, kvota, serving
from tests.truth.interface import COMPANY, HEADERS, Interface
from tests.verdict import Verdict

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
SEED = 20261127
CHAINS_A_SEED = 4


@pytest.fixture
def server(sqlite_url, tmp_path) -> Iterator[Server]:
    with serving(sqlite_url, tmp_path, sandbox=True) as server:
        body = {"name": "Acme", "plan": "large", "time_zone": "UTC"}
        assert server.call("PUT", f"/v1/companies/{COMPANY}", body).status == 201
        assert server.call("PUT", "/v1/sandbox/clock", {"now": "2026-03-10T09:00:00Z"}).status == 200
        yield server
        server.process.terminate()
        assert server.process.wait(60) == 0
    assert kvota("verify", store=sqlite_url, sandbox=True).returncode == 0


def chosen(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


def ask_each(interface: Interface, examples: int) -> None:
    """Ask every operation: of the company that there is, and of any other."""
    for operation in interface.operations():
        case = anywhere = operation.as_strategy(interface.mode, headers=HEADERS)
        if "{company}" in operation.path and interface.mode is GenerationMode.POSITIVE:
            there = operation.as_strategy(interface.mode, path_parameters={"company": COMPANY}, headers=HEADERS)
            case = st.one_of(there, there, there, anywhere)

        @seed(SEED)
        @chosen(examples)
        @given(case=case)
        def asked(case: Case) -> None:
            interface.ask(case)

        asked()


def ask_in_chains(server: Server, interface: Interface, chains: int) -> None:
    """Ask in chains: what one call has made is what the next is about.

    Each has a company of its own and the clock stands still. What is drawn still depends on the replies (keys are
    secrets, lists grow), and Hypothesis gives up where a beginning that it repeats goes on in another way: that is no
    finding, and the next seed goes on. Findings are kept aside, so that nothing hides them.
    """
    findings: list[Exception] = []
    machine = interface.schema.exclude(tag="Sandbox").as_state_machine()
    names = (f"chain-{number}" for number in itertools.count())

    class Chain(machine):
        def setup(self) -> None:
            self.company = next(names)
            body = {"name": self.company, "plan": "large", "time_zone": "UTC"}
            assert server.call("PUT", f"/v1/companies/{self.company}", body).status == 201

        def get_call_kwargs(self, case: Case) -> dict[str, object]:  # noqa: ARG002 - its signature
            return {"headers": HEADERS, "timeout": 60}

        def before_call(self, case: Case) -> None:
            if "company" in (case.path_parameters or {}):
                case.path_parameters["company"] = self.company

        def validate_response(self, response: Response, case: Case, **_kwargs: object) -> None:
            try:
                interface.judge(case, response)
            except Exception as finding:
                findings.append(finding)
                raise

    for number in range(0, chains, CHAINS_A_SEED):
        chain = seed(SEED + number)(Chain)
        with contextlib.suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(chain, settings=settings(chosen(CHAINS_A_SEED), stateful_step_count=30))
        if findings:
            raise findings[0]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_whatever_is_asked_the_reply_is_as_the_document_says(server, mode):
    interface = Interface(server, mode=mode)
    ask_each(interface, 3 if mode is GenerationMode.POSITIVE else 1)
    assert sum(interface.asked.values()) >= len(interface.operations())


def test_whatever_is_asked_in_a_chain_the_reply_is_as_the_document_says(server):
    interface = Interface(server, mode=GenerationMode.POSITIVE)
    ask_in_chains(server, interface, 4)
    assert interface.asked[200] + interface.asked[201] > 20


def row(interface: Interface, what: str) -> Verdict:
    """The row of the table: how many requests were answered as the document says; one that was not has failed."""
    return Verdict(fault=f"requests from the document, {what}", store="sqlite", runs=sum(interface.asked.values()))


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_thousands_of_requests_are_answered_as_the_document_says(server, mode, report):
    interface = Interface(server, mode=mode)
    ask_each(interface, 100 if mode is GenerationMode.POSITIVE else 50)
    report(row(interface, mode.value))


@pytest.mark.soak
def test_thousands_of_requests_in_chains_are_answered_as_the_document_says(server, report):
    interface = Interface(server, mode=GenerationMode.POSITIVE)
    ask_in_chains(server, interface, 100)
    report(row(interface, "in chains"))
