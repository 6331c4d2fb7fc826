"""Writes docs/licences.md: the packages that a server needs (deploy/requirements.lock), each under its own licence."""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;]+)", re.MULTILINE)
# Each may be used, changed and passed on with a program under another licence. LGPL: psycopg is used as it comes.
ALLOWED = {
    "Apache Software License", "Apache Software License; MIT License", "Apache-2.0", "Apache-2.0 AND BSD-2-Clause",
    "Apache-2.0 AND MIT",
    "BSD License", "BSD-2-Clause", "BSD-3-Clause", "LGPL-3.0-only", "MIT", "MIT License", "MIT OR Apache-2.0", "MIT-0",
    "PSF-2.0", "Python Software Foundation License", "any-OSI",
}  # fmt: skip
HEAD = """# Licences

Kvota is under the MIT licence. A server brings these packages with it, as they come from their makers.
`make lock` writes this page. The pages load htmx 4.0.1 (Zero-Clause BSD) and uPlot 1.6.32 (MIT), which lie in
`src/kvota/web/static/vendor` with their licences and hashes.

| package | version | licence |
|---|---|---|
"""


def licence(package: str) -> str:
    """What the package says of itself; empty where it is not for this system."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return ""
    classified = [one.split(" :: ")[-1] for one in said.get_all("Classifier") or [] if one.startswith("License ::")]
    return said.get("License-Expression") or "; ".join(classified) or said.get("License") or "not said"


def page() -> str:
    """The page; exits where a licence is not among the allowed ones."""
    rows: list[str] = []
    for package, version in PINNED.findall((ROOT / "deploy" / "requirements.lock").read_text()):
        terms = licence(package)
        if terms and terms not in ALLOWED:
            sys.exit(f"{package} {version} is under {terms!r}, which is not among the allowed licences")
        if terms:
            rows.append(f"| {package} | {version} | {terms} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
