"""`python -m tests.contract JUNIT.xml ...`: writes `connectors/PROOFS.md`, what each connector's tests came to.

Take the report of a run with `-m "slow or not slow" --junitxml=report.xml` over `connectors`.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

from headrace.cli.connectors import catalogue

KINDS, ENDS = ("contract", "own"), ("passed", "skipped", "failed")
PAGE = Path(__file__).resolve().parents[2] / "connectors" / "PROOFS.md"
HEAD = """# What the tests of each connector came to

Written by `python -m tests.contract` from the reports of a run of the whole suite; no number is typed by hand. Contract
tests are those of `headrace.testing`, the same for all; the others are the connector's own. One is skipped where a
capability rules it out, where it is `slow`, or where its other side is not on the machine.

| connector | proof | contract: passed | skipped | failed | own: passed | skipped | failed |
|---|---|---|---|---|---|---|---|
"""


def counts(*reports: Path) -> dict[str, Counter[str]]:
    """By connector: `contract passed`, `own skipped` and so on; a class may have the name of another of its package."""
    known = {f"Test{row['id'].replace('_', '')}".lower(): row["id"] for row in catalogue()}
    found: dict[str, Counter[str]] = {}
    for case in chain.from_iterable(ElementTree.parse(report).iter("testcase") for report in reports):
        place = case.get("classname", "").split(".")
        if place[0] not in {"connectors", "plugins"}:
            continue
        outcome = next((tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None), "passed")
        kind = "contract" if place[-1].startswith("Test") else "own"
        name = known.get(place[-1].lower(), place[1])
        found.setdefault(name, Counter())[f"{kind} {'failed' if outcome in {'failure', 'error'} else outcome}"] += 1
    return found


def page(found: dict[str, Counter[str]]) -> str:
    """The whole page."""
    lines = []
    for row in catalogue():
        mine = found.get(row["id"], Counter())
        numbers = [
            str(mine[f"{kind} {end}"]) for kind in ("contract", "own") for end in ("passed", "skipped", "failed")
        ]
        lines.append(f"| {' | '.join([row['id'], row['proof'], *numbers])} |\n")
    return HEAD + "".join(lines)


def main() -> None:
    """Write it."""
    PAGE.write_text(page(counts(*map(Path, sys.argv[1:]))))


if __name__ == "__main__":
    main()
