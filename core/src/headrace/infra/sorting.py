"""`sort` of lists: the name of a field, with `-` before it from the greatest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from headrace.sdk.errors import ConfigError


def ordered(sort: str, columns: Mapping[str, Any], what: str) -> sa.ColumnElement[Any]:
    """The order that was asked for; rows without a value come last.

    Raises:
        ConfigError: `what` are not sorted by this.
    """
    column = columns.get(sort.removeprefix("-"))
    if column is None:
        raise ConfigError(f"{what} cannot be sorted by '{sort}'; choose {', '.join(columns)}", field="sort")
    order: sa.ColumnElement[Any] = (column.desc() if sort.startswith("-") else column.asc()).nulls_last()
    return order
