"""``python -m bench``: every figure, or those that are named, one after the other."""

import importlib
import sys
from pathlib import Path

NOT_FIGURES = {
    "__init__",
    "__main__",
    "ai_service",
    "company_months",
    "figures",
    "filling",
    "history",
    "load",
    "machine",
    "report",
    "serving",
    "stores",
    "work",
}


def main(names: list[str]) -> None:
    """Make them all."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_FIGURES)
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"There is no figure {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    for name in names or known:
        sys.stderr.write(f"\n{name}\n")
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
