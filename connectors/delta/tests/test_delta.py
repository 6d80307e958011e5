"""The contract on tables in a folder, and what only Delta Lake has to prove: commits, versions, its own folder."""

# ruff: noqa: DTZ001 - local times on purpose

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError, TransientError
from headrace.testing.connector import ConnectorContract
from headrace.testing.data import nasty_frame
from headrace.testing.readme_flow import execute_readme

CITIES = pl.DataFrame(
    {
        "id": [1, 2, 5], "name": ["Bern", "Oslo", "Riga"], "area": [51.6, None, 304.0],
        "price": pl.Series([Decimal("1.25"), None, Decimal("0.01")], dtype=pl.Decimal(9, 2)),
    }
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def lake(folder: Path) -> Iterator[Any]:
    connector = load_plugins(only=["connector-delta"], strict=True).registry.connector("delta").open({"root": "."})
    yield connector
    connector.close()


def rows(lake: Any, name: str = "t", **asked: int | str) -> list[dict[str, Any]]:
    from headrace_connector_delta import DeltaReadOptions

    options = DeltaReadOptions(**asked)  # type: ignore[arg-type]
    stream = lake.stream(name, options=options)
    return [row for frame in lake.read(stream, options=options) for row in frame.to_dicts()]


def add(lake: Any, values: dict[str, Any] | pl.DataFrame, **asked: Any) -> Any:
    return lake.write("t", iter([pl.DataFrame(values)]), **asked)


class TestDelta(ConnectorContract):
    connector_id = "delta"
    memory_bytes = (
        400 * 2**20
    )  # delta-rs holds all batches of a write, here pages of a mapped file, which the system takes back

    @pytest.fixture
    def config(self, folder: Path) -> dict[str, str]:
        for name in ("geo/cities", "year=2026/Odd.name-1+1"):
            (folder / name).mkdir(parents=True)
            write_deltalake(str(folder / name), CITIES)
        return {"root": "."}

    @pytest.fixture
    def bad_config(self, folder: Path) -> dict[str, str]:
        return {"root": "nowhere"}


def test_the_flow_of_the_readme(folder: Path) -> None:
    (folder / "lake/geo/cities").mkdir(parents=True)
    write_deltalake(str(folder / "lake/geo/cities"), CITIES)
    done = execute_readme(Path(__file__).parents[1], {"Lake": ("delta", {"root": "lake"})})
    assert done["kept"].rows_out == 2 or DeltaTable(folder / "lake/geo/large").version() == 0
    assert sorted(pl.read_delta(str(folder / "lake/geo/large"))["id"]) == [1, 5]


def test_a_repeat_of_an_effect_makes_no_commit(folder: Path, lake: Any) -> None:
    def never() -> Iterator[pl.DataFrame]:
        raise AssertionError("the rows were asked for")
        yield

    add(lake, {"id": [1, 2], "v": ["a", "b"]}, effect_key="first")
    done = add(lake, {"id": [2, 3], "v": ["c", "d"]}, mode="upsert", keys=["id"], effect_key="second")
    assert (done.written, done.updated) == (2, 1)
    add(lake, {"id": [9], "v": ["z"]}, effect_key="third")
    assert lake.write("t", never(), mode="upsert", keys=["id"], effect_key="second") == done
    assert DeltaTable(folder / "t").version() == 2
    assert sorted(row["v"] for row in rows(lake)) == ["a", "c", "d", "z"]


def test_the_same_effect_twice_at_once_is_one(lake: Any) -> None:
    """The second looks before the first has committed; its own commit is refused."""
    add(lake, {"id": [0]})

    def slow() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"id": [1]})
        add(lake, {"id": [1]}, effect_key="same")

    with pytest.raises(TransientError, match="tried again"):
        lake.write("t", slow(), effect_key="same")
    assert lake.write("t", iter([pl.DataFrame({"id": [1]})]), effect_key="same").written == 1
    assert sorted(row["id"] for row in rows(lake)) == [0, 1]


def test_an_upsert_does_not_undo_another_writer(lake: Any) -> None:
    add(lake, {"id": [1], "v": ["old"]})

    def slow() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"id": [1], "v": ["mine"]})
        add(lake, {"id": [1], "v": ["theirs"]}, mode="upsert", keys=["id"])

    with pytest.raises(TransientError, match="another writer"):
        lake.write("t", slow(), mode="upsert", keys=["id"])
    assert rows(lake) == [{"id": 1, "v": "theirs"}]


def test_two_that_make_a_table_at_once(lake: Any) -> None:
    def slow() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"id": [1]})
        add(lake, {"id": [2]})

    with pytest.raises((TransientError, ConfigError)):
        lake.write("t", slow())
    assert rows(lake) == [{"id": 2}]


def test_earlier_versions_are_read(folder: Path, lake: Any) -> None:
    add(lake, {"id": [1]})
    add(lake, {"name": ["x"]}, mode="overwrite")
    assert rows(lake) == [{"name": "x"}]
    assert rows(lake, version=0) == [{"id": 1}]
    first = folder / "t/_delta_log/00000000000000000000.json"
    made = next(json.loads(line)["commitInfo"] for line in first.read_text().splitlines() if "commitInfo" in line)
    moment = dt.datetime.fromtimestamp(made["timestamp"] / 1000, dt.UTC)
    assert rows(lake, at=(moment + dt.timedelta(milliseconds=1)).isoformat()) in ([{"id": 1}], [{"name": "x"}])
    with pytest.raises(ConfigError):
        rows(lake, version=7)
    for wrong in ({"at": "yesterday"}, {"at": "2026-01-01T00:00:00"}, {"at": "2026-01-01T00:00:00Z", "version": 1}):
        with pytest.raises(ConfigError) as caught:
            rows(lake, **wrong)
        assert caught.value.details["field"] == "options.at"


