"""The contract on a file, and what only DuckDB has to prove: exact types, nothing but its own file, its turn."""

# ruff: noqa: DTZ001 - local times on purpose

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError, TransientError
from headrace.testing.connector import ConnectorContract
from headrace.testing.data import hostile_frame, nasty_frame


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    return tmp_path


def sql(path: Path, *statements: str) -> list[Any]:
    with duckdb.connect(path) as db:
        return [db.execute(statement).fetchall() for statement in statements][-1]


@pytest.fixture
def open_() -> Iterator[Callable[..., Any]]:
    opened: list[Any] = []

    def open_one(path: str = "t.duckdb") -> Any:
        entry = load_plugins(only=["connector-duckdb"], strict=True).registry.connector("duckdb")
        opened.append(entry.open({"path": path}))
        return opened[-1]

    yield open_one
    for connector in opened:
        connector.close()


class TestDuckdb(ConnectorContract):
    connector_id = "duckdb"
    many_rows = 3_000_000
    memory_bytes = 400 * 2**20  # the engine may take 256 MiB of its own

    @pytest.fixture
    def config(self, folder: Path) -> dict[str, str]:
        sql(
            folder / "t.duckdb",
            "create table city (id integer primary key, name varchar, area double, d decimal(9,2))",
            "insert into city values (1,'Bern',51.6,1.25),(2,'Oslo',null,null),(5,'Riga',304.0,0.01)",
        )
        return {"path": "t.duckdb"}

    @pytest.fixture
    def bad_config(self, folder: Path) -> dict[str, str]:
        return {"path": "nowhere/t.duckdb"}


EXACT = {
    "d38": ("decimal(38,10)", "12345678901234567890.0123456789", Decimal("12345678901234567890.0123456789")),
    "huge": ("hugeint", "170141183460469231731687303715884105727", 2**127 - 1),
    "big": ("ubigint", "18446744073709551615", 2**64 - 1),
    "uhuge": ("uhugeint", "340282366920938463463374607431768211455", "340282366920938463463374607431768211455"),
    "zoned": (
        "timestamptz",
        "'2024-03-31 01:30:00.123456+02'",
        dt.datetime(2024, 3, 30, 23, 30, 0, 123456, ZoneInfo("UTC")),
    ),
    "local": ("timestamp", "'2024-03-31 02:30:00'", dt.datetime(2024, 3, 31, 2, 30)),
    "second": ("timestamp_s", "'2024-03-31 02:30:00'", dt.datetime(2024, 3, 31, 2, 30)),
    "uuid": ("uuid", "'2b5c8b4e-0f5c-4f8e-9d3e-0c3a1f2b3c4d'", "2b5c8b4e-0f5c-4f8e-9d3e-0c3a1f2b3c4d"),
    "json": ("json", "'{\"a\": [1, null]}'", '{"a": [1, null]}'),
    "list": ("decimal(5,2)[]", "[1.25, null]", [Decimal("1.25"), None]),
    "struct": ("struct(a integer, b struct(c varchar[]))", "{'a': 1, 'b': {'c': ['x']}}", {"a": 1, "b": {"c": ["x"]}}),
    "map": ("map(varchar, integer)", "map {'k': 1}", [{"key": "k", "value": 1}]),
    "kind": ("enum('x', 'y')", "'y'", "y"),
    "span": ("interval", "interval '40 days 0.000003 seconds'", dt.timedelta(days=40, microseconds=3)),
    "odd": ("hugeint[]", "[1]", "[1]"),
    "bits": ("bit", "'0101'", "0101"),
    "either": ("union(n integer, t varchar)", "union_value(t := 'x')", '{"t":"x"}'),
    "flat": ("float[2]", "[1, 2]", [1.0, 2.0]),
}


@pytest.mark.parametrize("name", EXACT)
def test_types_are_exact(folder: Path, name: str, open_: Callable[..., Any]) -> None:
    kind, literal, value = EXACT[name]
    sql(folder / "t.duckdb", f"create table t (v {kind})", f"insert into t values ({literal}), (null)")
    connector = open_()
    stream = connector.stream("t")
    (frame,) = connector.read(stream)
    assert frame["v"].to_list() == [value, None]
    assert stream.columns[0].native


