"""Tables of the tiny connector: merge, history, drift, plans and pages; small enough to be read as their definition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import polars as pl
from headrace.kits.drift import changes, missing, refused, widened
from headrace.kits.sieve import Sieve
from headrace.sdk import Change, Column, ConfigError, Connector, DataError, DataType, Page
from headrace.sdk.connectors import WriteResult
from headrace.sdk.tables import QUARANTINE, VALID_FROM, VALID_TO, TableOptions
from msgspec import structs

from .values import encoded, quoted

VERSION = (Column(VALID_FROM, DataType.TIMESTAMP, zone="UTC"), Column(VALID_TO, DataType.TIMESTAMP, zone="UTC"))


class Tables(Connector[Any]):
    """What tables add; `session`, `fill` and `judge` are the connector's."""

    def kept(self, db: Any, name: str) -> list[Column] | None:
        """Columns of a table, or None."""
        found = db.execute("select columns from _streams where name = ?", [name]).fetchall()
        return msgspec.json.decode(found[0][0], type=list[Column]) if found else None

    def shape(self, db: Any, name: str, columns: Sequence[Column]) -> None:
        """Note the columns of a table."""
        text = msgspec.json.encode(list(columns)).decode()
        db.execute("insert or replace into _streams values (?, ?)", [name, text])

    def same(self, frames: Iterator[pl.DataFrame], schema: Any) -> Iterator[pl.DataFrame]:
        """The frames, all of one shape."""
        for frame in frames:
            if frame.schema != schema:
                raise DataError(f"a late column: {set(frame.columns) ^ set(schema)}; nothing was written")
            yield frame

    def adapt(self, db: Any, name: str, given: Sequence[Column], options: TableOptions) -> list[Column]:
        """Columns of the table that is there, after it evolved."""
        there = self.kept(db, name) or []
        refused(name, there, given, options.drift)
        if options.drift == "evolve":
            wide, added = {column.name: column for column in widened(there, given)}, missing(there, given)
            for column in added:
                db.execute(f"alter table {quoted(name)} add column {quoted(column.name)}")
            there = [*(wide.get(column.name, column) for column in there), *added]
            self.shape(db, name, there)
        return there

    def sifted(
        self, db: Any, name: str, frames: Iterator[pl.DataFrame], sieve: Sieve, mark: str, counts: dict[str, int],
        let_go: Any,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """The frames without what does not fit."""
        for frame in frames:
            found = sieve.sift(frame.drop(mark, strict=False), frame.select(mark) if mark else None)
            counts["rejected"] += len(found.rejects)
            counts["discarded"] += found.discarded
            if found.rejects:
                let_go(found.rejects)
            yield found.frame

    def quarantine(self, db: Any, name: str, rejects: Sequence[Any]) -> None:
        """Keep rows beside the table."""
        beside = f"{name}{QUARANTINE}"
        frame = pl.DataFrame(
            {
                "at": [dt.datetime.now(dt.UTC)] * len(rejects), "reason": [r.reason for r in rejects],
                "column_name": [r.column for r in rejects], "row_data": [r.data for r in rejects],
            }
        )  # fmt: skip
        self.put(db, beside, iter([frame]), frame.schema, "append", (), TableOptions(), None)

    def put(
        self, db: Any, name: str, frames: Iterator[pl.DataFrame], schema: Any, mode: str, keys: Sequence[str],
        options: TableOptions, reject: Any,
    ) -> WriteResult:  # fmt: skip
        """Bring frames into a table that is made or adapted first."""
        from headrace.sdk.frames import from_polars

        mark = options.deletes if mode in {"merge", "scd2"} else ""
        given = [column for column in from_polars(schema) if column.name != mark]
        counts = {"rejected": 0, "discarded": 0}
        frames = self.same(frames, schema)
        if mode != "overwrite" and (there := self.kept(db, name)) is not None:
            there = self.adapt(db, name, given, options)
            if options.drift not in {"freeze", "evolve"}:
                beside = options.drift == "quarantine"
                let_go = (lambda rejects: self.quarantine(db, name, rejects)) if beside else reject or (lambda _: None)
                sieve = Sieve(there, given, values=options.drift == "discard_value")
                frames = self.sifted(db, name, frames, sieve, mark, counts, let_go)
        else:
            self.target(db, name, (*given, *(VERSION if mode == "scd2" else ())), mode)
        if mode in {"merge", "scd2"}:
            whole = pl.concat(frames)
            marks = whole[mark].fill_null(value=False) if mark else pl.Series([False] * whole.height)
            work = self.merge if mode == "merge" else self.history
            result = work(db, name, whole.drop(mark, strict=False), marks, keys, bool(mark))
        else:
            result = self.fill(db, name, frames, mode, keys)
        return structs.replace(result, **counts)

    def merge(
        self, db: Any, name: str, rows: pl.DataFrame, marks: pl.Series, keys: Sequence[str], marked: bool
    ) -> WriteResult:
        """An upsert that deletes what is marked or did not come."""
        if not marked and not rows.height:
            raise DataError("no rows came, and a merge would delete all; nothing was written")
        came = set(encoded(rows.filter(marks) if marked else rows).select(keys).iter_rows())
        named = ", ".join(map(quoted, keys))
        there = set(map(tuple, db.execute(f"select {named} from {quoted(name)}").fetchall()))
        gone = there & came if marked else there - came
        for key in gone:
            db.execute(f"delete from {quoted(name)} where {' and '.join(f'{quoted(k)} = ?' for k in keys)}", list(key))
        done = self.fill(db, name, iter([rows.filter(~marks)]), "upsert", keys)
        return WriteResult(rows.height, done.updated, deleted=len(gone))

    def history(
        self, db: Any, name: str, rows: pl.DataFrame, marks: pl.Series, keys: Sequence[str], marked: bool
    ) -> WriteResult:
        """End versions that changed or are marked, and begin new ones."""
        now, sent = self.moment(), encoded(rows)
        named = ", ".join(map(quoted, sent.columns))
        found = db.execute(f"select {named} from {quoted(name)} where {VALID_TO} is null").fetchall()
        at = [sent.columns.index(key) for key in keys]
        current = {tuple(row[i] for i in at): tuple(row) for row in found}
        updated = deleted = 0
        for row, gone in zip(sent.iter_rows(), marks, strict=True):
            key = tuple(row[i] for i in at)
            ends = key in current and (gone or self.differs(current[key], row))
            if ends:
                where = " and ".join(f"{quoted(k)} = ?" for k in keys)
                db.execute(
                    f"update {quoted(name)} set {VALID_TO} = ? where {where} and {VALID_TO} is null", [now, *key]
                )
                updated, deleted = updated + (not gone), deleted + gone
            if not gone and (ends or key not in current):
                places = ", ".join("?" * (sent.width + 1))
                db.execute(f"insert into {quoted(name)} ({named}, {VALID_FROM}) values ({places})", [*row, now])
        return WriteResult(rows.height, updated, deleted=deleted)

    def moment(self) -> str:
        """When versions change."""
        return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")

    def differs(self, old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
        """Whether a version ends."""
        return old != new

    def plan(self, name, columns, *, mode="append", keys=(), options=None):  # type: ignore[no-untyped-def]
        with self.session() as db:
            there = self.kept(db, name)
            if there is None:
                return [Change(kind="create", text=f"'{name}' is created")]
            ((rows,),) = db.execute(f"select count(*) from {quoted(name)}").fetchall()
        drift = (options or TableOptions()).drift
        found = changes(name, there, columns, mode=mode, drift=drift, rows=rows)
        if mode == "merge":
            found.append(Change(kind="delete", text=f"rows of '{name}' are deleted", rows=rows, loses=True))
        return found

    def pages(self, stream, *, columns=None, cursor="", state=None, batch_rows=50_000):  # type: ignore[no-untyped-def]
        if not stream.primary_key:
            raise ConfigError(f"'{stream.name}' has no primary key; read it whole")
        by, state = list(stream.primary_key), state or {}
        if state.get("by", by) != by:
            raise ConfigError("the state is of another order; start anew")
        names = columns or [column.name for column in stream.columns]
        every = [row for frame in self.read(stream) for row in frame.iter_rows(named=True)]
        every.sort(key=lambda row: row[by[0]])
        left = [row for row in every if self.behind(row[by[0]], state)]
        schema = pl.DataFrame(every).schema
        for start in range(0, len(left), batch_rows):
            part = left[start : start + batch_rows]
            yield Page(pl.DataFrame(part, schema).select(names), {**state, "by": by, "after": [part[-1][by[0]]]})

    def behind(self, key: Any, state: Any) -> bool:
        """Whether a row is still to come."""
        return ("after" not in state or key > state["after"][0]) and ("until" not in state or key <= state["until"])

    def partitions(self, stream, count):  # type: ignore[no-untyped-def]
        by = list(stream.primary_key)
        keys = sorted(key for frame in self.read(stream, columns=by) for (key,) in frame.iter_rows())
        size = -(-len(keys) // count)
        ends = keys[size - 1 : -1 : size]
        edges = [{}, *({"after": [end]} for end in ends)]
        return [{"by": by, **edge, **({"until": end} if end is not None else {})}
                for edge, end in zip(edges, [*ends, None], strict=True)]  # fmt: skip
