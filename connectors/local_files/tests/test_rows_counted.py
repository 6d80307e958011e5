"""No row is lost on the way out of a file: what is read is counted against other readers, in odd shapes of files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import Reject

SEEDS = range(24)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    entry = load_plugins(only=["connector-local_files"], strict=True).registry.connector("local_files")
    connector = entry.open({"root": "."})
    yield connector
    connector.close()


def read(files: Any, name: str, batch_rows: int, reject: Any = None, columns: Any = None) -> list[pl.DataFrame]:
    frames = list(files.read(files.stream(name), batch_rows=batch_rows, reject=reject, columns=columns))
    assert all(0 < frame.height <= batch_rows for frame in frames)
    return frames


def table(chance: Random, rows: int) -> pa.Table:
    """Columns that make pages of very different sizes: constants, long texts, nulls in runs, lists, structs."""
    texts = [None if chance.random() < 0.1 else "x" * chance.choice((0, 1, 40, 3_000)) for _ in range(min(rows, 500))]
    every = {
        "id": pa.array(range(rows), pa.int64()),
        "same": pa.array([7] * rows, pa.int8()),
        "none": pa.nulls(rows, pa.float64()),
        "text": pa.array([texts[index % len(texts)] for index in range(rows)] if texts else [], pa.string()),
        "code": pa.array([f"c{index % 3}" for index in range(rows)], pa.string()).dictionary_encode(),
        "list": pa.array(
            [list(range(index % 4)) if index % 5 else None for index in range(rows)], pa.list_(pa.int32())
        ),
        "part": pa.array(
            [{"a": index, "b": None} for index in range(rows)], pa.struct({"a": pa.int64(), "b": pa.string()})
        ),
    }
    chosen = ["id", *chance.sample([name for name in every if name != "id"], chance.randint(0, len(every) - 1))]
    return pa.table({name: every[name] for name in chosen})


@pytest.mark.parametrize("seed", SEEDS)
def test_parquet_gives_the_rows_that_its_footer_counts(seed: int, tmp_path: Path, files: Any) -> None:
    chance = Random(seed)
    groups = [chance.choice((0, 1, 2, 7, 1_000, 1_024, 4_097, 20_000)) for _ in range(chance.randint(1, 12))]
    whole = table(chance, sum(groups))
    with pq.ParquetWriter(
        tmp_path / "t.parquet", whole.schema, compression=chance.choice(("none", "snappy", "zstd", "gzip")),
        data_page_size=chance.choice((64, 1_024, 2**20)), data_page_version=chance.choice(("1.0", "2.0")),
        use_dictionary=chance.random() < 0.5, write_page_index=chance.random() < 0.5,
    ) as writer:  # fmt: skip
        at = 0
        for rows in groups:
            writer.write_table(whole.slice(at, rows), row_group_size=max(1, rows))
            at += rows
    counted = pq.read_metadata(tmp_path / "t.parquet").num_rows
    assert counted == sum(groups)
    for columns in (None, ["id"], [whole.column_names[-1]]):
        frames = read(files, "t.parquet", chance.choice((1_000, 4_096, 50_000)), columns=columns)
        assert sum(frame.height for frame in frames) == counted
        if columns != [whole.column_names[-1]]:
            assert [value for frame in frames for value in frame["id"].to_list()] == list(range(counted))


def text(chance: Random, rows: int) -> str:
    """A CSV with line breaks and separators inside of quotes, empty fields, and endings of either kind."""
    fields = ("", "plain", "a,b", 'say "hi"', "line\nbreak", "crlf\r\nbreak", " ", "é🙂", "x" * 2_000)
    simple = chance.random() < 0.4
    made = io.StringIO()
    writer = csv.writer(made, lineterminator=chance.choice(("\n", "\r\n")))
    writer.writerow(["id", "one", "two"])
    for index in range(rows):
        writer.writerow([index, "plain" if simple else chance.choice(fields), chance.choice(fields[:2])])
    said = made.getvalue()
    return said if chance.random() < 0.5 else said.rstrip("\r\n")


@pytest.mark.parametrize("seed", SEEDS)
def test_csv_gives_the_rows_that_others_count(seed: int, tmp_path: Path, files: Any) -> None:
    chance = Random(seed)
    rows = chance.choice((1, 2, 999, 5_000, 20_001))
    path = tmp_path / "t.csv"
    path.write_text(text(chance, rows), encoding=chance.choice(("utf-8", "utf-8-sig")), newline="")
    with path.open(encoding="utf-8-sig", newline="") as file:
        counted = sum(1 for _ in csv.reader(file)) - 1
    frames = read(files, "t.csv", chance.choice((700, 4_096, 50_000)))
    assert sum(frame.height for frame in frames) == counted == rows
    assert [value for frame in frames for value in frame["id"].to_list()] == list(range(rows))


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_and_rejects_of_a_csv_are_its_lines(seed: int, tmp_path: Path, files: Any) -> None:
    chance = Random(seed)
    lines = [chance.choice(("{0},a", "{0},", "{0}", "{0},a,b", '{0},"q,q"', "x{0},a")).format(index)
             for index in range(chance.choice((1, 50, 5_000)))]  # fmt: skip
    (tmp_path / "t.csv").write_text("id,name\n" + "\n".join(["0,first", *lines]) + "\n")
    rejected: list[Reject] = []
    frames = read(files, "t.csv", chance.choice((3, 1_000)), rejected.extend)
    assert sum(frame.height for frame in frames) + len(rejected) == 1 + len(lines)


def test_ndjson_and_arrow_give_all_rows(tmp_path: Path, files: Any) -> None:
    whole = pl.DataFrame({"id": range(70_001), "text": ["x" * (n % 50) for n in range(70_001)]})
    whole.write_ndjson(tmp_path / "t.ndjson")
    whole.write_ipc(tmp_path / "t.arrow", record_batch_size=333)
    for name in ("t.ndjson", "t.arrow"):
        frames = read(files, name, 4_096)
        assert [value for frame in frames for value in frame["id"].to_list()] == whole["id"].to_list()
