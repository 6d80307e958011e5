"""Sweeps over all there is: `make test` goes over another part of it each day, `make test-all` over the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar
from zlib import crc32

import pytest

T = TypeVar("T")
PARTS = 4
_WHOLE = pytest.param(None, id="whole", marks=[pytest.mark.slow, pytest.mark.timeout(3_000)])


def swept(parts: int = PARTS) -> pytest.MarkDecorator:
    """Gives a test its `part`: None for the whole, else that of today."""
    return pytest.mark.parametrize("part", [_WHOLE, pytest.param(datetime.now(UTC).toordinal() % parts, id="today")])


def of_part(part: int | None, items: Iterable[T], name: Callable[[T], str] = str) -> list[T]:
    """Items of a part; of None all."""
    return [item for item in items if part is None or crc32(name(item).encode()) % PARTS == part]


def whole(part: int | None, **figures: Any) -> dict[str, Any]:
    """Figures to tell: only those of the whole are."""
    return figures if part is None else {}