LOSSY = {
    "months": ("interval", "interval '1 month'", "months"),
    "nanoseconds": ("timestamp_ns", "'2024-01-01 00:00:00.123456789'", "nanoseconds"),
    "endless day": ("date", "'infinity'", "infinite"),
    "endless moment": ("timestamptz", "'-infinity'", "infinite"),
    "endless inside": ("struct(a date[])", "{'a': ['infinity'::date]}", "infinite"),
}


@pytest.mark.parametrize("name", LOSSY)
def test_what_cannot_be_carried_is_refused(folder: Path, name: str, open_: Callable[..., Any]) -> None:
    kind, literal, said = LOSSY[name]
    sql(folder / "t.duckdb", f"create table t (v {kind})", f"insert into t values ({literal})")
    connector = open_()
    with pytest.raises(DataError, match=said):
        list(connector.read(connector.stream("t")))


@pytest.mark.parametrize("make", [nasty_frame, hostile_frame])
def test_nasty_data_round_trips(folder: Path, make: Callable[[], pl.DataFrame], open_: Callable[..., Any]) -> None:
    frame = make()
    frame = frame.select(name for name in frame.columns if name != "é")
    connector = open_()
    for mode in ("append", "overwrite", "upsert") if "id" in frame.columns else ("append", "overwrite"):
        connector.write(
            f'odd "{mode}"', iter([frame.head(1), frame.slice(1)]), mode=mode, keys=["id"] if mode == "upsert" else []
        )
        assert pl.concat(connector.read(connector.stream(f'odd "{mode}"'))).equals(frame)


def test_rich_frames_round_trip(folder: Path, open_: Callable[..., Any]) -> None:
    frame = pl.DataFrame(
        {
            "huge": pl.Series([2**100, None], dtype=pl.Int128), "big": pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
            "span": [dt.timedelta(days=400, microseconds=3), None], "list": [[1, None], None],
            "struct": [{"a": 1, "b": [Decimal("1.5")]}, None], "empty": pl.Series([None, None], dtype=pl.String),
            "zoned": pl.Series([dt.datetime(2024, 3, 31, 1), None]).dt.replace_time_zone("UTC"),
            "at": [dt.time(1, 2, 3, 4), None],
        }
    )  # fmt: skip
    connector = open_()
    connector.write("rich", iter([frame]))
    (back,) = connector.read(connector.stream("rich"))
    assert back.equals(frame)
    assert back.schema == frame.schema


REFUSED = [
    ("integer", pl.Series([1.5]), DataError, "would change"),
    ("integer", pl.Series(["12"]), ConfigError, "cast it before"),
    ("tinyint", pl.Series([1000]), DataError, "does not fit"),
    ("decimal(4,1)", pl.Series([Decimal("1.25")]), DataError, "would change"),
    ("date", pl.Series([dt.datetime(2024, 1, 1, 5)]), DataError, "would change"),
    ("timestamp", pl.Series([dt.datetime(2024, 1, 1)]).dt.replace_time_zone("UTC"), ConfigError, "cast it before"),
    ("float", pl.Series([0.1]), DataError, "would change"),
    ("timestamp", pl.Series([1]).cast(pl.Datetime("ns")), DataError, "would change"),
    ("bigint", pl.Series([2**100], dtype=pl.Int128), DataError, "does not fit"),
]


@pytest.mark.parametrize(("kind", "values", "error", "said"), REFUSED)
def test_no_value_changes_on_its_way(
    folder: Path, kind: str, values: pl.Series, error: type, said: str, open_: Callable[..., Any]
) -> None:
    sql(folder / "t.duckdb", f"create table t (v {kind})")
    with pytest.raises(error, match=said):
        open_().write("t", iter([pl.DataFrame({"v": values})]))
    assert sql(folder / "t.duckdb", "select count(*) from t") == [(0,)]


def test_text_fits_what_it_says(folder: Path, open_: Callable[..., Any]) -> None:
    sql(folder / "t.duckdb", "create table t (u uuid, j json, d date, e enum('x'), n integer default 7)")
    row = {"u": [EXACT["uuid"][2]], "j": ['{"a":1}'], "D": ["2024-02-29"], "e": ["x"]}
    open_().write("t", iter([pl.DataFrame(row)]))
    assert sql(folder / "t.duckdb", "select d, e, n from t") == [(dt.date(2024, 2, 29), "x", 7)]


