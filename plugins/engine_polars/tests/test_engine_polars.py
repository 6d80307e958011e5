"""Polars under the engine contract, and how its errors read."""

import pytest
from headrace.sdk import ConfigError, DataError
from headrace.sdk.frames import nw
from headrace.testing.data import big_frames
from headrace.testing.engine import EngineContract


class TestPolars(EngineContract):
    engine_id = "polars"

    def test_shared_work_is_sunk_together(self, engine, tmp_path):
        frame = engine.load(big_frames(1_000), tmp_path).with_columns(twice=nw.col("id") * 2)
        facts = engine.sink(
            {tmp_path / "all.parquet": frame, tmp_path / "few.parquet": frame.filter(nw.col("twice") < 10)}
        )
        assert [fact.rows for fact in facts.values()] == [1_000, 5]

    def test_missing_column_names_the_nearest(self, engine, tmp_path):
        frame = engine.load(big_frames(10), tmp_path).select("valeu")
        with pytest.raises(ConfigError, match="did you mean 'value'"):
            engine.count(frame)

    def test_bad_value_shows_a_sample(self, engine, tmp_path):
        frame = engine.load(big_frames(10), tmp_path).with_columns(nw.col("text").cast(nw.Int64))
        with pytest.raises(DataError, match="values of 'text' are not integer") as caught:
            list(engine.batches(frame))
        assert caught.value.details["column"] == "text"

    def test_sql_names_the_nearest_column(self, engine, tmp_path):
        with pytest.raises(ConfigError, match="did you mean 'value'"):
            engine.sql("SELECT valu FROM t", {"t": engine.load(big_frames(10), tmp_path)})
