"""What a step takes: its time, and the most memory that its process held meanwhile."""

from __future__ import annotations

import os
import resource
import time
from functools import lru_cache
from typing import NamedTuple


class Spent(NamedTuple):
    """What was measured.

    Attributes:
        memory_peak_bytes: The high-water mark of the process' resident memory during the step: the rows that it held,
            and what was there before. Steps that are computed together have it together. None where nobody knows.
    """

    duration_ms: float = 0.0
    memory_peak_bytes: int | None = None


NOTHING = Spent()


class Meter:
    """Measures from here on. It costs about a microsecond: Linux keeps the mark, we put it back and read it."""

    def __init__(self) -> None:
        self._marks = _put_back()
        self._started = time.perf_counter()

    def spent(self) -> Spent:
        """What was taken until now."""
        duration_ms = (time.perf_counter() - self._started) * 1_000
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 if self._marks else None
        return Spent(duration_ms, peak)


def _put_back() -> bool:
    """Let the mark begin at what is held now; whether that can be done."""
    marks = _marks(os.getpid())
    try:
        return marks is not None and os.write(marks, b"5") == 1
    except OSError:
        return False


@lru_cache(maxsize=1)
def _marks(_pid: int) -> int | None:
    """Where a process puts its mark back; None where there is no such thing. Each process opens its own."""
    try:
        return os.open("/proc/self/clear_refs", os.O_WRONLY)
    except OSError:
        return None
