"""Points of a device as a user writes them, and which of them are read together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headrace.sdk import ConfigError
from msgspec import Struct

TOGETHER, GAP = 120, 8
"""Registers of one request, and so many that nobody asked for between two points of it."""
_POINT = re.compile(r"(holding|input)\s+(\d{1,5})\s+(u?int(?:16|32|64)|float(?:32|64))|(coil|discrete)\s+(\d{1,5})")


class Point(Struct, frozen=True):
    """Where a value lies; `size` in registers, or 1 bit."""

    name: str
    table: str
    address: int
    kind: str
    size: int


def point_of(name: str, text: str) -> Point:
    """The point that a user describes.

    Raises:
        ConfigError: it is none.
    """
    found = _POINT.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigError(
            f"the point '{name}' is '{text}'; write it as 'holding 0 float32' or 'coil 3'", field="points"
        )
    if found[4]:
        return Point(name, found[4], int(found[5]), "bit", 1)
    return Point(name, found[1], int(found[2]), found[3], int(found[3][-2:]) // 16)


def groups(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Points of one table that are read together."""
    group: list[Point] = []
    for point in sorted(points, key=lambda point: (point.table, point.address)):
        if group:
            end = max(other.address + other.size for other in group)
            far = point.address - end > GAP or point.address + point.size - group[0].address > TOGETHER
            if far or point.table != group[0].table:
                yield group
                group = []
        group.append(point)
    if group:
        yield group
