"""The README does what it says: its code blocks run, and everything that it points to is there."""

import re
import subprocess
import sys
from pathlib import Path

from tests.acceptance.servers import OPERATOR_KEY, kvota, serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAX_LINES = 150


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_the_readme_is_short():
    assert len(README.splitlines()) < MAX_LINES


def test_the_librarys_first_screen_runs_and_is_the_example(tmp_path):
    (code,) = blocks("python")
    example = (ROOT / "examples" / "first_charge.py").read_text()
    assert example.endswith(code)
    done = run(code, tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["charged 3, 27 left", "20 left after the site"]


def test_the_first_calls_run_against_a_server(tmp_path):
    (calls,) = [block for block in blocks("sh") if "curl" in block]
    store = f"sqlite:///{tmp_path}/kvota.db"
    with serving(store, tmp_path, catalogue="bitrix24") as server:
        script = calls.replace("localhost:8024", f"127.0.0.1:{server.port}").replace("curl ", "curl -sS -w '\\n' ")
        done = subprocess.run(
            ["bash", "-e"], input=f"KEY={OPERATOR_KEY}\n{script}", capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    company, charge = done.stdout.strip().splitlines()
    assert '"plan":"free"' in company
    assert '"cost":3' in charge
    assert '"available":27' in charge


def test_the_command_that_serves_a_store_of_ones_own_is_as_the_readme_says():
    (serve,) = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("kvota serve")]
    told = kvota("serve", "--help", store="sqlite:///:memory:").stdout
    for option in re.findall(r"--[a-z]+", serve):
        assert option in told


def test_everything_that_the_readme_points_to_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_make_targets_of_the_readme_are_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z]+)`", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
