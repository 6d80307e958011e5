"""SqlReader: the reading half of the contract over a SQLAlchemy dialect; a database adds its URL."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa

from headrace.kits.sql.errors import translated
from headrace.kits.sql.ledger import LEDGER
from headrace.kits.sql.narrow import conditions
from headrace.kits.sql.paging import bounds, encoded, order, split
from headrace.kits.sql.types import column_of
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Connector, Rejector, Stream
from headrace.sdk.egress import check_host
from headrace.sdk.errors import ConfigError
from headrace.sdk.narrowing import Narrowing
from headrace.sdk.tables import Page, State
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

QUERY_TIMEOUT_S = 60
READ_TIMEOUT_S = 4 * 3_600
"""Of a table's rows: as long as it may take to hand them on, and no longer."""
BATCH_BYTES = 16 * 2**20
FIRST_ROWS = 1_000
"""Of a read, before it is known how large its rows are."""


class SqlReader(Connector[ConfigT]):
    """One database. Holds at most one connection, opened at first use."""

    dialect: ClassVar[str]
    """Name of the dialect for the SQL policy (sqlglot's)."""
    compares: ClassVar[frozenset[DataType]] = frozenset({DataType.INTEGER})
    """Types that it compares with a constant as the steps do."""
    system_schemas: ClassVar[frozenset[str]] = frozenset({"information_schema"})

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self._engine: sa.Engine | None = None

    @abstractmethod
    def url(self) -> sa.URL:
        """Where the database is."""

    def connect_args(self) -> dict[str, Any]:
        """Driver arguments."""
        return {}

    @property
    def where(self) -> str:
        """Server and database for people."""
        url = self.url()
        return f"{self.dialect} {url.host}:{url.port}/{url.database}" if url.host else f"{self.dialect} {url.database}"

    def engine(self) -> sa.Engine:
        """The engine, made once."""
        if self._engine is None:
            self._engine = self._made(self.url())
        return self._engine

    def _made(self, url: sa.URL) -> sa.Engine:
        made = sa.create_engine(url, connect_args=self.connect_args(), poolclass=sa.NullPool, hide_parameters=True)
        sa.event.listen(made, "do_connect", self._through_the_door)
        return made

    def listed(self, url: sa.URL, names: sa.TextClause) -> list[str]:
        """Names that a statement gives, over a link of its own: to choose from before a database is chosen."""
        engine = self._made(url)
        try:
            with translated(self.where), engine.connect() as connection:
                return sorted(str(name) for name in connection.scalars(names))
        finally:
            engine.dispose()

    def _through_the_door(self, _dialect: Any, _record: Any, _args: Any, given: dict[str, Any]) -> Any:
        """Judge the host of each new connection and pin it to what was judged."""
        url = self.url()
        if url.host is not None:
            given.update(self.pinned(url.host, check_host(url.host, url.port or 0)))

    def pinned(self, host: str, addresses: Sequence[str]) -> dict[str, Any]:
        """Driver arguments that connect to one of these addresses, without another look at the name."""
        return {"host": addresses[0]}

    def check(self) -> None:
        """One round trip."""
        with translated(self.where), self.engine().connect() as connection:
            connection.scalar(sa.select(1))

    def discover(self) -> Sequence[Stream]:
        """Tables and views of all schemas but the system's."""
        with translated(self.where), self.engine().connect() as connection:
            inspector = sa.inspect(connection)
            default = inspector.default_schema_name
            found: list[Stream] = []
            for schema in self.schemas(inspector):
                keys = inspector.get_multi_pk_constraint(schema=schema, kind=sa.engine.reflection.ObjectKind.ANY)
                tables = inspector.get_multi_columns(schema=schema, kind=sa.engine.reflection.ObjectKind.ANY)
                for (_, table), columns in tables.items():
                    if table != LEDGER:
                        name = table if schema in {None, default} else f"{schema}.{table}"
                        key: Any = keys.get((schema, table)) or {}
                        found.append(self._stream(name, columns, key.get("constrained_columns", ())))
        return sorted(found, key=lambda stream: stream.name)

    def schemas(self, inspector: sa.Inspector) -> list[str | None]:
        """Schemas to list."""
        return [
            name
            for name in inspector.get_schema_names()
            if name not in self.system_schemas and not name.startswith("pg_")
        ]

    def _stream(self, name: str, columns: Sequence[Any], keys: Sequence[str]) -> Stream:
        made = tuple(
            column_of(c["name"], c["type"], nullable=c.get("nullable", True) and c["name"] not in keys) for c in columns
        )
        cursors = tuple(c.name for c in made if str(c.type) in {"integer", "timestamp", "date", "decimal"})
        return Stream(name=name, columns=made, primary_key=tuple(keys), cursors=cursors)

    def place(self, name: str) -> tuple[str | None, str]:
        """Schema and table of a stream's name."""
        schema, _, table = name.rpartition(".")
        return schema or None, table

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One table, without listing all."""
        schema, table = self.place(name)
        with translated(self.where), self.engine().connect() as connection:
            inspector = sa.inspect(connection)
            if not (inspector.has_table(table, schema=schema) or table in inspector.get_view_names(schema=schema)):
                there = [found for found in inspector.get_table_names(schema=schema) if found != LEDGER]
                near = get_close_matches(table, there, n=1)
                advice = (
                    f"did you mean '{near[0]}'?" if near else f"there is {', '.join(there[:10]) or 'no table at all'}"
                )
                raise ConfigError(f"there is no table '{name}' in {self.where}; {advice}", field="stream")
            keys = inspector.get_pk_constraint(table, schema=schema).get("constrained_columns", ())
            return self._stream(name, inspector.get_columns(table, schema=schema), keys)

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Rows through a server-side cursor."""
        wanted = [stream.column(name) for name in columns or [c.name for c in stream.columns]]
        with translated(self.where), self.engine().connect() as connection:
            source = self._source(connection, stream)
            query = sa.select(*(source.c[c.name] for c in wanted))
            if after is not None:
                cursor = source.c[stream.cursors[0]]
                query = query.where(cursor > after).order_by(cursor)
            yield from self._frames(connection, query, wanted, batch_rows)

    def narrowed(self, stream: Stream, needed: Narrowing, *, batch_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """Rows that the database finds, through the same cursor as those of a read, in a read-only transaction."""
        columns = {column.name: column for column in stream.columns}
        wanted = [stream.column(name) for name in needed.columns or columns]
        with translated(self.where), self.engine().connect() as connection:
            self.read_only(connection, READ_TIMEOUT_S)
            source = self._source(connection, stream)
            found, whole = conditions(source, columns, needed.where, self.compares)
            query = sa.select(*(source.c[c.name] for c in wanted)).where(*found)
            if needed.rows and whole:
                query = query.limit(needed.rows)
            yield from self._frames(connection, query, wanted, batch_rows)

    def pages(
        self, stream: Stream, *, columns: Sequence[str] | None = None, cursor: str = "", state: State | None = None,
        batch_rows: int = 50_000,
    ) -> Iterator[Page]:  # fmt: skip
        """Rows in the order of the cursor and the primary key, from where a state stands."""
        by = [stream.column(name) for name in order(stream, cursor, state)]
        names = list(columns or [c.name for c in stream.columns])
        wanted = [stream.column(name) for name in dict.fromkeys([*names, *(column.name for column in by)])]
        with translated(self.where), self.engine().connect() as connection:
            source = self._source(connection, stream)
            query = sa.select(*(source.c[c.name] for c in wanted)).where(*bounds(source, by, state))
            query = query.order_by(*(source.c[column.name] for column in by))
            for frame in self._frames(connection, query, wanted, batch_rows):
                last = [encoded(frame[column.name][-1]) for column in by]
                stands: State = {**(state or {}), "by": [column.name for column in by], "after": last}
                yield Page(frame.select(names), stands)

    def partitions(self, stream: Stream, count: int) -> Sequence[State]:
        """Ranges of the first key column with about equal rows."""
        by = order(stream, "", None)
        with translated(self.where), self.engine().connect() as connection:
            source = self._source(connection, stream)
            return split(connection, self.tiles(source.c[by[0]], count), by)

    def tiles(self, place: sa.ColumnElement[Any], count: int) -> sa.Select[Any]:
        """Each value of a column, with the number of its part of about equal rows."""
        return sa.select(place.label("value"), sa.func.ntile(count).over(order_by=place).label("tile"))

    def _source(self, connection: sa.Connection, stream: Stream) -> sa.Table:
        """The table with its columns and their types; a read asks for nothing else of it."""
        schema, table = self.place(stream.name)
        found = sa.inspect(connection).get_columns(table, schema=schema)
        return sa.Table(table, sa.MetaData(), *(sa.Column(c["name"], c["type"]) for c in found), schema=schema)

    def _frames(
        self, connection: sa.Connection, query: Any, wanted: Sequence[Column], batch_rows: int
    ) -> Iterator[pl.DataFrame]:
        """Frames through a server-side cursor, each of at most `batch_rows` rows and of about 16 MiB."""
        from headrace.kits.sql.frames import frame_of

        count = min(batch_rows, FIRST_ROWS)
        rows = connection.execution_options(stream_results=True, max_row_buffer=count).execute(query)
        with closing(rows):  # an abandoned read leaves no cursor behind
            while part := rows.fetchmany(count):
                frame = frame_of(part, wanted)
                yield frame
                each = max(1, int(frame.estimated_size()) // frame.height)
                count = max(1, min(batch_rows, BATCH_BYTES // each))

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Iterator[pl.DataFrame]:
        """One SELECT under the SQL policy, in a read-only transaction of a connection of its own."""
        from headrace.kits.sql.frames import inferred
        from headrace.sdk.sqlpolicy import check_select

        checked = check_select(sql, dialect=self.dialect, placeholders=True)
        with translated(self.where), self.engine().connect() as connection:
            self.read_only(connection)
            rows = connection.execution_options(stream_results=True).execute(
                sa.text(checked.sql), {**(params or {}), **checked.values}
            )
            names = list(rows.keys())
            with closing(rows):
                for part in rows.partitions(self.batch_rows):
                    yield inferred(part, names)

    def read_only(self, connection: sa.Connection, limit_s: int = QUERY_TIMEOUT_S) -> None:
        """Make the transaction read-only, and its statements bounded in time, where the database can."""

    def close(self) -> None:
        """Close the connection."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
