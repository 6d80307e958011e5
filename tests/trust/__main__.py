"""`python -m tests.trust`: writes `docs/TRUST.md` from `artifacts/trust.json`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tests.trust.figures import ROOT, Figure, read

PAGE = ROOT / "docs" / "TRUST.md"
TITLES = {
    "browser": "In the browser", "chaos": "Crashes and losses", "faults": "Single faults", "load": "Load",
    "security": "Access and isolation",
}  # fmt: skip
HEAD = """\
# What was proved and measured

Written by `python -m tests.trust` from `artifacts/trust.json`; no figure is typed by hand. Generator, services and
product share the cores named, so speeds are lower bounds. "p99" stands where there are 100 values or more.
A `+` after a commit: the tree had changes.
"""
TAIL = """\
## What we do not promise

- A sink that is neither transactional nor idempotent (mail, a plain POST) may see an effect twice after a crash.
- Storage that lies about fsync loses what it confirmed. Power loss was not tried; processes were killed.
- One PostgreSQL server that is down is down: nothing is lost, but nothing is accepted meanwhile.
- Branches that do not depend on each other have no order.
- Administrators of the database can read what tenants store in it; secrets are encrypted, rows are not.
- A plugin that is installed is code that runs: its sandbox limits it, no review does.
- Timing side channels between tenants on one machine were not examined.
"""
COLUMNS = ("", "unit", "n", "median", "min", "max", "p99", "size", "seed", "commit", "load", "machine", "at (UTC)")


def page(figures: list[Figure]) -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections(figures), TAIL])


def _sections(figures: list[Figure]) -> Iterator[str]:
    for suite, rows in groupby(figures, key=lambda figure: figure.name.partition(".")[0]):
        yield f"## {TITLES.get(suite, suite.capitalize())}\n"
        yield _row(COLUMNS)
        yield _row(["---"] * len(COLUMNS))
        for f in rows:
            yield _row([f.title, f.unit, f.n, f.median, f.min, f.max, f.high, f.size, f.seed, f.commit, f.load,
                        f.machine, f.at])  # fmt: skip
        yield ""


def _row(cells: object) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"  # type: ignore[attr-defined]


def _cell(value: object) -> str:
    if isinstance(value, float | int):
        return f"{value:,g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(read()))
    print(f"{PAGE.relative_to(ROOT)}: {len(read())} figures")
