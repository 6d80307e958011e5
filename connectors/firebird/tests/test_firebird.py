"""The contract against a Firebird server."""

from __future__ import annotations

import datetime as dt
import gc
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from headrace.plugins.manager import load_plugins
from headrace.sdk import DataError
from headrace.testing.connector import ConnectorContract
from headrace.testing.firebird_server import with_cities

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """The driver leaves cursors of a cut link to the collector, and warns of each."""
    yield
    if "firebird.driver" in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


class TestFirebird(ConnectorContract):
    connector_id = "firebird"
    skip_reasons = {
        "test_time_zones_keep_the_instant": "Firebird keeps times to 0.1 ms; finer ones are refused, see below",
    }

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return with_cities()

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}


@pytest.fixture
def shop() -> Any:
    entry = load_plugins(only=["connector-firebird"], strict=True).registry.connector("firebird")
    with closing(entry.open(with_cities())) as connector:
        yield connector


def test_times_are_kept_or_refused(shop: Any) -> None:
    kept = [dt.datetime(2024, 3, 31, 0, 59, 59, 999_900, dt.UTC), None]
    frame = pl.DataFrame(
        {"id": [1, 2], "at": pl.Series(kept, dtype=pl.Datetime("us", "UTC")), "time": [dt.time(1), None]}
    )
    shop.write("t", iter([frame.with_columns(pl.col("at").dt.convert_time_zone("Europe/Oslo"))]))
    (back,) = shop.read(shop.stream("t"))
    assert back["at"].to_list() == [kept[0] and kept[0].replace(tzinfo=None), None]
    finer = frame.with_columns(pl.col("at") + pl.duration(microseconds=1))
    with pytest.raises(DataError, match="finer than a ten-thousandth"):
        shop.write("t", iter([frame, finer]))
    assert sum(part.height for part in shop.read(shop.stream("t"))) == 2


def test_a_failed_write_leaves_no_table_and_no_stage(shop: Any) -> None:
    def failing() -> Any:
        yield pl.DataFrame({"id": [1]})
        raise DataError("the source failed")

    before = [stream.name for stream in shop.discover()]
    for mode in ("append", "upsert", "overwrite"):
        with pytest.raises(DataError, match="the source failed"):
            shop.write("new", failing(), mode=mode, keys=["id"] if mode == "upsert" else [])
        assert [stream.name for stream in shop.discover()] == before
    left = sa.text("select count(*) from rdb$relations where lower(rdb$relation_name) like 'headrace%'")
    with shop.engine().connect() as connection:
        assert connection.scalar(left) == 0


def test_an_overwrite_takes_other_columns(shop: Any) -> None:
    shop.write("t", iter([pl.DataFrame({"id": [1, 2]})]), effect_key="a")
    shop.write("t", iter([pl.DataFrame({"name": ["x"]})]), mode="overwrite", effect_key="b")
    assert shop.write("t", iter([pl.DataFrame({"name": ["x"]})]), mode="overwrite", effect_key="b").written == 1
    assert [frame.to_dicts() for frame in shop.read(shop.stream("t"))] == [[{"name": "x"}]]


def test_large_numbers_go_through(shop: Any) -> None:
    for _ in range(2):  # into a new table, then into one that is reflected
        shop.write("t", iter([pl.DataFrame({"id": [2**62, -(2**62)]})]))
    (back,) = shop.read(shop.stream("t"), after=2**61)
    assert back["id"].to_list() == [2**62, 2**62]


def test_a_query_changes_nothing(shop: Any) -> None:
    from headrace.kits.sql.errors import translated

    with translated("here"), shop.engine().connect() as connection:
        shop.read_only(connection)
        with pytest.raises(Exception, match="read-only transaction"):
            connection.exec_driver_sql("delete from city")
    assert [
        frame["n"].to_list() for frame in shop.query("select count(*) as n from city where id > :low", {"low": 1})
    ] == [[2]]
