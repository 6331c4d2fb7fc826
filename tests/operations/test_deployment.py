"""What is shipped for running Kvota fits the Kvota that is here."""

import configparser
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.api.harness import Api

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*==[^ ;]+)", re.MULTILINE)
NAMES = re.compile(r"\b(kvota_[a-z_]+|process_[a-z_]+)\b")


@pytest.fixture(scope="module")
def exposed() -> str:
    """/metrics of an API that has charged and declined."""
    api = Api()
    try:
        api.make_company("acme")
        api.charge()
        api.post("/v1/companies/acme/charges", {"action": "site", "quantities": {"images": 9}})
        return api.get("/metrics").content.decode()
    finally:
        api.close()


def expressions() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [*shown, *re.findall(r"expr: (.+)", (DEPLOY / "alerts.yml").read_text())]


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_and_alerts_ask_for_metrics_that_there_are(exposed, expression):
    names = set(NAMES.findall(expression))
    assert names
    for name in names:
        assert re.search(rf"^{name}(\{{| )", exposed, re.MULTILINE), name
    for label in re.findall(r"by \((\w+)\)", expression):
        assert f'{label}="' in exposed, label


def test_every_metric_of_ours_is_on_the_dashboard_or_told_of(exposed):
    told = "\n".join(expressions()) + (ROOT / "docs" / "operations.md").read_text()
    for name in set(re.findall(r"^# TYPE (kvota_\w+)", exposed, re.MULTILINE)):
        assert name.removesuffix("_created") in told, name


def test_the_unit_starts_the_server_with_options_that_it_has():
    unit = configparser.RawConfigParser(strict=False, delimiters="=")
    unit.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] - names are as they are written
    unit.read(DEPLOY / "kvota.service")
    program, command, *options = unit["Service"]["ExecStart"].split()
    assert (Path(program).name, command) == ("kvota", "serve")
    shown = subprocess.run(
        [sys.executable, "-m", "kvota", "serve", "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert [one for one in options if one.startswith("--") and one not in shown] == []
    assert int(unit["Service"]["TimeoutStopSec"]) > 30


def test_what_a_server_needs_is_pinned_as_for_the_tests_and_names_no_address():
    whole, part = ((folder / "requirements.lock").read_text() for folder in (ROOT, DEPLOY))
    assert set(PINNED.findall(part)) < set(PINNED.findall(whole))
    assert "://" not in part
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in asked:
        name = re.match(r"[a-z0-9-]+", requirement)
        assert name is not None
        assert re.search(rf"^{name[0]}==", part, re.MULTILINE), requirement


def test_the_page_of_licences_is_that_of_the_lock():
    before = (ROOT / "docs" / "licences.md").read_text()
    subprocess.run([sys.executable, ROOT / "tools" / "licences.py"], check=True, timeout=60)
    assert (ROOT / "docs" / "licences.md").read_text() == before
