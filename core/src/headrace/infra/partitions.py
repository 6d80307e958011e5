"""Months of growing tables: each a partition, made ahead and dropped whole. For the role that owns the tables.

A table takes part by being partitioned by range of its first key that tells the time: a UUIDv7 or an instant. What fits
no month is kept in `<table>_default`, moved into its month as soon as there is one, and told by `problems`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from psycopg import sql

from headrace.infra.clock import now
from headrace.infra.rls import APP_ROLE, WORKER_ROLE, enable_rls

AHEAD = 3
"""Months beyond the present one that `prepare` makes."""
ENOUGH = 2
"""With fewer of them left, `problems` says so."""
_OLDEST = date(2020, 1, 1)
_NAME = re.compile(r"_(\d{4})_(\d{2})\Z")

_TABLES = sa.text("""
SELECT c.relname AS name, a.attname AS key, format_type(a.atttypid, NULL) AS type,
  coalesce(array_agg(k.relname::text ORDER BY k.relname) FILTER (WHERE k.relname IS NOT NULL), '{}') AS partitions,
  coalesce(bool_or(pg_relation_size(k.oid) > 0) FILTER (WHERE k.relname = c.relname || '_default'), false) AS strays
FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
LEFT JOIN pg_inherits i ON i.inhparent = c.oid LEFT JOIN pg_class k ON k.oid = i.inhrelid
WHERE c.relnamespace = 'public'::regnamespace AND p.partstrat = 'r' GROUP BY 1, 2, 3 ORDER BY 1
""")
_LOCK = sa.text("SELECT pg_advisory_xact_lock(7210463002)")
_PATIENCE = sa.text("SET LOCAL lock_timeout = '3s'")
_MAKE = sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})")
_DEFAULT = sql.SQL("CREATE TABLE {} PARTITION OF {} DEFAULT")
_CLOSE = sql.SQL("REVOKE ALL ON {} FROM {}, {}")
_BESIDE = sql.SQL("CREATE TEMPORARY TABLE moving (LIKE {}) ON COMMIT DROP")
_EMPTY = sql.SQL("TRUNCATE {}")
_FORCE = sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY")
_UNFORCE = sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY")


class Table(Struct, frozen=True):
    """A table that is kept by months.

    Attributes:
        key: The column that tells the month.
        type: Of that column.
        months: First days of those that have a partition.
        strays: Whether the default partition has had rows.
    """

    name: str
    key: str
    type: str
    months: tuple[date, ...]
    strays: bool


def month_of(moment: datetime) -> date:
    """First day of its month, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def later(month: date, months: int = 1) -> date:
    """The month so many after it, or before it."""
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def begin(month: date) -> datetime:
    """Its first instant."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def first_id(month: date) -> UUID:
    """Below every UUIDv7 of the month and above those before it."""
    return UUID(int=int(begin(month).timestamp() * 1000) << 80)


def partition(table: str, month: date) -> str:
    """Name of a partition."""
    return f"{table}_{month:%Y_%m}"


def tables(connection: sa.Connection) -> list[Table]:
    """Every table that is kept by months."""
    found = []
    for row in connection.execute(_TABLES):
        names = [_NAME.search(name) for name in row.partitions]
        months = tuple(date(int(name[1]), int(name[2]), 1) for name in names if name)
        found.append(Table(row.name, row.key, row.type, months, row.strays))
    return found


def problems(connection: sa.Connection) -> list[str]:
    """What is wrong with the months, a sentence each; any role may ask."""
    month, said = month_of(now()), []
    for table in tables(connection):
        if later(month, ENOUGH) not in table.months or month not in table.months:
            said.append(f"{table.name} has no partitions for the next {ENOUGH} months; call `headrace migrate`")
        if table.strays:
            said.append(
                f"{table.name}_default has rows of no month that there is; call `headrace migrate` to move them, and "
                "look at the clocks of your machines if some stay"
            )
    return said


def prepare(connection: sa.Connection) -> list[str]:
    """Make the partitions of this month and the next ones, and those that rows in default partitions need.

    Returns:
        Names of what was made.
    """
    connection.execute(_LOCK)
    connection.execute(_PATIENCE)
    made = []
    for table in tables(connection):
        wanted = {later(month_of(now()), n) for n in range(AHEAD + 1)}
        stray = _strays(connection, table) if table.strays else set()
        for month in sorted((wanted | stray) - set(table.months)):
            _make(connection, table, month)
            made.append(partition(table.name, month))
        if table.strays:
            _settle(connection, table)
    return made


def drop(connection: sa.Connection, table: str, month: date) -> None:
    """Remove a month of a table with all that is in it."""
    connection.execute(_PATIENCE)
    connection.execute(sa.schema.DropTable(sa.Table(partition(table, month), sa.MetaData()), if_exists=True))


def close(connection: sa.Connection, name: str) -> None:
    """Nobody but its owner reaches a partition except through its table, whose policies count."""
    enable_rls(_Executes(connection), name)
    _run(connection, _CLOSE, name, APP_ROLE, WORKER_ROLE)


def make_default(connection: sa.Connection, table: str) -> None:
    """Make the partition for what fits no month."""
    _run(connection, _DEFAULT, f"{table}_default", table)
    close(connection, f"{table}_default")


def _make(connection: sa.Connection, table: Table, month: date) -> None:
    """Rows of the default partition that belong to the month wait beside until there is one."""
    name, default = partition(table.name, month), f"{table.name}_default"
    bounds = [_bound(table, month), _bound(table, later(month))]
    moving: sa.Table | None = None
    if table.strays:
        _unforced(connection, default)
        _run(connection, _BESIDE, default)
        source, moving = _reflected(connection, default), _reflected(connection, "moving")
        here = sa.and_(source.c[table.key] >= bounds[0], source.c[table.key] < bounds[1])
        connection.execute(moving.insert().from_select(list(source.c.keys()), sa.select(source).where(here)))
        connection.execute(source.delete().where(here))
    _run(connection, _MAKE, name, table.name, *(sql.Literal(str(bound)) for bound in bounds))
    if moving is not None:
        target = _reflected(connection, name)
        connection.execute(target.insert().from_select(list(target.c.keys()), sa.select(moving)))
        connection.execute(sa.text("DROP TABLE moving"))
    close(connection, name)


def _strays(connection: sa.Connection, table: Table) -> set[date]:
    """Months of the rows in the default partition, as far as they can be true."""
    _unforced(connection, f"{table.name}_default")
    key = _reflected(connection, f"{table.name}_default").c[table.key]
    month, end = _OLDEST, later(month_of(now()), AHEAD + 1)
    found = set()
    while month < end:
        here = sa.and_(key >= _bound(table, month), key < _bound(table, end))
        first = connection.scalar(sa.select(key).where(here).order_by(key).limit(1))
        if first is None:
            break
        month = month_of(
            first if isinstance(first, datetime) else datetime.fromtimestamp((first.int >> 80) / 1000, UTC)
        )
        found.add(month)
        month = later(month)
    return found


def _settle(connection: sa.Connection, table: Table) -> None:
    """Make the default partition empty to the last page when nothing is left in it, and close it again."""
    default = f"{table.name}_default"
    _unforced(connection, default)
    rest = _reflected(connection, default)
    if connection.scalar(sa.select(sa.literal(1)).select_from(rest).limit(1)) is None:
        _run(connection, _EMPTY, default)
    _run(connection, _FORCE, default)


def _unforced(connection: sa.Connection, name: str) -> None:
    """Let the owner see every row for the rest of the transaction; `_settle` ends it."""
    _run(connection, _UNFORCE, name)


def _run(connection: sa.Connection, statement: sql.SQL, *parts: str | sql.Literal) -> None:
    """Execute a statement with names and literals filled in; such statements take no parameters."""
    filled = statement.format(*(sql.Identifier(part) if isinstance(part, str) else part for part in parts))
    connection.exec_driver_sql(filled.as_string())


def _reflected(connection: sa.Connection, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)


def _bound(table: Table, month: date) -> UUID | datetime:
    return first_id(month) if table.type == "uuid" else begin(month)


class _Executes:
    """`alembic.op` where there is none."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def execute(self, sqltext: str) -> None:
        """Run one statement."""
        self._connection.execute(sa.text(sqltext))
