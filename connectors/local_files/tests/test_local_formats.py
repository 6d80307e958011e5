"""Formats, encodings and packed files, over a folder; and what is in archives that nobody should open."""

from __future__ import annotations

import bz2
import datetime as dt
import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.kits.files import archives
from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, Connector, DataError, Reject

CSV = b"id,name\n1,a\n2,b\n"
ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector[Any]]:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    opened = load_plugins(only=["connector-local_files"], strict=True).registry.connector("local_files").open({})
    yield opened
    opened.close()


def read(files: Connector[Any], name: str, reject: list[Reject] | None = None, **options: Any) -> list[dict[str, Any]]:
    said = ReadOptions(**options)
    stream = files.stream(name, options=said)
    more: dict[str, Any] = {"reject": reject.extend} if reject is not None else {}
    frame = files.scan(stream, options=said, **more).collect()
    assert frame.columns == [column.name for column in stream.columns]
    return frame.to_dicts()


MOMENT = dt.datetime(2024, 1, 1, 1, 2, 3, 999999, tzinfo=dt.UTC)
FRAME = pl.DataFrame(
    {
        "id": [1, 2, 3], "text": ["plain", None, "emoji 😀"], "number": [1.5, None, 1e300], "yes": [True, None, False],
        "day": [dt.date(2024, 2, 29), None, dt.date(1960, 1, 1)],
        "moment": pl.Series([MOMENT, None, None], dtype=pl.Datetime("us", "UTC")),
        "amount": pl.Series([Decimal("1.2500"), None, Decimal("-99999999999999.9999")], dtype=pl.Decimal(18, 4)),
    }
)  # fmt: skip


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow", "x.orc", "x.avro"])
def test_types_come_back(files: Connector[Any], name: str) -> None:
    files.write(name, iter([FRAME.head(1), FRAME.slice(1)]), mode="overwrite")
    stream = files.stream(name)
    frame = files.scan(stream).collect()
    assert frame.to_dicts() == FRAME.to_dicts()
    found = files.scan(stream).filter(pl.col("id") > 1).select("text").collect()
    assert found.to_dicts() == [{"text": None}, {"text": "emoji 😀"}]


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow", "x.orc", "x.avro", "x.xlsx", "x.json", "x.ndjson"])
def test_a_file_that_is_cut_off_is_told(files: Connector[Any], tmp_path: Path, name: str) -> None:
    files.write(name, iter([pl.DataFrame({"a": range(1_000), "b": ["x"] * 1_000})]), mode="overwrite")
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-41])
    with pytest.raises(DataError, match="cut off"):
        read(files, name)


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
def test_compressions(files: Connector[Any], suffix: str) -> None:
    frame = pl.DataFrame(ROWS)
    for name in (f"a.csv{suffix}", f"a.ndjson{suffix}"):
        files.write(name, iter([frame]), mode="overwrite")
        files.write(name, iter([frame]))
        assert read(files, name) == ROWS * 2
    with pytest.raises(ConfigError, match="leave"):
        files.write(f"a.parquet{suffix}", iter([frame]))


def packed(path: Path, members: dict[str, bytes]) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in members.items():
                archive.writestr(name, body)
        return
    with tarfile.open(path, "w:gz" if path.suffix in {".gz", ".tgz"} else "w") as archive:
        for name, body in members.items():
            item = tarfile.TarInfo(name)
            item.size = len(body)
            archive.addfile(item, io.BytesIO(body))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz"])
def test_members_of_archives(files: Connector[Any], tmp_path: Path, name: str) -> None:
    packed(tmp_path / name, {"one/a.csv": CSV, "two/b.csv": b"id,name\n3,c\n", "notes.json": b'[{"x": 1}]'})
    assert read(files, name, member="*/*.csv") == [*ROWS, {"id": 3, "name": "c"}]
    assert read(files, name, member="notes.json") == [{"x": 1}]
    with pytest.raises(ConfigError, match="several formats"):
        read(files, name)
    with pytest.raises(ConfigError, match="no file 'x'"):
        read(files, name, member="x")


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "a/../../x.csv", "c:x.csv"])
@pytest.mark.parametrize("archive", ["a.zip", "a.tar"])
def test_no_member_leads_out(files: Connector[Any], tmp_path: Path, archive: str, name: str) -> None:
    packed(tmp_path / archive, {name: CSV})
    before = sorted(tmp_path.parent.rglob("*.csv"))
    with pytest.raises(DataError, match="leads out"):
        read(files, archive)
    assert sorted(tmp_path.parent.rglob("*.csv")) == before


def test_links_devices_nested_archives_and_crowds_are_refused(files: Connector[Any], tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        with tarfile.open(tmp_path / "l.tar", "w") as archive:
            item = tarfile.TarInfo("a.csv")
            item.type, item.linkname = kind, "/etc/passwd"
            archive.addfile(item)
        with pytest.raises(DataError, match="link, device"):
            read(files, "l.tar")
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="link or device"):
        read(files, "l.zip")
    packed(tmp_path / "n.zip", {"inner.csv.gz": b""})
    with pytest.raises(DataError, match="unpack it first"):
        read(files, "n.zip")
    packed(tmp_path / "m.zip", {f"{number}.csv": b"a\n1\n" for number in range(archives.MEMBERS_MAX + 1)})
    with pytest.raises(DataError, match="more than 1000 files"):
        read(files, "m.zip")


