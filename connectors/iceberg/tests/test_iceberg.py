"""The contract on tables of a catalog in a folder, and what only Iceberg has to prove."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError
from headrace.sdk.tables import TableOptions
from headrace.testing.lakes import CITIES, BucketRules, LakeContract, keys_of, new_bucket
from headrace.testing.readme_flow import execute_readme


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    return tmp_path


def made(root: Path) -> Any:
    """A table that PyIceberg itself has made."""
    from pyiceberg.catalog.sql import SqlCatalog

    root.mkdir(exist_ok=True)
    catalog = SqlCatalog("default", uri=f"sqlite:///{root}/catalog.db", warehouse=root.as_uri())
    catalog.create_namespace("geo")
    table = catalog.create_table("geo.cities", CITIES.to_arrow().schema)
    table.append(CITIES.to_arrow())
    catalog.close()
    return table


@pytest.fixture
def lake(folder: Path) -> Iterator[Any]:
    connector = load_plugins(only=["connector-iceberg"], strict=True).registry.connector("iceberg").open({"root": "."})
    yield connector
    connector.close()


def rows(lake: Any, **asked: int) -> list[dict[str, Any]]:
    from headrace_connector_iceberg import IcebergReadOptions

    options = IcebergReadOptions(**asked)
    return [row for frame in lake.read(lake.stream("s.t"), options=options) for row in frame.to_dicts()]


def add(lake: Any, values: dict[str, Any] | pl.DataFrame, *, drift: Any = "freeze", **asked: Any) -> Any:
    return lake.write("s.t", iter([pl.DataFrame(values)]), options=TableOptions(drift=drift), **asked)


def snapshots(lake: Any) -> list[int]:
    return [one.snapshot_id for one in lake._table("s.t").snapshots()]


class TestIceberg(LakeContract):
    connector_id = "iceberg"
    target = "made.contract_target"

    @pytest.fixture
    def config(self, folder: Path) -> dict[str, str]:
        made(folder)
        return {"root": "."}

    @pytest.fixture
    def bad_config(self, folder: Path) -> dict[str, str]:
        return {"root": "nowhere"}


class InABucket:
    """One table that was written before."""

    @pytest.fixture
    def config(self, folder: Path) -> dict[str, Any]:
        config = new_bucket()
        (folder / config["root"]).mkdir()
        lake = opened(config)
        lake.write("geo.cities", iter([CITIES]))
        lake.close()
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "bucket": "no-such-bucket", "secret_key": "s3cret-and-wrong"}


@pytest.mark.slow
class TestIcebergContractInABucket(InABucket, LakeContract):
    """Slow: hundreds of requests for each rule."""

    connector_id = "iceberg"
    target = "made.contract_target"


class TestIcebergInABucket(InABucket, BucketRules):
    connector_id = "iceberg"
    target = "made.contract_target"

    def test_another_program_reads_and_adds(self, connector: Any, config: dict[str, Any], folder: Path) -> None:
        """PyIceberg by itself, over a client of its own."""
        from pyiceberg.catalog.sql import SqlCatalog

        catalog = SqlCatalog(
            "default", uri=f"sqlite:///{folder}/{config['root']}/catalog.db",
            **{"s3.endpoint": config["endpoint"], "s3.access-key-id": config["access_key"],
               "s3.secret-access-key": config["secret_key"], "s3.region": "us-east-1"},
        )  # fmt: skip
        table = catalog.load_table("geo.cities")
        assert pl.DataFrame(table.scan().to_arrow()).sort("id").equals(CITIES)
        table.append(CITIES.head(1).to_arrow())
        catalog.close()
        assert sum(frame.height for frame in connector.read(connector.stream("geo.cities"))) == 4

    def test_a_write_that_fails_leaves_no_object(self, connector: Any, config: dict[str, Any]) -> None:
        before = keys_of(config["bucket"])

        def failing() -> Iterator[pl.DataFrame]:
            yield CITIES
            raise DataError("the source broke")

        with pytest.raises(DataError, match="broke"):
            connector.write("geo.cities", failing())
        assert keys_of(config["bucket"]) == before


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-iceberg"], strict=True).registry.connector("iceberg").open(config)


def test_the_flow_of_the_readme(folder: Path) -> None:
    made(folder / "lake")
    execute_readme(Path(__file__).parents[1], {"Lake": ("iceberg", {"root": "lake"})})
    entry = load_plugins(only=["connector-iceberg"], strict=True).registry.connector("iceberg")
    lake = entry.open({"root": "lake"})
    (kept,) = lake.read(lake.stream("geo.large"))
    lake.close()
    assert sorted(kept["id"]) == [1, 5]


def test_earlier_snapshots_and_what_was_appended_behind_them(lake: Any) -> None:
    add(lake, {"id": [1]})
    (first,) = snapshots(lake)
    add(lake, {"id": [2, 3]})
    second = snapshots(lake)[-1]
    add(lake, {"id": [4]})
    assert rows(lake, snapshot=first) == [{"id": 1}]
    assert sorted(row["id"] for row in rows(lake, appended_after=first)) == [2, 3, 4]
    assert [row["id"] for row in rows(lake, appended_after=first, snapshot=second)] == [2, 3]
    assert rows(lake, appended_after=snapshots(lake)[-1]) == []
    for wrong in ({"snapshot": 7}, {"appended_after": 7}):
        with pytest.raises(ConfigError):
            rows(lake, **wrong)


def test_a_table_evolves_if_it_may(lake: Any) -> None:
    add(lake, pl.DataFrame({"id": [1], "small": [7]}, schema={"id": pl.Int64, "small": pl.Int16}))
    more = {"id": [2], "small": [2**40], "late": ["x"]}
    for frame in (more, {"id": [2], "late": ["x"]}):
        with pytest.raises(ConfigError, match="late"):
            add(lake, frame)
    add(lake, more, drift="evolve")
    assert sorted(rows(lake), key=lambda row: row["id"]) == [
        {"id": 1, "small": 7, "late": None}, {"id": 2, "small": 2**40, "late": "x"},
    ]  # fmt: skip
    with pytest.raises(ConfigError):
        add(lake, {"id": ["three"]}, drift="evolve")


def test_an_overwrite_brings_its_columns(lake: Any) -> None:
    add(lake, {"id": [1], "old": ["x"]})
    before = snapshots(lake)[-1]
    add(lake, {"id": ["one"], "new": [1.5]}, mode="overwrite")
    assert rows(lake) == [{"new": 1.5, "id": "one"}] or rows(lake) == [{"id": "one", "new": 1.5}]
    assert snapshots(lake)[-1] != before


@pytest.mark.parametrize(
    ("kind", "first", "later", "error", "said"),
    [
        (pl.Int32, [1], [2**40], DataError, "does not fit"), (pl.Int64, [1], ["12"], ConfigError, "cast it before"),
        (pl.UInt64, [2**64 - 1], [0.5], ConfigError, "no type keeps both"),
    ],
)  # fmt: skip
def test_values_are_kept_or_refused(lake: Any, kind: Any, first: Any, later: Any, error: Any, said: str) -> None:
    add(lake, pl.DataFrame({"v": first}, schema={"v": kind}))
    assert [int(row["v"]) for row in rows(lake)] == first
    with pytest.raises(error, match=said):
        add(lake, {"v": later})
    assert len(rows(lake)) == 1


def test_a_partitioned_table_is_written(folder: Path, lake: Any) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/catalog.db", warehouse=folder.as_uri())
    catalog.create_namespace("s")
    table = catalog.create_table("s.t", pl.DataFrame({"id": [1], "g": ["a"]}).to_arrow().schema)
    with table.update_spec() as spec:
        spec.add_identity("g")
    add(lake, {"id": [1, 2], "g": ["a", "b"]})
    done = add(lake, {"id": [2, 3], "g": ["c", "c"]}, mode="upsert", keys=["id"])
    catalog.close()
    assert (done.written, done.updated) == (2, 1)
    assert sorted((row["id"], row["g"]) for row in rows(lake)) == [(1, "a"), (2, "c"), (3, "c")]


def test_files_outside_of_the_folder_are_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, lake: Any
) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/catalog.db", warehouse=folder.as_uri())
    catalog.create_namespace("s")
    catalog.create_table("s.t", pl.DataFrame({"id": [1]}).to_arrow().schema, location=elsewhere.as_uri())
    catalog.close()
    with pytest.raises(ConfigError, match="outside of its folder"):
        lake.stream("s.t")
    for name in ("t", "", "s.", ".t"):
        with pytest.raises(ConfigError, match="namespace"):
            lake.stream(name)


def test_the_size_of_files_is_of_one_write_only(lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a new table, of one that is there, and of one with a size of its own."""
    monkeypatch.setattr("headrace_connector_iceberg.commits.FILE_BYTES", 1)
    monkeypatch.setattr("headrace.kits.lakes.stage.BATCH_BYTES", 1)
    name = "write.target-file-size-bytes"
    for own in ("", "", "9"):
        if own:
            with lake._table("s.t").transaction() as transaction:
                transaction.set_properties({name: own})
        before = len(list(lake._table("s.t").scan().plan_files())) if lake.discover() else 0
        lake.write("s.t", iter([pl.DataFrame({"id": [1]}), pl.DataFrame({"id": [2]})]))
        table = lake._table("s.t")
        assert table.properties.get(name, "") == own
        assert len(list(table.scan().plan_files())) - before == 2, "a file for each batch"
