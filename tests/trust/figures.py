"""`artifacts/trust.json`: one figure a name, the newest run of it; written by runs of full size only."""

from __future__ import annotations

import fcntl
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[2]
ARTIFACT = ROOT / "artifacts" / "trust.json"
LOAD = round(os.getloadavg()[0], 1)
"""Of the machine as the run began: the run's own comes on top."""


class Figure(Struct, frozen=True, kw_only=True):
    """One measured thing.

    Attributes:
        name: `suite.what`; the suite is the section of the page.
        title: For readers.
        unit: `s`, `ms`, `executions/s`, or what is counted.
        n: How many values.
        high: 99th percentile (nearest rank); None of fewer than 100 values.
        seed: Of the random numbers, if there are any.
        size: Of what was measured, in words.
        commit: Of the code; `+` where the tree had changes.
        load: One-minute load average as the run began.
    """

    name: str
    title: str
    unit: str
    n: int
    median: float
    min: float
    max: float
    high: float | None
    seed: str
    size: str
    commit: str
    machine: str
    load: float
    at: str


def record(
    name: str, values: Sequence[float], *, title: str, unit: str, size: str = "", seed: str | int = "",
    artifact: Path = ARTIFACT,
) -> Figure:  # fmt: skip
    """Write a figure to the artifact, in place of the last one of its name.

    Raises:
        ValueError: there is no value, or the name has no suite.
    """
    if not values or "." not in name:
        raise ValueError(f"the figure '{name}' needs a value and a name like 'load.drain'")
    ordered = sorted(values)
    figure = Figure(
        name=name, title=title, unit=unit, n=len(ordered), median=_short(statistics.median(ordered)),
        min=_short(ordered[0]), max=_short(ordered[-1]),
        high=_short(ordered[-(len(ordered) // 100) - 1]) if len(ordered) >= 100 else None,
        seed=str(seed), size=size, commit=_commit(), machine=_machine(), load=LOAD,
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    )  # fmt: skip
    artifact.parent.mkdir(exist_ok=True)
    with artifact.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        figures = {old.name: old for old in read(artifact)} | {name: figure}
        ordered_figures = [figures[key] for key in sorted(figures)]
        file.truncate(0)
        file.write(msgspec.json.format(msgspec.json.encode(ordered_figures)) + b"\n")
    return figure


def read(artifact: Path = ARTIFACT) -> list[Figure]:
    """All figures, by name."""
    text = artifact.read_bytes() if artifact.exists() else b""
    return msgspec.json.decode(text, type=list[Figure]) if text else []


def _short(value: float) -> float:
    """Four digits that count, and all those before the point."""
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!artifacts", ":!docs/TRUST.md")
    return git("rev-parse", "--short=10", "HEAD") + "+" * bool(changed)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {sys.version_info.major}.{sys.version_info.minor}"