def test_user_sql_sees_this_file_only(folder: Path, open_: Callable[..., Any]) -> None:
    sql(folder / "t.duckdb", "create table t (a integer, b varchar)", "insert into t values (1, '10:30'), (2, 'x')")
    (folder / "other.csv").write_text("a\n1\n")
    connector = open_()
    (frame,) = connector.query("select a, '10:30' as c from t where a >= :low and b <> ':low'", {"low": 2, "more": 1})
    assert frame.to_dicts() == [{"a": 2, "c": "10:30"}]
    for refused in (
        "delete from t", "select 1; select 2", "select * from read_csv('other.csv')", "select * from 'other.csv'",
        f"select * from '{folder}/other.csv'", "select * from duckdb_settings()", "attach 'x'", "copy t to 'x.csv'",
        "select * from frame", "set memory_limit = '9GB'", "select a from t where a > :missing",
        "select a, a from t",
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            list(connector.query(refused))


def test_the_engine_itself_is_shut(folder: Path) -> None:
    """Behind the policy: what it might let through finds no door."""
    from headrace_connector_duckdb.session import connect

    (folder / "other.csv").write_text("a\n1\n")
    with connect(folder / "t.duckdb", writing=True) as db:
        for refused in ("from read_csv('other.csv')", "from glob('/*')", "attach 'x.duckdb'", "install httpfs",
                        "copy (select 1) to 'x.csv'", "set enable_external_access = true", "load httpfs"):  # fmt: skip
            with pytest.raises(duckdb.Error):
                db.execute(refused).fetchall()


@pytest.mark.parametrize("path", ["../t.duckdb", "/etc/passwd", "", "..", "a\0b", "link.duckdb", "."])
def test_no_path_leads_out(folder: Path, path: str, open_: Callable[..., Any]) -> None:
    (folder / "link.duckdb").symlink_to(folder.parent / "outside.duckdb")
    with pytest.raises(ConfigError):
        open_(path).check()


def test_a_file_in_use_is_tried_again(folder: Path, open_: Callable[..., Any]) -> None:
    path = folder / "t.duckdb"
    sql(path, "create table t (a integer)")
    code = f"import duckdb; db = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(TransientError, match="in use"):
            open_().check()
        other.communicate("\n")
    open_().check()


def test_a_table_is_copied_while_it_is_read(folder: Path, open_: Callable[..., Any]) -> None:
    sql(folder / "t.duckdb", "create table t as select range as a from range(150000)")
    connector = open_()
    done = connector.write("copy", connector.read(connector.stream("t"), batch_rows=10_000))
    assert done.written == 150_000
    assert sql(folder / "t.duckdb", "select count(distinct a) from copy") == [(150_000,)]


def test_views_schemas_and_dots(folder: Path, open_: Callable[..., Any]) -> None:
    sql(
        folder / "t.duckdb", "create schema t", "create table t.t.t (a integer)", 'create table "x.y" (a integer)',
        "create view v as select 1 as a", "insert into t.t.t values (3)",
    )  # fmt: skip
    connector = open_()
    assert [stream.name for stream in connector.discover()] == ["t.t", "v", "x.y"]
    assert connector.write("T.T", iter([pl.DataFrame({"A": [4]})])).written == 1
    (frame,) = connector.read(connector.stream("t.t"))
    assert frame["a"].to_list() == [3, 4]
    for name in ("nowhere.t", "t.", "_headrace_effects"):
        with pytest.raises(ConfigError):
            connector.write(name, iter([pl.DataFrame({"a": [1]})]))


def test_a_repeated_effect_takes_no_rows(folder: Path, open_: Callable[..., Any]) -> None:
    def never() -> Iterator[pl.DataFrame]:
        raise AssertionError("the rows were asked for")
        yield

    connector = open_()
    first = connector.write("t", iter([pl.DataFrame({"a": [1]})] * 3), effect_key="one")
    assert connector.write("t", never(), effect_key="one") == first
