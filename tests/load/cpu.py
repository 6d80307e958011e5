"""CPU time of the processes of an install: what a machine that others use as well cannot blur as it does wall time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_KINDS = (
    ("postgres", "postgres"), ("valkey", "valkey"), ("headrace.worker.runner", "runner"),
    ("headrace\0worker", "worker"), ("headrace\0scheduler", "scheduler"),
)  # fmt: skip


def used() -> Counter[str]:
    """Seconds by kind of process so far, of all below this one; of those that have ended where their parent waited."""
    found: Counter[str] = Counter()
    below = {os.getpid()}
    for pid, parent, own_s, ended_s, command in sorted(_processes()):
        if parent not in below:
            continue
        below.add(pid)
        kind = next((kind for sign, kind in _KINDS if sign in command), "other")
        found[kind] += own_s
        found["runner" if kind == "worker" else kind] += ended_s
    return found


def _processes() -> Iterator[tuple[int, int, float, float, str]]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        own, ended = (sum(map(int, fields[first : first + 2])) / _TICKS for first in (11, 13))
        yield int(folder.name), int(fields[1]), own, ended, command
