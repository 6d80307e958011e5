"""What SQLAlchemy has no words for: adding, widening, renaming. Names are quoted by the dialect."""

from __future__ import annotations

import sqlalchemy as sa

_ADD = "ALTER TABLE %(table)s ADD %(column)s"
_RENAME = "ALTER TABLE %(table)s RENAME TO %(name)s"


def add_column(connection: sa.Connection, table: sa.Table, column: sa.Column[object], statement: str = _ADD) -> None:
    """Add a column that may be null."""
    spec = str(sa.schema.CreateColumn(column).compile(dialect=connection.dialect))
    _run(connection, statement, table, column=spec)


def retype(connection: sa.Connection, table: sa.Table, column: sa.Column[object], statement: str) -> None:
    """Change a column's type; `statement` is the dialect's, over `table`, `column` and `type`."""
    quoted = connection.dialect.identifier_preparer.quote(column.name)
    kind = column.type.compile(dialect=connection.dialect)
    _run(connection, statement, table, column=quoted, type=kind)


def rename_over(connection: sa.Connection, stage: sa.Table, target: sa.Table) -> None:
    """Put the stage in the target's place, inside the transaction where the database can."""
    target.drop(connection)
    _run(connection, _RENAME, stage, name=connection.dialect.identifier_preparer.quote(target.name))


def _run(connection: sa.Connection, statement: str, table: sa.Table, **parts: str) -> None:
    quoted = connection.dialect.identifier_preparer.format_table(table)
    connection.execute(sa.DDL(statement, context={"table": quoted, **parts}))  # type: ignore[no-untyped-call]
