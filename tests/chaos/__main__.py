"""`python -m tests.chaos --seeds 5 [--dags 200 --nodes 40 --minutes N]`: prints seed, counts and times.

Exit 1 when a seed is not clean, or a negative control is not found out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.campaign import Campaign, Outcome, Size
from tests.chaos.messages import enumerate_crashes
from tests.chaos.mutants import CONTROLS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--dags", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=10.0, help="after which faults stop, at the latest")
    parser.add_argument("--controls", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--messages", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    began, bad = time.monotonic(), 0
    size = Size(dags=given.dags, nodes=given.nodes, minutes=given.minutes)
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        outcome = campaign(seed, size)
        show(outcome)
        bad += bool(outcome.report.wrong)
    small = Size(dags=min(30, given.dags), nodes=min(20, given.nodes), minutes=min(1.0, given.minutes))
    for control in CONTROLS if given.controls else ():
        outcome = campaign(given.first_seed, small, control=control)
        show(outcome)
        bad += not found_out(outcome)
    if given.messages:
        bad += not enumerate_crashes(print)
    print(f"{'PASSED' if not bad else f'{bad} NOT AS IT SHOULD BE'} in {time.monotonic() - began:.0f} s")
    return int(bool(bad))


def campaign(seed: int, size: Size, *, control: str = "") -> Outcome:
    """One campaign in a folder of its own, which stays when it is not clean."""
    what = f"negative control '{control}'" if control else f"seed {seed}"
    print(f"{what}: {size.dags} flows of {size.nodes} nodes, load {os.getloadavg()[0]:.1f}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="headrace-chaos-"))
    folder.chmod(0o711)
    outcome = asyncio.run(Campaign(seed, size, folder, control=control).execute(lambda text: print(text, flush=True)))
    if outcome.report.wrong and not control:
        print(f"  logs stay in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.path[:] = [path for path in sys.path if not path.startswith(str(folder))]
    sys.modules.pop("headrace_node_lab", None)
    return outcome


def found_out(outcome: Outcome) -> bool:
    """Whether the checker says what is wrong with a negative control, not just that something is."""
    return any(CONTROLS.get(outcome.control, "-") in text for text in outcome.report.wrong)


def show(outcome: Outcome) -> None:
    report = outcome.report
    print(f"  executions {dict(report.statuses)}; faults {outcome.faults}")
    print(f"  attempts {report.attempts}; stale reports refused {report.stale}")
    print(
        f"  lost {report.lost}, stuck {report.stuck}, double successes {report.double_successes}, effects "
        f"{report.effects} (missing {report.effects_missing}, double {report.effects_double}, repeats absorbed "
        f"{report.repeats_absorbed}), failed by the crash budget {report.crash_budget}"
    )
    print(f"  storm {outcome.storm_s} s, all ended {outcome.calm_s} s after it")
    for text in outcome.fell[:5]:
        print(f"  fell by itself and was started again: {text[:400]!r}")
    for text in report.wrong:
        print(f"  WRONG {text}")
    verdict = "reported broken, as it must" if found_out(outcome) else "NOT FOUND OUT"
    print(f"  => {verdict if outcome.control else 'clean' if not report.wrong else 'BROKEN'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
