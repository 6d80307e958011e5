"""What a write would do to a table that is there; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.kits.drift import changes
from headrace.kits.sql.target import Target
from headrace.kits.sql.types import LOSSES
from headrace.sdk.connectors import WriteMode
from headrace.sdk.errors import ConfigError
from headrace.sdk.tables import Change, TableOptions
from headrace.sdk.types import Column


def plan(
    target: Target, table: str, columns: Sequence[Column], *, mode: WriteMode, options: TableOptions | None
) -> list[Change]:
    """The changes, in the order in which they would be made.

    Raises:
        ConfigError: the write would be refused.
    """
    options = options or TableOptions()
    mark = options.deletes if mode in {"merge", "scd2"} else ""
    data = [column for column in columns if column.name != mark]
    made = [
        Change(kind="narrow", column=column.name, text=f"column '{column.name}': {LOSSES[column.type]}")
        for column in data
        if column.type in LOSSES
    ]
    if not target.exists():
        return [Change(kind="create", text=f"the table '{table}' is created"), *made]
    rows = target.rows() if mode in {"overwrite", "merge"} else None
    found = changes(table, target.columns(), data, mode=mode, drift=options.drift, rows=rows)
    wide = next((change for change in found if change.kind == "widen"), None)
    if wide is not None and not target.traits.retype:
        raise ConfigError(f"{wide.text}, and this database cannot change a column's type", column=wide.column)
    if mode == "merge":
        which = f"marked by '{mark}'" if mark else "whose key does not come"
        found.append(Change(kind="delete", text=f"rows of '{table}' {which} are deleted", rows=rows, loses=True))
    return [*found, *made]
