"""Time, injectable: tests set it, everything else asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_source: ContextVar[Callable[[], datetime] | None] = ContextVar("headrace_clock", default=None)


def now() -> datetime:
    """The present, in UTC."""
    source = _source.get()
    return source() if source else datetime.now(UTC)


@contextmanager
def clock(source: Callable[[], datetime]) -> Iterator[None]:
    """Let `source` tell the time inside the block."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)
