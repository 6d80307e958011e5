"""Comparisons as conditions of a SELECT, where a database judges them as the steps do; the others are left to these.

Text is compared for equality only, and only to leave out what is different under every collation: a value equals
itself whatever letter case or accents the database sees. Floats are not compared: some databases compare them with
fewer digits than they show.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import sqlalchemy as sa

from headrace.sdk.narrowing import Comparison
from headrace.sdk.types import Column, DataType

_OPERATORS = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_TYPES: dict[DataType, sa.types.TypeEngine[Any]] = {
    DataType.INTEGER: sa.BigInteger(), DataType.DECIMAL: sa.Numeric(), DataType.DATE: sa.Date(),
    DataType.TIMESTAMP: sa.DateTime(), DataType.TEXT: sa.Text(),
}  # fmt: skip


def conditions(
    source: sa.Table, columns: dict[str, Column], where: Sequence[Comparison], compared: Collection[DataType]
) -> tuple[list[Any], bool]:
    """Conditions that every needed row meets, and whether they leave out every other row.

    Args:
        source: The table, with the types that it has there.
        columns: Its columns by name.
        where: What the needed rows meet.
        compared: Types that the database compares as the steps do.
    """
    found: list[Any] = []
    whole = True
    for one in where:
        place, kind = source.c[one.column], columns[one.column].type
        if one.operator in {"null", "filled"}:
            found.append(place.is_(None) if one.operator == "null" else place.is_not(None))
        elif kind not in compared or (kind is DataType.TEXT and not _plain(place.type, one)):
            whole = False
        else:
            found.append(_OPERATORS[one.operator](place, _literal(one.value, kind, place.type)))
            whole = whole and kind is not DataType.TEXT
    return found, whole


def _plain(kind: Any, one: Comparison) -> bool:
    """Whether a text is kept as it is: CHAR is padded, an ENUM takes its own values only."""
    named = isinstance(kind, sa.VARCHAR | sa.TEXT) and not isinstance(kind, sa.Enum)
    return named and one.operator == "=" and "\0" not in one.value


def _literal(value: Any, kind: DataType, native: Any) -> sa.ColumnElement[Any]:
    return sa.literal(value, native if kind is DataType.TIMESTAMP else _TYPES[kind])
