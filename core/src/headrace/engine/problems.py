"""Exceptions of nodes, connectors and engines -> one Problem for people and for the retry policy."""

from __future__ import annotations

import errno
import traceback

from headrace.engine.messages import Problem
from headrace.sdk.errors import HeadraceError, TransientError


class Cancelled(Exception):
    """The execution is being cancelled."""


def problem_of(error: BaseException, node_id: str = "") -> Problem:
    """Describe an exception; what is not ours is a bug and says so."""
    if isinstance(error, Cancelled):
        return Problem(code="CANCELLED", message="the execution was cancelled", node_id=node_id)
    if isinstance(error, HeadraceError):
        hint = "" if error.hint in error.message else error.hint
        return Problem(
            code=error.code, message=error.message, hint=hint, detail=error.detail, node_id=node_id,
            field=_field(error), retryable=isinstance(error, TransientError),
            retry_after_s=getattr(error, "retry_after_s", None),
        )  # fmt: skip
    if _is_full(error):
        return Problem(
            code="STORAGE_FULL", message="the disk of the worker is full; free some space and run the flow again",
            detail=repr(error), node_id=node_id,
        )  # fmt: skip
    if isinstance(error, MemoryError):
        return Problem(
            code="OUT_OF_MEMORY", detail=repr(error), node_id=node_id,
            message="the process that executed this step got no more memory; give the worker more or take less",
        )  # fmt: skip
    trace = "".join(traceback.format_exception(error))
    if type(error).__module__.startswith("polars"):
        return Problem(
            code="DATA_INVALID", node_id=node_id, detail=trace,
            message="the rows of this step cannot be read or computed; look at its source and its settings, the log of "
            "the execution has the words of the engine",
        )  # fmt: skip
    return Problem(
        code="INTERNAL", message=f"unexpected {type(error).__name__}; the log of the execution has the trace",
        detail=trace, node_id=node_id,
    )  # fmt: skip


def _is_full(error: BaseException) -> bool:
    """Whether a disk has no room; engines say it in their own classes."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return True
    return "no space left on device" in str(error).lower()


def _field(error: HeadraceError) -> str:
    column = error.details.get("column")
    found = error.details.get("field") or (column if isinstance(column, str) else "")
    if not found:
        listed = error.details.get("errors") or [{}]
        found = listed[0].get("path", "")
    return str(found or "")
