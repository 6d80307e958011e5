"""How much a block's memory grows, as the kernel sees it."""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path

_STATM = Path("/proc/self/statm")


class MemoryWatch:
    """Growth of this process since the watch began.

    Attributes:
        grown: Most bytes seen so far, over those at the start.
    """

    def __init__(self) -> None:
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)  # what earlier tests freed shall not hide what this one takes
        self._start = _resident()
        self.grown = 0

    def look(self) -> int:
        """Measure once more."""
        self.grown = max(self.grown, _resident() - self._start)
        return self.grown


def measurable() -> bool:
    """Whether this system tells."""
    return _STATM.exists()


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
