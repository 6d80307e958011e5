"""The work: the sql kit over firebird-driver, with tables made on a link of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from headrace.kits.sql.errors import translated
from headrace.kits.sql.ledger import Ledger
from headrace.kits.sql.reader import QUERY_TIMEOUT_S
from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits
from headrace.kits.sql.writer import Writer
from headrace.sdk import Rejector, WriteMode, WriteResult
from headrace.sdk.egress import check_host

from headrace_connector_firebird import FirebirdConfig
from headrace_connector_firebird.target import FirebirdTarget, exact_times

if TYPE_CHECKING:
    import polars as pl

LOCK_S = 60
"""How long a statement waits for what another transaction holds."""


class FirebirdConnector(DriverConnector[FirebirdConfig]):
    """One Firebird database."""

    driver = "firebird+firebird"
    package = "headrace-connector-firebird"
    dialect = ""
    traits = Traits(merges=True, temporary=())

    def _through_the_door(self, _dialect: Any, _record: Any, args: list[Any], given: dict[str, Any]) -> Any:
        """Judge the host; the link goes to the address that was judged, in UTF-8, and waits for locks so long."""
        from firebird.driver import Isolation, connect, tpb

        host, port = self.judged()
        address = check_host(host, port)[0]
        place = f"[{address}]" if ":" in address else address
        link = connect(
            f"inet://{place}:{port}/{self.config.database}", user=self.config.user,
            password=self.config.password.reveal(), charset="UTF8",
        )  # fmt: skip
        link.main_transaction.default_tpb = tpb(Isolation.READ_COMMITTED_RECORD_VERSION, lock_timeout=LOCK_S)
        return link

    def engine(self) -> sa.Engine:
        """The engine, over what sqlalchemy-firebird 2.2 does wrong.

        It casts all whole numbers of a reflected table to INTEGER, and leaves a cursor open for each comment.
        """
        engine = super().engine()
        from sqlalchemy_firebird.types import FBBIGINT, FBINT128, FBSMALLINT

        own = {kind: kind for kind in (FBBIGINT, FBINT128, FBSMALLINT)}
        engine.dialect.colspecs = {**engine.dialect.colspecs, **own}
        engine.dialect.get_table_comment = lambda *_, **__: {"text": None}  # type: ignore[method-assign, assignment]
        return engine

    @property
    def where(self) -> str:
        """Server and database for people."""
        return f"firebird {self.config.host}:{self.config.port}/{self.config.database}"

    def schemas(self, inspector: sa.Inspector) -> list[str | None]:
        """It has none."""
        return [None]

    def tiles(self, place: sa.ColumnElement[Any], count: int) -> sa.Select[Any]:
        """Parts of about equal rows, without NTILE, which Firebird 3 has not."""
        rank: Any = sa.over(sa.literal_column("row_number()"), order_by=place)  # type: ignore[arg-type] # func drops the ()
        return sa.select(place.label("value"), ((rank - 1) * count // sa.func.count().over()).label("tile"))

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write all frames or none: rows and ledger in one transaction, tables on a link of their own."""
        _, table = self.place(name)
        with translated(self.where), self.engine().connect() as made:
            sa.event.listen(made, "after_cursor_execute", _seen)
            with _tidy(FirebirdTarget(made, table, self.traits)) as target, self.engine().begin() as connection:
                target.rows_in = connection
                writer = Writer(
                    connection, target, Ledger(connection, None, made), self.load, merges=True, options=options,
                    reject=reject,
                )  # fmt: skip
                return writer.write(frames, mode, keys, effect_key)

    def load(self, connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> None:
        """Insert rows; what Firebird would cut is refused."""
        super().load(connection, table, exact_times(frame))

    def read_only(self, connection: sa.Connection, limit_s: int = QUERY_TIMEOUT_S) -> None:
        """A read-only transaction."""
        from firebird.driver import Isolation, TraAccessMode, tpb

        link: Any = connection.connection.dbapi_connection
        link.main_transaction.default_tpb = tpb(Isolation.SNAPSHOT, access_mode=TraAccessMode.READ, lock_timeout=LOCK_S)


def _seen(made: sa.Connection, _cursor: Any, _statement: str, _given: Any, context: Any, _many: bool) -> None:
    """Commit a table as soon as it is made or changed."""
    if context.isddl:
        made.connection.commit()


@contextmanager
def _tidy(target: FirebirdTarget) -> Iterator[FirebirdTarget]:
    """Drop what a write made for itself; what it made for good goes as well, if it fails."""
    try:
        yield target
    except BaseException:
        target.undo()
        raise
    finally:
        target.tidy()
