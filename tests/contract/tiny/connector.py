"""The work: each call opens the file, so that nothing outlives it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from headrace.sdk import AuthError, Column, ConfigError, DataError, FileFacts, Secret, Stream, TransientError
from headrace.sdk.connectors import WriteResult
from headrace.sdk.frames import polars_schema
from headrace.sdk.narrowing import Narrowing
from headrace.sdk.tables import TableOptions
from msgspec import structs

from . import City, TinyConfig
from .server import Remote
from .tables import Tables
from .values import decoded, encoded, quoted

SETUP = (
    "create table _streams (name text primary key, columns text)",
    "create table _effects (key text primary key, written integer, updated integer, rejected, deleted, discarded)",
    "create table _password (word text)",
)


def prepare(path: Path, password: str, frames: dict[str, pl.DataFrame]) -> None:
    """Make a file with these streams."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in SETUP:
            db.execute(statement)
        db.execute("insert into _password values (?)", [password])
    connector = TinyConnector(TinyConfig(path=str(path), password=Secret(password)))
    for name, frame in frames.items():
        connector.write(name, iter([frame]))


class TinyConnector(Tables):
    """One file."""

    keys: tuple[str, ...] = ("id",)
    cursors: tuple[str, ...] = ("id",)

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A database of its own for one call."""
        config = self.config
        if not config.port and not Path(config.path).exists():
            raise ConfigError(f"the file '{config.path}' does not exist; correct the path", field="path")
        try:
            with closing(self.open()) as db:
                yield db
        except OSError as error:
            raise TransientError("the tiny server hung up; it is tried again", detail=repr(error)) from error

    def open(self) -> Any:
        """The file, or the server before it."""
        config = self.config
        if config.port:
            return Remote(config.host, config.port)
        db = sqlite3.connect(config.path, isolation_level=None, timeout=0.1)
        db.execute("pragma synchronous = off")
        return db

    def check(self) -> None:
        with self.session() as db:
            ((word,),) = db.execute("select word from _password").fetchall()
        if word != self.config.password.reveal():
            raise AuthError("the tiny file refuses the password; correct it in the connection")

    def discover(self) -> Sequence[Stream]:
        with self.session() as db:
            found = db.execute("select name, columns from _streams order by name").fetchall()
        return [self.made(name, msgspec.json.decode(text, type=tuple[Column, ...])) for name, text in found]

    def made(self, name: str, columns: tuple[Column, ...]) -> Stream:
        """A stream; only `city` has a key."""
        keys, cursors = (self.keys, self.cursors) if name == "city" else ((), ())
        return Stream(name=name, columns=columns, primary_key=keys, cursors=cursors)

    def read(self, stream, *, columns=None, after=None, batch_rows=50_000, options=None, reject=None):  # type: ignore[no-untyped-def]
        wanted = [stream.column(name) for name in columns or [c.name for c in stream.columns]]
        named = ", ".join(quoted(column.name) for column in wanted)
        sql, params = f"select {named} from {quoted(stream.name)} order by rowid", []
        if after is not None:
            cursor = quoted(stream.cursors[0])
            sql, params = f"select {named} from {quoted(stream.name)} where {cursor} > ? order by {cursor}", [after]
        with self.session() as db:
            rows = db.execute(sql, params)
            while part := rows.fetchmany(batch_rows):
                yield frame_of(part, wanted)

    def write(self, name, frames, *, mode="append", keys=(), effect_key="", options=None, reject=None):  # type: ignore[no-untyped-def]
        with self.session() as db:
            db.execute("begin immediate")
            done = self.done(db, effect_key)
            first = next(frames, None) if done is None else None
            if first is None:
                return done or WriteResult(0)
            asked = options or TableOptions()
            result = self.put(db, name, chain([first], frames), first.schema, mode, keys, asked, reject)
            if effect_key:
                db.execute("insert into _effects values (?, ?, ?, ?, ?, ?)", [effect_key, *structs.astuple(result)])
            db.execute("commit")  # closing without it rolls back
            return result

    def done(self, db: Any, effect_key: str) -> WriteResult | None:
        """What an earlier effect did."""
        rows = db.execute(
            "select written, updated, rejected, deleted, discarded from _effects where key = ?", [effect_key]
        ).fetchall()
        return WriteResult(*rows[0]) if effect_key and rows else None

    def target(self, db: Any, name: str, columns: tuple[Column, ...], mode: str) -> None:
        """Make the table, anew if it is overwritten."""
        if mode == "overwrite":
            db.execute(f"drop table if exists {quoted(name)}")
            db.execute("delete from _streams where name = ?", [name])
        if not db.execute("select 1 from _streams where name = ?", [name]).fetchall():
            db.execute(f"create table {quoted(name)} ({', '.join(quoted(column.name) for column in columns)})")
            self.shape(db, name, columns)

    def fill(self, db: Any, name: str, frames: Iterator[pl.DataFrame], mode: str, keys: Sequence[str]) -> WriteResult:
        """Put the rows in."""
        written = updated = 0
        seen: set[tuple[Any, ...]] = set()
        for frame in frames:
            sent = encoded(frame)
            names, marks = ", ".join(map(quoted, sent.columns)), ", ".join("?" * sent.width)
            if mode != "upsert" and isinstance(db, sqlite3.Connection):
                db.executemany(f"insert into {quoted(name)} ({names}) values ({marks})", sent.iter_rows())
                written += frame.height
                continue
            for row in sent.iter_rows():
                if mode == "upsert":
                    key = tuple(row[sent.columns.index(name)] for name in keys)
                    self.judge(key, keys, seen)
                    same = " and ".join(f"{quoted(name)} = ?" for name in keys)
                    updated += len(db.execute(f"delete from {quoted(name)} where {same} returning 1", key).fetchall())
                db.execute(f"insert into {quoted(name)} ({names}) values ({marks})", row)
            written += frame.height
        return WriteResult(written, updated)

    def judge(self, key: tuple[Any, ...], names: Sequence[str], seen: set[tuple[Any, ...]]) -> None:
        """Refuse a key that is empty or there already."""
        if None in key:
            raise DataError("1 rows have no value in the key; nothing was written")
        if key in seen:
            said = ", ".join(f"{name}={value}" for name, value in zip(names, key, strict=True))
            raise DataError(f"2 rows have the same key ({said}); nothing was written")
        seen.add(key)

    def query(self, sql, params=None):  # type: ignore[no-untyped-def]
        from headrace.sdk.sqlpolicy import check_select

        with self.session() as db:
            rows = db.execute(check_select(sql, dialect="sqlite").sql).fetchall()
        if rows:
            yield pl.DataFrame(rows, orient="row")

    def scan(self, stream, *, options=None, reject=None, scratch=None):  # type: ignore[no-untyped-def]
        return pl.concat([pl.DataFrame(schema=polars_schema(stream.columns)), *self.read(stream)]).lazy()

    def fingerprint(self, stream: str, *, options: Any = None) -> str:
        found = Path(self.config.path).stat()
        return f"{stream} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"

    def files(self, pattern: str) -> Iterator[FileFacts]:
        at = datetime.fromtimestamp(Path(self.config.path).stat().st_mtime, UTC)
        for stream in TinyConnector.discover(self):
            if fnmatch(stream.name, pattern):
                yield FileFacts(path=stream.name, size_bytes=len(stream.name), modified_at=at)

    def choices(self, field: str) -> list[str]:
        return sorted(map(str, Path(self.config.path).parent.glob("*.db")))

    def narrowed(self, stream: Stream, needed: Narrowing, *, batch_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        left = needed.rows if needed.rows and not needed.where else 1 << 60
        for frame in TinyConnector.read(self, stream, columns=needed.columns, batch_rows=batch_rows):
            if left > 0:
                yield frame.head(left)
            left -= frame.height

    def relation(self, stream: Stream) -> Any:
        return Relation(pl.concat(self.read(stream)))

    def act(self, action, value, *, key):  # type: ignore[no-untyped-def]
        frame = pl.DataFrame({"name": [value.name]})
        self.write("added", iter([frame]), effect_key=f"{action}:{key}")
        return City(value.name)

    def close(self) -> None:
        """Nothing stays open."""


class Relation:
    """What the rule asks of an ibis table."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def to_polars(self) -> pl.DataFrame:
        """The rows."""
        return self._frame


def frame_of(rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> pl.DataFrame:
    """Rows of the file as a frame."""
    raw = zip(*rows, strict=True)
    return pl.DataFrame([decoded(column, list(values)) for column, values in zip(columns, raw, strict=True)])
