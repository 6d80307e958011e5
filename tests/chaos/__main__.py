"""`python -m tests.chaos --seeds 5 [--dags 200 --nodes 40 --minutes N]`: prints seed, counts and times.

Exit 1 when a seed is not clean, or a negative control is not found out. A run of full size writes its figures to
`artifacts/trust.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.campaign import Campaign, Outcome, Size
from tests.chaos.messages import enumerate_crashes
from tests.chaos.mutants import CONTROLS
from tests.chaos.stack import LEASE_S
from tests.trust import record

FULL = Size(dags=200, nodes=40, minutes=2.5)
FULL_SEEDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=FULL_SEEDS)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--dags", type=int, default=FULL.dags)
    parser.add_argument("--nodes", type=int, default=FULL.nodes)
    parser.add_argument("--minutes", type=float, default=FULL.minutes, help="after which faults stop, at the latest")
    parser.add_argument("--controls", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--messages", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    began, bad = time.monotonic(), 0
    size = Size(dags=given.dags, nodes=given.nodes, minutes=given.minutes)
    outcomes = []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        outcomes.append(campaign(seed, size))
        show(outcomes[-1])
        bad += bool(outcomes[-1].report.wrong)
    small = Size(dags=min(100, given.dags), nodes=given.nodes, minutes=min(1.5, given.minutes))
    found = 0
    for control in CONTROLS if given.controls else ():
        outcome = campaign(given.first_seed, small, control=control)
        show(outcome)
        found += found_out(outcome)
    bad += given.controls and found < len(CONTROLS)
    if size == FULL and given.seeds >= FULL_SEEDS:
        publish(outcomes)
    if size == FULL and given.controls:
        record("chaos.controls", [found], title=f"Negative controls found out, of {len(CONTROLS)}", unit="controls")
    if given.messages:
        survived = enumerate_crashes(print)
        bad += not survived
        if size == FULL and survived:
            record("chaos.crash_points", [survived], title="Crash after the k-th message survived, every k", unit="k")
    print(f"{'PASSED' if not bad else f'{bad} NOT AS IT SHOULD BE'} in {time.monotonic() - began:.0f} s")
    return int(bool(bad))


def publish(outcomes: list[Outcome]) -> None:
    """Write the figures of the seeds."""
    size, lease = f"{FULL.dags} flows x {FULL.nodes} nodes a seed", f"lease {LEASE_S:g} s"
    seeds = ", ".join(str(outcome.seed) for outcome in outcomes)
    reports = [outcome.report for outcome in outcomes]
    figures: dict[str, tuple[str, str, list[float]]] = {
        "accepted": ("Accepted", "executions a seed", [sum(r.statuses.values()) for r in reports]),
        "lost": ("Lost", "executions a seed", [r.lost for r in reports]),
        "stuck": ("Stuck", "executions a seed", [r.stuck for r in reports]),
        "effects_missing": ("Effects missing", "effects a seed", [r.effects_missing for r in reports]),
        "effects_double": ("Effects of a transactional sink twice", "a seed", [r.effects_double for r in reports]),
        "double_successes": ("Segments that succeeded twice", "segments a seed", [r.double_successes for r in reports]),
        "invariants": ("Invariants broken", "a seed", [len(r.wrong) for r in reports]),
        "stale": ("Late reports refused by the fence", "reports a seed", [r.stale for r in reports]),
        "recovery": (f"A worker killed, its segments started again ({lease})", "s",
                     [took for outcome in outcomes for took in outcome.recovery_s]),
        "calm": ("After the last fault, until all had ended", "s", [outcome.calm_s for outcome in outcomes]),
    }  # fmt: skip
    for kind in sorted({kind for outcome in outcomes for kind in outcome.faults}):
        figures["fault_" + kind.replace(" ", "_")] = (
            f"Injected: {kind}", "times a seed", [outcome.faults.get(kind, 0) for outcome in outcomes],
        )  # fmt: skip
    for name, (title, unit, values) in figures.items():
        if values:
            record(f"chaos.{name}", values, title=title, unit=unit, size=size, seed=seeds)


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
    if outcome.recovery_s:
        took = sorted(outcome.recovery_s)
        print(
            f"  from kill to next attempt: n {len(took)}, median {statistics.median(took):.1f} s, max {took[-1]:.1f} s"
        )
    for text in outcome.fell[:5]:
        print(f"  fell by itself and was started again: {text[:400]!r}")
    for text in report.wrong:
        print(f"  WRONG {text}")
    verdict = "reported broken, as it must" if found_out(outcome) else "NOT FOUND OUT"
    print(f"  => {verdict if outcome.control else 'clean' if not report.wrong else 'BROKEN'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
