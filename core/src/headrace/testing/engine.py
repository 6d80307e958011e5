"""The engine contract: subclass `EngineContract` and name the engine."""
# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from headrace.sdk import Column, ConfigError, DataType, Engine
from headrace.testing.data import big_frames, hostile_frame, nasty_frame
from headrace.testing.node import installed_engine

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (
    Column("flag", DataType.BOOLEAN),
    Column("i8", DataType.INTEGER, bits=8),
    Column("u32", DataType.INTEGER, bits=32, signed=False),
    Column("i64", DataType.INTEGER, bits=64),
    Column("f32", DataType.FLOAT, bits=32),
    Column("f64", DataType.FLOAT, bits=64),
    Column("dec", DataType.DECIMAL, precision=20, scale=4),
    Column("text", DataType.TEXT),
    Column("raw", DataType.BINARY),
    Column("day", DataType.DATE),
    Column("clock", DataType.TIME),
    Column("local", DataType.TIMESTAMP),
    Column("zoned", DataType.TIMESTAMP, zone="Europe/Oslo"),
    Column("span", DataType.DURATION),
    Column("many", DataType.LIST, inner=(Column("item", DataType.INTEGER, bits=64),)),
    Column("both", DataType.STRUCT, inner=(Column("a", DataType.TEXT), Column("b", DataType.FLOAT, bits=64))),
)


class EngineContract:
    """Rules for every engine."""

    engine_id: ClassVar[str]

    @pytest.fixture
    def engine(self) -> Engine:
        """The engine under test."""
        return installed_engine(self.engine_id)

    def test_logical_types_round_trip(self, engine: Engine, tmp_path: Path) -> None:
        assert engine.columns(engine.empty(SHAPE)) == SHAPE
        facts = engine.sink({tmp_path / "a.parquet": engine.empty(SHAPE)})[tmp_path / "a.parquet"]
        assert (facts.rows, facts.columns) == (0, SHAPE)
        assert engine.columns(engine.scan([tmp_path / "a.parquet"])) == SHAPE

    @pytest.mark.parametrize("make", [nasty_frame, hostile_frame])
    def test_nasty_data_round_trips(self, engine: Engine, tmp_path: Path, make: object) -> None:
        frame = make()  # type: ignore[operator]
        path = tmp_path / "odd [name] *.parquet"
        facts = engine.sink({path: engine.load(iter([frame]), tmp_path)})[path]
        assert facts.rows == frame.height
        assert facts.bytes == path.stat().st_size
        back = list(engine.batches(engine.scan([path])))
        assert back[0].vstack(back[1]).equals(frame) if len(back) == 2 else back[0].equals(frame)

    def test_batches_keep_order_and_bound(self, engine: Engine, tmp_path: Path) -> None:
        frame = engine.load(big_frames(200_000), tmp_path)
        expected = 0
        for batch in engine.batches(frame, batch_rows=30_000):
            assert 0 < batch.height <= 30_000
            assert batch["id"][0] == expected
            expected += batch.height
        assert expected == 200_000 == engine.count(frame)

    def test_empty_frame_gives_its_schema(self, engine: Engine) -> None:
        (only,) = engine.batches(engine.empty(SHAPE))
        assert only.height == 0
        assert only.columns == [column.name for column in SHAPE]

    def test_abandoned_batches(self, engine: Engine, tmp_path: Path) -> None:
        frame = engine.load(big_frames(200_000), tmp_path)
        stream = engine.batches(frame, batch_rows=10_000)
        next(iter(stream))
        stream.close()  # type: ignore[attr-defined]
        assert engine.count(frame) == 200_000

    def test_load_spills(self, engine: Engine, tmp_path: Path) -> None:
        frame = engine.load(big_frames(2_500_000), tmp_path)
        assert list(tmp_path.iterdir())
        assert engine.count(frame) == 2_500_000

    def test_sink_is_whole_or_not_there(self, engine: Engine, tmp_path: Path) -> None:
        import narwhals as nw

        good = engine.load(big_frames(1_000), tmp_path)
        bad = good.with_columns(nw.col("text").cast(nw.Int64))
        with pytest.raises(Exception, match="text"):
            engine.sink({tmp_path / "good.parquet": good, tmp_path / "bad.parquet": bad})
        assert not list(tmp_path.glob("*.parquet"))
        assert not list(tmp_path.glob(".*.part"))

    def test_sql(self, engine: Engine, tmp_path: Path) -> None:
        frame = engine.load(big_frames(10), tmp_path)
        made = engine.sql(
            'SELECT "group", count(*) AS n FROM t WHERE id < 3 GROUP BY "group" ORDER BY "group"', {"t": frame}
        )
        assert [row for batch in engine.batches(made) for row in batch.iter_rows()] == [(0, 1), (1, 1), (2, 1)]

    @pytest.mark.parametrize(
        "query",
        [
            "SELECT * FROM read_csv('/etc/hostname')",
            "SELECT * FROM read_parquet('x')",
            "SELECT * FROM read_ipc('x')",
            "SELECT * FROM read_json('x')",
            "SELECT * FROM scan_csv('x')",
            "SELECT read_csv('/etc/hostname')",
            "SELECT * FROM '/etc/hostname'",
            "CREATE TABLE x AS SELECT 1",
            "DROP TABLE t",
            "SELECT 1; DROP TABLE t",
            "SHOW TABLES",
            "DELETE FROM t",
            "TRUNCATE TABLE t",
            "SELECT * FROM other",
            "SELECT * FROM a.t",
            "EXPLAIN SELECT 1",
            "SELECT * FROM t, read_csv('x')",
            "SELECT * FROM t LATERAL JOIN read_csv('x')",
            "SELECT id FROM t WHERE id IN (SELECT a FROM read_csv('x'))",
            "WITH t2 AS (SELECT * FROM read_csv('x')) SELECT * FROM t2",
            "INSERT INTO t VALUES (1)",
            "SELECT * INTO x FROM t",
        ],
    )
    def test_sql_refuses(self, engine: Engine, tmp_path: Path, query: str) -> None:
        with pytest.raises(ConfigError):
            engine.sql(query, {"t": engine.load(big_frames(10), tmp_path)})
