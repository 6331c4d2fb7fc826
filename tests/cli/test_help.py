"""Help that teaches, quick; and a page that tells about every command."""

import subprocess
import sys
from pathlib import Path

import pytest

from kvota.cli.app import app
from tests.cli.processes import KVOTA, environment

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def commands(of, path=()):
    """Every command that runs something, as the words that call it."""
    for name in of:
        if name.startswith("-"):
            continue
        under = of[name]
        if under.default_command is None:
            yield from commands(under, (*path, name))
        else:
            yield (*path, name)


ALL = sorted(commands(app))


def test_there_are_all_the_commands_that_were_meant():
    assert len(ALL) == 54
    assert {words[0] for words in ALL} == {
        "serve", "migrate", "catalogue", "company", "plan", "key", "quote", "charge", "hold", "capture", "void",
        "balance", "usage", "entries", "user", "boost", "order", "verify", "rebuild",
        "backup", "replay", "demo",
        "status", "forecast", "advice", "upstreams", "sign-in",
        "bitrix24",
    }  # fmt: skip


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_on_a_command_has_an_example(embedded, words):
    shown = embedded.ok(*words, "--help").out
    assert f"kvota {' '.join(words)}" in shown.split("For example:", 1)[1]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_page_tells_about_each_command_and_option(words):
    page = PAGE.read_text()
    assert f"kvota {' '.join(words)}" in page
    function = app[words[0]] if len(words) == 1 else app[words[0]][words[1]]
    for argument in function.assemble_argument_collection(parse_docstring=True):
        assert argument.name == "*" or argument.parameter.help, f"{argument.name} of {words} has no help"
        for name in argument.names:
            if name.startswith("--") and not name.startswith("--no-"):
                assert f"`{name}" in page, f"{name} of {words} is not told"


def test_the_page_tells_the_exit_codes():
    page = PAGE.read_text()
    for code in ("`0`", "`1`", "`2`", "`3`"):
        assert code in page


def test_the_first_help_imports_neither_server_nor_stores():
    code = (
        "import sys\nfrom kvota.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'apsw', 'psycopg', 'httpx2', 'uvicorn', 'starlette', 'structlog', 'asyncio'}\n"
        "heavy |= {'kvota.engine', 'kvota.core'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment({}), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "Exit codes" in done.stdout


def test_the_version_is_that_of_the_package():
    done = subprocess.run([*KVOTA, "--version"], env=environment({}), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "0.1.0")
