"""Run a suite of mutants in a process of its own, once a session, and tell which rules failed for each."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from msgspec import json

ROOT = Path(__file__).parents[2]
Outcomes = dict[str, dict[str, str]]


def outcomes(suite: str, temporary: Path, only: Sequence[str] = (), *, slow: bool = False) -> Outcomes:
    """`{mutant: {rule: passed | failed | skipped}}`; the first caller of all pytest workers runs it.

    Args:
        suite: Module beside this one.
        temporary: Base of this worker's temporary folders.
        only: Mutants to try, or `mutant::rule`; all if empty.
        slow: Try the slow rules instead of the quick ones.
    """
    shared = temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary
    kept = shared / f"{suite}-{'slow' if slow else 'quick'}-{'some' if only else 'all'}.json"
    with (shared / f"{kept.stem}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(json.encode(_run(suite, kept.with_suffix(".xml"), only, slow=slow)))
        return json.decode(kept.read_bytes(), type=Outcomes)


def _run(suite: str, report: Path, only: Sequence[str], *, slow: bool) -> Outcomes:
    file, marks = Path(__file__).with_name(f"{suite}.py"), "slow" if slow else "not slow"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", marks, "--tb=line",
        f"--junitxml={report}", f"--basetemp={report.with_suffix('')}",
        *([f"{file}::Test{name}" for name in only] or [str(file)]),
    ]  # fmt: skip
    given = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=ROOT, env={**given, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stdout[-3000:] + done.stderr[-3000:]
    found: Outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        states = {child.tag for child in case}
        state = "failed" if states & {"failure", "error"} else "skipped" if "skipped" in states else "passed"
        mutant = case.attrib["classname"].rpartition(".Test")[2]
        rule = case.attrib["name"].partition("[")[0]
        found.setdefault(mutant, {})
        if found[mutant].get(rule) != "failed":
            found[mutant][rule] = state
    return found
