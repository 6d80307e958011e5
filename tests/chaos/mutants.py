"""Negative controls: what a worker is made to forget, so that the checker has something to find.

`fence`: late reports are believed. `reconciler`: no scheduler runs, so nothing is rung, reaped or relayed. `ledger`:
sinks have another effect key in each attempt.
"""

from __future__ import annotations

import sqlalchemy as sa
from headrace.executions import statements

CONTROLS = {"fence": "I3 ", "reconciler": "executions stuck", "ledger": "effects twice"}
"""By control, what the checker must say."""


def believe_late_reports() -> None:
    """Take the comparison of fences out of the one statement that has it."""
    text = statements.HELD.text
    broken = text.replace("WHERE n.fence = f.fence AND n.status = 'running'", "WHERE n.fence >= f.fence")
    broken = broken.replace("AS before, n.fence,", "AS before, f.fence,")
    if "n.fence >= f.fence" not in broken or "AS before, f.fence" not in broken:
        raise RuntimeError("the statement that compares fences has changed; change this control with it")
    statements.HELD = sa.text(broken)
