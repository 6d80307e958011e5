"""The contract over a folder of files, and that nothing is lost from a CSV."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.kits.files.options import ReadOptions
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, DataError, Reject
from headrace.testing.files import FolderContract


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


class TestLocalFiles(FolderContract):
    connector_id = "local_files"

    @pytest.fixture
    def served(self, folder: Path) -> Path:
        return folder

    @pytest.fixture
    def config(self, place: Path) -> dict[str, str]:
        return {"root": f"data/{place.name}"}

    @pytest.fixture
    def bad_config(self, folder: Path) -> dict[str, str]:
        return {"root": "/etc"}


@pytest.fixture
def open_() -> Iterator[Callable[..., Any]]:
    """Opens connectors and closes them after the test."""
    opened = []

    def open_one(root: str = "data") -> Any:
        entry = load_plugins(only=["connector-local_files"], strict=True).registry.connector("local_files")
        opened.append(entry.open({"root": root}))
        return opened[-1]

    yield open_one
    for connector in opened:
        connector.close()


BAD = "a,b,c\n" + "1,2,x\n" * 20_000 + "4,5\n6,y,z\n\n9,9,9,9\n7,8,last\n"


def test_wrong_lines_are_rejected_with_number_and_reason(folder: Path, open_: Callable[..., Any]) -> None:
    (folder / "bad.csv").write_text(BAD)
    connector = open_()
    rejects: list[Reject] = []
    rows = connector.scan(connector.stream("bad.csv"), reject=rejects.extend).collect()
    assert sorted((r.row, r.data) for r in rejects) == [(20_002, "4,5"), (20_003, "6,y,z"), (20_005, "9,9,9,9")]
    assert any("2 fields instead of 3" in r.reason for r in rejects)
    assert any(r.column == "b" and "'y'" in r.reason for r in rejects)
    assert rows.height + len(rejects) == 20_004, "read = kept + rejected"


def test_a_wrong_line_without_an_error_port_fails_and_is_named(folder: Path, open_: Callable[..., Any]) -> None:
    (folder / "bad.csv").write_text(BAD)
    connector = open_()
    with pytest.raises(DataError, match=r"'bad\.csv' line 20002: it has 2 fields instead of 3"):
        connector.scan(connector.stream("bad.csv"))


def test_bytes_that_are_no_text_are_rejected(folder: Path, open_: Callable[..., Any]) -> None:
    (folder / "latin.csv").write_bytes(b'a,b\n1,ok\n2,"caf\xe9"\n')
    connector = open_()
    rejects: list[Reject] = []
    with pytest.raises(DataError, match="UTF-8"):
        connector.scan(connector.stream("latin.csv"), reject=rejects.extend)


def test_quotes_lines_and_separators_inside_values(folder: Path, open_: Callable[..., Any]) -> None:
    (folder / "q.csv").write_text('a,b\n"x, y","line\nbreak"\n"say ""hi""",2\n')
    connector = open_()
    assert connector.scan(connector.stream("q.csv")).collect().to_dicts() == [
        {"a": "x, y", "b": "line\nbreak"}, {"a": 'say "hi"', "b": "2"},
    ]  # fmt: skip


def test_packed_files_and_null_values(folder: Path, open_: Callable[..., Any]) -> None:
    text = "a,b\n1,NA\n2,3\n"
    (folder / "z.csv.gz").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(folder / "z.csv.zip", "w") as archive:
        archive.writestr("inner.csv", text)
    connector = open_()
    options = ReadOptions(null_values=["NA"])
    for name in ("z.csv.gz", "z.csv.zip"):
        stream = connector.stream(name, options=options)
        assert connector.scan(stream, options=options).collect().to_dicts() == [{"a": 1, "b": None}, {"a": 2, "b": 3}]


@pytest.mark.parametrize("name", ["../x.csv", "/etc/passwd", "..", "", "a\0b"])
def test_no_path_leads_out(folder: Path, name: str, open_: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError):
        open_().stream(name)


def test_no_link_leads_out(folder: Path, tmp_path: Path, open_: Callable[..., Any]) -> None:
    outside = tmp_path.parent / "outside.csv"
    outside.write_text("a\n1\n")
    (folder / "link.csv").symlink_to(outside)
    with pytest.raises(ConfigError, match="out of the connection"):
        open_().stream("link.csv")


@pytest.mark.parametrize(
    "name", ["o.csv", "o.csv.gz", "o.tsv", "o.parquet", "o.ndjson", "o.json", "o.xlsx", "sub/o.csv"]
)
def test_every_format_is_written_and_read(folder: Path, name: str, open_: Callable[..., Any]) -> None:
    connector = open_()
    frame = pl.DataFrame({"id": [1, 2], "name": ["x", None]})
    connector.write(name, iter([frame, frame]), mode="overwrite", effect_key="one")
    connector.write(name, iter([frame]), mode="append", effect_key="two")
    connector.write(name, iter([frame]), mode="append", effect_key="two")
    assert sum(part.height for part in connector.read(connector.stream(name))) == 6
    assert not list(folder.rglob("*.part"))


def test_a_package_folder_can_be_read_not_written(open_: Callable[..., Any]) -> None:
    connector = open_("package:headrace/testing")
    with pytest.raises(ConfigError, match="cannot be written"):
        connector.write("x.csv", iter([pl.DataFrame({"a": [1]})]))


def test_too_many_rows_for_excel(folder: Path, open_: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="an Excel sheet holds 1048575 rows"):
        open_().write("big.xlsx", iter([pl.DataFrame({"a": pl.int_range(1_048_576, eager=True)})]))
    assert not (folder / "big.xlsx").exists()