REFUSED = [
    (pl.Int32, [1], [2**40], DataError, "does not fit"),
    (pl.Int64, [1], [1.5], ConfigError, "no type keeps both"),
    (pl.Int64, [1], ["12"], ConfigError, "cast it before"),
    (pl.Decimal(4, 1), [Decimal("1.5")], [Decimal("1.25")], DataError, "would change"),
    (pl.Datetime("us"), [None], pl.Series([dt.datetime(2024, 1, 1)]).dt.replace_time_zone("UTC"), ConfigError, "zone"),
    (pl.Float32, [1.0], [0.1], DataError, "would change"),
    (pl.Datetime("us"), [None], pl.Series([1]).cast(pl.Datetime("ns")), DataError, "would change"),
]


@pytest.mark.parametrize(("kind", "held", "given", "error", "said"), REFUSED)
def test_no_value_changes_on_its_way(
    lake: Any, kind: Any, held: Any, given: Any, error: type[Exception], said: str
) -> None:
    add(lake, {"v": pl.Series(held, dtype=kind)})
    with pytest.raises(error, match=said):
        add(lake, {"v": given})
    assert [row["v"] for row in rows(lake)] == held


def test_types_that_delta_has_not(lake: Any) -> None:
    odd = {"u": pl.Series([2**64 - 1], dtype=pl.UInt64), "b": pl.Series([255], dtype=pl.UInt8),
           "n": pl.Series([None]), "l": [[1, None]], "s": [{"a": 1, "b": ["x"]}]}  # fmt: skip
    add(lake, odd)
    (back,) = rows(lake)
    assert back == {"u": Decimal(2**64 - 1), "b": 255, "n": None, "l": [1, None], "s": {"a": 1, "b": ["x"]}}
    for value in (dt.time(1), dt.timedelta(days=1)):
        with pytest.raises(ConfigError, match="cast it to text"):
            add(lake, {"v": [value]}, mode="overwrite")
    with pytest.raises(ConfigError, match="one name"):
        add(lake, {"a": [1], "A": [2]}, mode="overwrite")


def test_nasty_data_round_trips(lake: Any) -> None:
    frame = nasty_frame()
    kept = frame.select(name for name, kind in frame.schema.items() if kind not in {pl.Time, pl.Duration("us")})
    lake.write("t", iter([kept.head(1), kept.slice(1)]))
    lake.write("t", iter([kept.head(5)]), mode="upsert", keys=["id"])
    back = pl.concat(lake.read(lake.stream("t"))).sort("id")
    assert back.to_dicts() == kept.to_dicts()


def test_rows_with_fewer_columns(lake: Any) -> None:
    add(lake, {"id": [1], "a": ["x"], "b": [1]})
    add(lake, {"id": [2], "b": [2]})
    add(lake, {"id": [1], "b": [7]}, mode="upsert", keys=["id"])
    assert sorted(rows(lake), key=lambda row: row["id"]) == [{"id": 1, "a": "x", "b": 7}, {"id": 2, "a": None, "b": 2}]
    with pytest.raises(ConfigError, match="has no column 'late'"):
        add(lake, {"id": [3], "late": [1]})


@pytest.mark.parametrize(
    "path", ["../other", "/etc/passwd", "", "..", "a\0b", "link", "_hidden", "a/.b", "a b", "50%", "é", "[x]"]
)
def test_no_name_leads_out(folder: Path, lake: Any, path: str) -> None:
    (folder / "link").symlink_to(folder.parent)
    with pytest.raises(ConfigError):
        lake.write(path, iter([CITIES]))


@pytest.mark.parametrize("make", [lambda out: out.as_uri(), lambda out: f"../{out.name}", lambda out: out.name])
def test_a_log_does_not_lead_out(folder: Path, lake: Any, make: Callable[[Path], str]) -> None:
    """A log may name any file; those of other folders are not opened, nor what a link leads to."""
    add(lake, {"id": [1]})
    outside = folder / "outside.parquet"
    pl.DataFrame({"id": [666]}).write_parquet(outside)
    (folder / "t/outside.parquet").symlink_to(outside)
    log = folder / "t/_delta_log/00000000000000000000.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "add" in action:
            action["add"] |= {"path": make(outside), "size": outside.stat().st_size}
    log.write_text("\n".join(map(json.dumps, actions)))
    with pytest.raises((ConfigError, DataError), match=r"outside of its folder|is gone"):
        rows(lake)


def test_partitions_have_odd_values(folder: Path, lake: Any) -> None:
    frame = pl.DataFrame({"place": ["a b/c", "100%", "é=1", None, "plain"], "n": range(5)})
    write_deltalake(str(folder / "t"), frame, partition_by=["place"])
    assert sorted(rows(lake), key=lambda row: row["n"]) == frame.to_dicts()
    add(lake, {"place": ["100%", "new one"], "n": [1, 7]}, mode="upsert", keys=["n"])
    assert {row["n"] for row in rows(lake)} == {0, 1, 2, 3, 4, 7}


@pytest.mark.parametrize("spoil", [lambda body: b"", lambda body: body[:-9], lambda body: b"x" * len(body)])
def test_a_damaged_file_is_never_fewer_rows(folder: Path, lake: Any, spoil: Callable[[bytes], bytes]) -> None:
    add(lake, {"id": [1]})
    (file,) = (folder / "t").glob("*.parquet")
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(DataError, match=r"cut off|cannot be read"):
        rows(lake)


def test_a_damaged_log_is_one_sentence(folder: Path, lake: Any) -> None:
    add(lake, {"id": [1]})
    (folder / "t/_delta_log/00000000000000000000.json").write_text("{")
    with pytest.raises(ConfigError, match="the table 't'"):
        rows(lake)
