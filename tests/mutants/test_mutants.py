"""The suite goes red for each hand-made mutation of the code: a test that cannot fail proves nothing."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MUTANTS = tomllib.loads((Path(__file__).parent / "mutants.toml").read_text())["mutant"]
MANY = 25
CLASSES = range(1, 20)
"""Of the classes of defects of systems of this kind."""


def mutated(mutant, source: Path) -> str:
    """The file's text with the mutation in it."""
    text = (source / mutant["file"]).read_text()
    assert text.count(mutant["old"]) == 1, f"{mutant['file']} does not have this exactly once: {mutant['old']}"
    return text.replace(mutant["old"], mutant["new"])


def test_there_are_many_mutants_and_each_still_fits_the_code():
    assert len(MUTANTS) >= MANY
    assert len({mutant["name"] for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert mutated(mutant, ROOT / "src" / "kvota") != (ROOT / "src" / "kvota" / mutant["file"]).read_text()


@pytest.mark.parametrize("number", CLASSES)
def test_each_class_of_defects_has_a_mutant_that_the_test_of_its_name_sees(number):
    named = [test for mutant in MUTANTS for test in mutant["tests"] if f"::test_defect_{number}_" in test]
    assert named
    for test in named:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text()


@pytest.mark.soak
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["name"])
def test_the_suite_goes_red_for(mutant, tmp_path):
    package = tmp_path / "kvota"
    shutil.copytree(ROOT / "src" / "kvota", package, ignore=shutil.ignore_patterns("__pycache__"))
    text = mutated(mutant, package)
    (package / mutant["file"]).write_text(text)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not soak", "-p", "no:cacheprovider", *mutant["tests"]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 1, f"the mutant lives:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
