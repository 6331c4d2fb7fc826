"""README.md from the figures: nothing in it is typed by hand but the text of `bench/about.md`."""

from pathlib import Path

from bench.figures import Claim, Figure, load

HERE = Path(__file__).parent
ORDER = ("charges", "shares", "one_company", "batch")
"""The first ones; whatever else there is comes after them, by name."""


def write() -> None:
    """Write README.md anew."""
    found = load()
    names = [*(name for name in ORDER if name in found), *sorted(found.keys() - set(ORDER))]
    parts = [(HERE / "about.md").read_text(), *(table(found[name]) for name in names)]
    (HERE / "README.md").write_text("\n".join(parts))


def table(figure: Figure) -> str:
    """One figure in Markdown."""
    lines = [f"## {figure.title}", "", figure.method.strip(), ""]
    lines += ["| measured | median | runs |", "|---|---:|---|"]
    for one in figure.series:
        runs = " ".join(number(value) for value in one.runs)
        lines.append(f"| {one.name} | **{number(one.median)}** {one.unit} | {runs} |")
    if figure.claims:
        lines += ["", "| wanted | found | |", "|---|---:|---|"]
        lines += [
            f"| {one.text}: {_wanted(one)} | **{number(one.value)}** {one.unit} | {'yes' if one.holds else 'NO'} |"
            for one in figure.claims
        ]
    if figure.note:
        lines += ["", figure.note.strip()]
    return "\n".join([*lines, "", f"`{figure.command}` · {figure.made_at} · {figure.machine}", ""])


def _wanted(claim: Claim) -> str:
    if claim.at_least is not None:
        return f"at least {number(claim.at_least)} {claim.unit}".strip()
    return f"at most {number(claim.at_most or 0)} {claim.unit}".strip()


def number(value: float) -> str:
    """Three figures or more, thousands apart."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


if __name__ == "__main__":
    write()