@pytest.mark.parametrize("suffix", [".gz", ".zip", ".bz2", ".xz", ".zst"])
def test_bombs_are_refused_by_what_comes_out(files: Connector[Any], tmp_path: Path, suffix: str) -> None:
    body = b"a\n" + b"1\n" * (archives.FREE_BYTES // 2 + 1_000_000)
    name = f"bomb.csv{suffix}"
    if suffix == ".zip":
        packed(tmp_path / name, {"bomb.csv": body})
    else:
        with archives.compressing(tmp_path / name, suffix) as out:
            out.write(body)
    with pytest.raises(DataError, match="unpacks to more than 10 MiB"):
        read(files, name)


@pytest.mark.parametrize("damage", [bz2.compress(CSV)[:-4], b"BZh9 no", lzma.compress(CSV)])
def test_damaged_compressions_are_told(files: Connector[Any], tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "d.csv.bz2").write_bytes(damage)
    with pytest.raises(DataError, match="damaged"):
        read(files, "d.csv.bz2")


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(files: Connector[Any], tmp_path: Path, sign: str) -> None:
    (tmp_path / "a.csv").write_text(f'id{sign}name\n1{sign}"x, y; z"\n2{sign}b\n')
    assert read(files, "a.csv") == [{"id": 1, "name": "x, y; z"}, {"id": 2, "name": "b"}]


def test_one_column_needs_no_delimiter(files: Connector[Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name\na b\nc\n")
    assert read(files, "a.csv") == [{"name": "a b"}, {"name": "c"}]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "cp1252"])
def test_other_encodings(files: Connector[Any], tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes("id,name\n1,café\n".encode(encoding))
    assert read(files, "a.csv", encoding=encoding) == [{"id": 1, "name": "café"}]


def test_fixed_width(files: Connector[Any], tmp_path: Path) -> None:
    (tmp_path / "a.fwf").write_text(
        "id name  day\n 1 Ada   2024-01-01\n 2 Bo    2024-01-02\n 3 C\n 4 Dee   2024-01-03x\n"
    )
    rejects: list[Reject] = []
    found = read(files, "a.fwf", rejects, widths={"id": 3, "name": 6, "day": 10})
    assert found == [
        {"id": 1, "name": "Ada", "day": dt.date(2024, 1, 1)},
        {"id": 2, "name": "Bo", "day": dt.date(2024, 1, 2)},
    ]
    assert [reject.row for reject in rejects] == [4, 5]
    with pytest.raises(ConfigError, match="say each column"):
        read(files, "a.fwf")


XML = """<?xml version="1.0"?><o:orders xmlns:o="urn:o"><meta><x>1</x></meta>
<o:order id="1"><o:total>1.5</o:total><line sku="a">2</line><line sku="b">3</line></o:order>
<o:order id="2"><o:total/><note>caf\u00e9 &amp; more</note></o:order></o:orders>"""


def test_xml(files: Connector[Any], tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(XML, encoding="utf-8")
    found = read(files, "a.xml", record="order")
    assert [(row["id"], row["total"], row["note"]) for row in found] == [(1, 1.5, None), (2, None, "café & more")]
    assert found[0]["line"] == '[{"sku":"a","text":"2"},{"sku":"b","text":"3"}]'
    with pytest.raises(ConfigError, match="no element"):
        read(files, "a.xml", record="nothing")


@pytest.mark.parametrize(
    "text",
    ['<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b><c>&x;</c></b></a>',
     '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a><b><c>&y;</c></b></a>',
     '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a><b><c>1</c></b></a>'],
)  # fmt: skip
def test_xml_with_a_dtd_is_refused(files: Connector[Any], tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match="DTD"):
        read(files, "a.xml")


def test_json_and_yaml_below_a_path(files: Connector[Any], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"data": {"items": [{"id": 1}, {"id": null}]}}')
    (tmp_path / "a.yaml").write_text("data:\n  items:\n    - {id: 1}\n    - {id: null}\n")
    for name in ("a.json", "a.yaml"):
        assert read(files, name, record="data.items") == [{"id": 1}, {"id": None}]
        with pytest.raises(ConfigError, match="has no 'x'"):
            read(files, name, record="data.x")
    (tmp_path / "bomb.yaml").write_text("a: &a [x]\nb: [" + ", ".join(["*a"] * 101) + "]\n")
    (tmp_path / "evil.yaml").write_text("!!python/object/apply:os.system ['true']\n")
    with pytest.raises(DataError, match="aliases"):
        read(files, "bomb.yaml")
    with pytest.raises(DataError, match="no YAML file"):
        read(files, "evil.yaml")


def test_wrong_lines_of_ndjson_are_rejected(files: Connector[Any], tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"a": 1}\n{"a":\n[1]\n\n{"a": 2}\n')
    rejects: list[Reject] = []
    said = ReadOptions()
    from headrace.sdk import Stream

    frame = files.scan(Stream(name="a.ndjson", columns=()), options=said, reject=rejects.extend).collect()
    assert frame["a"].to_list() == [1, 2]
    assert [reject.row for reject in rejects] == [2, 3]


def test_parts_roll_at_a_size(files: Connector[Any], tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": range(20_000), "text": ["x" * 90] * 20_000})
    options = WriteOptions(roll_mib=1)
    for _ in range(2):
        done = files.write("p/a.csv", iter(frame.iter_slices(5_000)), effect_key="k", options=options)
        assert done.written == 20_000
    names = sorted(path.name for path in (tmp_path / "p").iterdir())
    assert len(names) == 2
    assert [name[-9:] for name in names] == ["00000.csv", "00001.csv"]
    assert len(read(files, "p")) == 20_000
