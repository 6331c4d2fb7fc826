from pathlib import Path

RUNNER = Path(__file__).parents[2].parent / "shared" / "cases" / "run.py"
