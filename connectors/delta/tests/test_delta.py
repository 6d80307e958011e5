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
from headrace.kits.files.s3_fs import S3FileSystem
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError, TransientError
from headrace.testing.data import nasty_frame
from headrace.testing.lakes import CITIES, BucketRules, LakeContract, keys_of, new_bucket, s3
from headrace.testing.readme_flow import execute_readme


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


def add(lake: Any, values: dict[str, Any] | pl.DataFrame, name: str = "t", **asked: Any) -> Any:
    return lake.write(name, iter([pl.DataFrame(values)]), **asked)


class TestDelta(LakeContract):
    connector_id = "delta"

    @pytest.fixture
    def config(self, folder: Path) -> dict[str, str]:
        for name in ("geo/cities", "year=2026/Odd.name-1+1"):
            (folder / name).mkdir(parents=True)
            write_deltalake(str(folder / name), CITIES)
        return {"root": "."}

    @pytest.fixture
    def bad_config(self, folder: Path) -> dict[str, str]:
        return {"root": "nowhere"}


class InABucket:
    """Two tables that delta-rs has made."""

    @pytest.fixture
    def config(self, tmp_path: Path) -> dict[str, Any]:
        config = new_bucket()
        for name in ("geo/cities", "year=2026/Odd.name-1+1"):
            upload(tmp_path, config, name, CITIES)
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "bucket": "no-such-bucket", "secret_key": "s3cret-and-wrong"}


@pytest.mark.slow
class TestDeltaContractInABucket(InABucket, LakeContract):
    """Slow: hundreds of requests for each rule."""

    connector_id = "delta"


class TestDeltaInABucket(InABucket, BucketRules):
    connector_id = "delta"

    def test_partitions_and_checkpoints_are_read(self, connector: Any, config: dict[str, Any], tmp_path: Path) -> None:
        frame = pl.DataFrame({"place": ["a b/c", "100%", None], "n": range(3)})
        for _ in range(2):
            table = upload(tmp_path, config, "odd", frame, partition_by=["place"], mode="append")
        table.create_checkpoint()
        upload(tmp_path, config, "odd", frame.head(1), mode="append")
        found = rows(connector, "odd")
        assert sorted(row["n"] for row in found) == sorted([*range(3), *range(3), 0])
        assert {(row["n"], row["place"]) for row in found} == set(zip(frame["n"], frame["place"], strict=True))
        assert [row["n"] for row in rows(connector, "odd", version=0)] != []
        add(connector, {"place": ["100%", "new one"], "n": [1, 7]}, name="odd", mode="append")
        assert len(rows(connector, "odd")) == 9

    def test_a_store_that_lets_commits_be_overwritten_is_refused(
        self, connector: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add(connector, {"id": [1]})
        monkeypatch.setattr(S3FileSystem, "guards", lambda *_: False)
        with pytest.raises(ConfigError, match="If-None-Match"):
            add(connector, {"id": [2]})
        assert rows(connector) == [{"id": 1}]

    def test_an_object_that_is_gone_or_cut_is_never_fewer_rows(self, connector: Any, config: dict[str, Any]) -> None:
        add(connector, {"id": [1]})
        (key,) = [key for key in keys_of(config["bucket"]) if key.startswith("a lake/t/") and key.endswith(".parquet")]
        body = s3().get_object(Bucket=config["bucket"], Key=key)["Body"].read()
        for spoil in (lambda: s3().put_object(Bucket=config["bucket"], Key=key, Body=body[:-9]),
                      lambda: s3().delete_object(Bucket=config["bucket"], Key=key)):  # fmt: skip
            spoil()
            with pytest.raises(DataError, match="cut off"):
                rows(connector)
            with pytest.raises(DataError, match="cut off"):
                add(connector, {"id": [1]}, mode="upsert", keys=["id"])

    def test_an_answer_to_a_commit_that_got_lost_is_no_conflict(
        self, connector: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The commit is there already when the request is sent again: it is ours."""
        add(connector, {"id": [1]})
        once, lost = S3FileSystem.once, []

        def losing(self: Any, method: str, url: str, **more: Any) -> Any:
            answer = once(self, method, url, **more)
            if method == "PUT" and url.endswith("1.json") and not lost:
                lost.append(url)
                raise TransientError("the link broke")
            return answer

        monkeypatch.setattr(S3FileSystem, "once", losing)
        assert add(connector, {"id": [2]}).written == 1
        assert lost
        assert sorted(row["id"] for row in rows(connector)) == [1, 2]


def upload(tmp_path: Path, config: dict[str, Any], name: str, frame: pl.DataFrame, **more: Any) -> DeltaTable:
    """A table that delta-rs has made, put object by object."""
    folder = tmp_path / name
    folder.mkdir(parents=True, exist_ok=True)
    write_deltalake(str(folder), frame, **more)
    for path in folder.rglob("*"):
        if path.is_file():
            key = f"{config['root']}/{name}/{path.relative_to(folder).as_posix()}"
            s3().put_object(Bucket=config["bucket"], Key=key, Body=path.read_bytes())
    return DeltaTable(str(folder))


def test_the_flow_of_the_readme(folder: Path) -> None:
    (folder / "lake/geo/cities").mkdir(parents=True)
    write_deltalake(str(folder / "lake/geo/cities"), CITIES)
    done = execute_readme(Path(__file__).parents[1], {"Lake": ("delta", {"root": "lake"})})
    assert done["kept"].rows_out == 2 or DeltaTable(folder / "lake/geo/large").version() == 0
    assert sorted(pl.read_delta(str(folder / "lake/geo/large"))["id"]) == [1, 5]


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


@pytest.mark.parametrize(
    ("kind", "given", "error", "said"),
    [
        (pl.Datetime("us"), pl.Series([dt.datetime(2024, 1, 1)]).dt.replace_time_zone("UTC"), ConfigError, "zone"),
        (pl.Datetime("us"), pl.Series([1]).cast(pl.Datetime("ns")), DataError, "would change"),
    ],
)
def test_no_moment_changes_on_its_way(lake: Any, kind: Any, given: Any, error: type[Exception], said: str) -> None:
    add(lake, {"v": pl.Series([None], dtype=kind)})
    with pytest.raises(error, match=said):
        add(lake, {"v": given})
    assert rows(lake) == [{"v": None}]


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
