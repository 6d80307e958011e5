"""What a mapping says as one SELECT: fields of ours from columns of theirs, filters as bound values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct, field

from headrace.infra.clock import now
from headrace.sdk.errors import ConfigError

if TYPE_CHECKING:
    from sqlglot import exp

DataType = Literal["equipment_status", "measurement_data"]
FIELDS: dict[str, tuple[str, ...]] = {
    "equipment_status": ("equipment_type", "equipment_code", "equipment_name", "status", "last_run_time"),
    "measurement_data": (
        "equipment_type", "equipment_code", "measurement_code", "measurement_desc", "measurement_value", "timestamp",
    ),
}  # fmt: skip
"""What each kind of data consists of."""
NEEDED = {
    "equipment_status": ("equipment_code", "status"),
    "measurement_data": ("equipment_code", "measurement_code", "measurement_value", "timestamp"),
}
TIME = {"equipment_status": "last_run_time", "measurement_data": "timestamp"}
_TABLE = re.compile(r"[\w$ -]+(\.[\w$ -]+){0,2}")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_ORDER = re.compile(r"\s*(\w+)(?:\s+(asc|desc))?\s*", re.IGNORECASE)
_SOURCE = "source"
Words = Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(max_length=100)]


class TimeRange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From a moment, which counts, up to another, which does not; or the last so many seconds."""

    since: datetime | None = field(default=None, name="from")
    until: datetime | None = field(default=None, name="to")
    last_seconds: Annotated[int, Meta(ge=1, le=366 * 86_400)] | None = None

    def __post_init__(self) -> None:
        """Refuse what would have to be ignored."""
        if self.last_seconds is not None and (self.since or self.until):
            raise ValueError("a time range is `from` and `to`, or `last_seconds`; give one of the two")


class Filters(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which rows; what is empty lets all of them through."""

    equipment_types: Words = []
    status_filter: Words = []
    time_range: TimeRange | None = None


class Source(Struct, frozen=True, kw_only=True):
    """What a mapping reads, and as what.

    Attributes:
        table: Or `query`, never both.
        columns: Column of theirs by field of ours; a field that is not there is not read.
    """

    data_type: DataType
    table: str = ""
    query: str = ""
    columns: AnyMapping[str, str] = {}
    order_by: str = ""


class Statement(Struct, frozen=True):
    """A SELECT with `:name` places, and their values."""

    sql: str
    values: dict[str, Any]


def checked(source: Source) -> Source:
    """The same with all its columns.

    Raises:
        ConfigError: it says what cannot be.
    """
    known = FIELDS[source.data_type]
    if bool(source.table) == bool(source.query):
        raise ConfigError("a mapping reads a table or a query, one of the two; give source_table_name or base_query",
                          field="source_table_name")  # fmt: skip
    unknown = sorted(source.columns.keys() - set(known))
    if unknown:
        raise ConfigError(
            f"'{unknown[0]}' is no field of {source.data_type}; its fields are {', '.join(known)}",
            field="source_field_mappings",
        )  # fmt: skip
    columns = {name: source.columns[name] for name in known if name in source.columns} or {name: name for name in known}
    missing = [name for name in NEEDED[source.data_type] if name not in columns]
    if missing:
        raise ConfigError(
            f"{source.data_type} needs a column for '{missing[0]}'; name it", field="source_field_mappings"
        )
    return Source(data_type=source.data_type, table=source.table, query=source.query, columns=columns,
                  order_by=source.order_by)  # fmt: skip


def statement(source: Source, filters: Sequence[Filters], *, dialect: str, limit: int) -> Statement:
    """The SELECT of a checked source; rows pass every one of the filters.

    Raises:
        ConfigError: the SQL policy refuses the query, or a filter needs a field that is not mapped.
    """
    from sqlglot import exp

    from headrace.sdk.sqlpolicy import check_select

    column = {name: _column(theirs) for name, theirs in source.columns.items()}
    select = exp.select(*(exp.alias_(one.copy(), name, quoted=False) for name, one in column.items()))
    select = select.from_(_source(source, dialect))
    values: dict[str, Any] = {}
    for one in filters:
        for condition in _conditions(source.data_type, one, column, values):
            select = select.where(condition)
    for name, down in _ordered(source.order_by, column):
        select = select.order_by(exp.Ordered(this=column[name].copy(), desc=down))
    text = select.limit(limit).sql(dialect=dialect, comments=False)
    check_select(text, dialect=dialect, placeholders=True)
    return Statement(text, values)


def _source(source: Source, dialect: str) -> exp.Expr:
    import sqlglot
    from sqlglot import exp

    from headrace.sdk.sqlpolicy import check_select

    if source.query:
        check_select(source.query, dialect=dialect)
        inner: Any = sqlglot.parse_one(source.query, dialect=dialect)
        wrapped: exp.Expr = inner.subquery(_SOURCE)
        return wrapped
    if not _TABLE.fullmatch(source.table):
        raise ConfigError(f"'{source.table[:80]}' is no name of a table; write it as `table` or `schema.table`",
                          field="source_table_name")  # fmt: skip
    parts = dict(zip(("this", "db", "catalog"), map(_name, reversed(source.table.split("."))), strict=False))
    return exp.alias_(exp.Table(**parts), _SOURCE, table=True)


def _name(text: str) -> exp.Identifier:
    from sqlglot import exp

    return exp.Identifier(this=text, quoted=not _PLAIN.fullmatch(text))


def _column(name: str) -> exp.Column:
    from sqlglot import exp

    return exp.Column(this=_name(name), table=_name(_SOURCE))


def _conditions(
    data_type: str, filters: Filters, column: AnyMapping[str, exp.Column], values: dict[str, Any]
) -> list[exp.Expr]:
    from sqlglot import exp

    def place(value: Any) -> exp.Var:
        values[name := f"value_{len(values)}"] = value
        return exp.Var(this=f":{name}")

    def of(name: str) -> exp.Column:
        if name not in column:
            raise ConfigError(f"the filter needs '{name}', which this mapping of {data_type} has no column for; map it",
                              field="filter_conditions")  # fmt: skip
        return column[name].copy()

    found: list[exp.Expr] = [
        exp.In(this=of(name), expressions=[place(word) for word in words])
        for name, words in (("equipment_type", filters.equipment_types), ("status", filters.status_filter))
        if words
    ]
    span = filters.time_range
    if span is not None:
        since = now() - timedelta(seconds=span.last_seconds) if span.last_seconds else span.since
        if since is not None:
            found.append(exp.GTE(this=of(TIME[data_type]), expression=place(since)))
        if span.until is not None:
            found.append(exp.LT(this=of(TIME[data_type]), expression=place(span.until)))
    return found


def _ordered(text: str, column: AnyMapping[str, Any]) -> list[tuple[str, bool]]:
    found = []
    for part in text.split(",") if text.strip() else ():
        said = _ORDER.fullmatch(part)
        if said is None or said[1] not in column:
            raise ConfigError(
                f"'{part.strip()[:80]}' is no order; write mapped fields, each with ASC or DESC, e.g. "
                "`equipment_code, status DESC`",
                field="order_by_clause",
            )  # fmt: skip
        found.append((said[1], (said[2] or "").lower() == "desc"))
    return found
