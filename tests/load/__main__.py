"""`python -m tests.load [SCENARIO ...] [--scale 1.0]`: prints one line a figure; exit 1 when something is wrong."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.load import fair, large, many
from tests.load.figures import Figures

SCENARIOS = {
    "concurrent": many.concurrent, "drain": many.drain, "cancel": many.cancel, "layered": large.layered,
    "foreach": large.for_each, "while": large.rounds, "subflows": large.subflows, "fair": fair.fair,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the size that is published")
    given = parser.parse_args()
    unknown = set(given.scenarios) - SCENARIOS.keys()
    if unknown:
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; choose {', '.join(SCENARIOS)}")
    bad = 0
    for name in given.scenarios or SCENARIOS:
        bad += bool(execute(name, given.scale))
    print("PASSED" if not bad else f"{bad} NOT AS IT SHOULD BE")
    return int(bool(bad))


def execute(name: str, scale: float) -> list[str]:
    """One scenario. Returns what is wrong; figures are kept at full size only."""
    print(f"{name}: scale {scale:g}, load {os.getloadavg()[0]:.1f}", flush=True)
    began = time.monotonic()
    figures = Figures(name, f"scale {scale:g}", keep=scale >= 1)
    try:
        wrong = SCENARIOS[name](figures, scale)
    except TimeoutError as error:
        wrong = [str(error) or "nothing moved for too long"]
    if any(line.name == "failed" and line.values != (0,) for line in figures.lines):
        wrong.append("executions failed")
    for text in wrong:
        print(f"{name:<11}WRONG {text}")
    print(f"{name:<11}{'clean' if not wrong else 'BROKEN'} after {time.monotonic() - began:.0f} s", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
