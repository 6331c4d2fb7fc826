"""docs/gateway.md does what it says: each of its set-ups runs against a server."""

import json
import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from tests.gateway.running import Acting, Company, file_of, gateway

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gateway.md").read_text()
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    with (
        Acting() as service,
        gateway(f"sqlite:///{folder}/kvota.db", folder, file_of(folder, service.url), catalogue="bitrix24") as server,
    ):
        yield Company(server, plan="basic")


def run(company: Company, kind: str, code: str, folder: Path) -> str:
    code = code.replace("http://127.0.0.1:8024", company.server.url)
    command = [sys.executable, "-c", code] if kind == "python" else ["sh", "-c", code]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "KVOTA_KEY": company.member},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_each_set_up_of_the_page_runs_and_is_charged(company, tmp_path):
    with wave.open(str(tmp_path / "call.wav"), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(bytes(8000))
    said = [run(company, kind, code, tmp_path) for kind, code in BLOCKS]
    charges = company.entries("captured")
    assert said[0] == said[2] == "Hello, world!\n"
    assert said[1] == f"cost 1 of chg_{charges[1]['seq']:010d}\n"
    assert json.loads(said[3])["choices"][0]["message"]["content"] == "Hello, world!"
    assert json.loads(said[4])["text"].startswith("Good day")
    actions = ["chat_question", "task_text", "chat_question", "chat_question", "crm_call_processing"]
    assert [(entry["action"], entry["cost"]) for entry in charges] == [(action, 1) for action in actions]


def test_a_decline_in_the_set_up_of_the_page_tells_the_way_out(company, tmp_path):
    poor = Company(company.server, plan="basic", allowance_override=0)
    said = run(poor, *BLOCKS[1], tmp_path)
    assert said.startswith("insufficient_requests 1 [")
    assert "boost_100" in said


def test_the_readme_points_to_the_page():
    assert "(docs/gateway.md)" in (ROOT / "README.md").read_text()
