"""Profiles of stored frames: true figures, no surprise on odd columns, and honesty about what was looked at."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from headrace.infra import frame_profiles
from headrace.infra.frame_profiles import BINS, profiled
from headrace.sdk.types import Column, DataType


@pytest.fixture
def look(tmp_path: Path):
    def made(values: pl.Series, kind: DataType) -> dict:
        pl.DataFrame({"c": values}).write_parquet(tmp_path / "f.parquet")
        whole = profiled(tmp_path / "f.parquet", [Column(name="c", type=kind)], total=len(values))
        assert (whole["rows"], whole["whole"], whole["total_columns"]) == (len(values), True, 1)
        return dict(whole["columns"][0])

    return made


def test_numbers_have_range_mean_and_a_histogram_that_counts_all(look):
    found = look(pl.Series([None, *range(100)]), DataType.INTEGER)
    assert (found["null_count"], found["distinct_count"], found["min"], found["max"]) == (1, 100, 0, 99)
    assert found["mean"] == 49.5
    assert (len(found["histogram"]), sum(found["histogram"])) == (BINS, 100)
    assert max(found["histogram"]) - min(found["histogram"]) <= 1


def test_what_is_not_finite_is_counted_apart(look):
    found = look(pl.Series([1.0, 2.0, float("nan"), float("inf"), -1e308, 1e308]), DataType.FLOAT)
    assert (found["not_finite"], found["min"], found["max"], sum(found["histogram"])) == (2, -1e308, 1e308, 4)


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_is_no_error(look, values):
    found = look(pl.Series(values, dtype=pl.Float64), DataType.FLOAT)
    assert (found["distinct_count"], found["min"], found["histogram"]) == (0, None, None)


def test_equal_values_are_one_part(look):
    assert look(pl.Series([7, 7, 7]), DataType.INTEGER)["histogram"] == [3]


def test_texts_and_booleans_have_their_commonest_values(look):
    found = look(pl.Series(["b", "a", "b", None]), DataType.TEXT)
    assert found["commonest"][0] == {"value": "b", "count": 2}
    assert (found["min"], found["max"], found["null_count"]) == ("a", "b", 1)
    assert look(pl.Series([True, False, True]), DataType.BOOLEAN)["commonest"][0] == {"value": True, "count": 2}


def test_dates_have_a_histogram(look):
    found = look(pl.Series([date(2026, 1, 1), date(2026, 1, 31)]), DataType.DATE)
    assert (found["min"], found["max"], sum(found["histogram"])) == ("2026-01-01", "2026-01-31", 2)


def test_a_long_frame_says_how_much_of_it_was_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_profiles, "PROFILE_ROWS", 10)
    pl.DataFrame({"c": list(range(25))}).write_parquet(tmp_path / "f.parquet")
    found = profiled(tmp_path / "f.parquet", [Column(name="c", type=DataType.INTEGER)], total=25)
    assert (found["rows"], found["total_rows"], found["whole"], found["columns"][0]["max"]) == (10, 25, False, 9)
