"""Files that are missing, damaged, wrong or too large: nothing is half-written, and counts reconcile."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

LINES = "id,name\n" + "1,a\n" * 3_000 + "2\n" + "x,c\n" + "4,d,5\n" + "5,e\n"
GOOD, WRONG = 3_001, [(3_002, ""), (3_003, "id"), (3_004, "")]


def damaged(folder: Path) -> None:
    """One file of each kind that is not what its name says."""
    pl.DataFrame({"a": range(1_000)}).write_parquet(folder / "cut.parquet")
    (folder / "cut.parquet").write_bytes((folder / "cut.parquet").read_bytes()[:-20])
    (folder / "fake.xlsx").write_text("no excel")
    (folder / "fake.json").write_text("{")
    (folder / "fake.ndjson").write_text('{"a": 1}\n{"a":\n')
    (folder / "empty.csv").touch()
    (folder / "cut.csv.gz").write_bytes(gzip.compress(random.Random(1).randbytes(50_000).hex().encode())[:-9_000])
    (folder / "fake.csv.zip").write_text("zz")
    (folder / "good.weird").write_text("a")


CASES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "cut.parquet": ("DATA_INVALID", "stream", ("'cut.parquet' is cut off or no Parquet file", "correct the file")),
    "fake.xlsx": ("DATA_INVALID", "stream", ("'fake.xlsx'", "no Excel file", "correct the file")),
    "fake.json": ("DATA_INVALID", "stream", ("'fake.json'", "no JSON file", "correct the file")),
    "fake.ndjson": ("DATA_INVALID", "stream", ("'fake.ndjson'", "no NDJSON file", "correct the file")),
    "empty.csv": ("DATA_INVALID", "stream", ("'empty.csv' is empty", "choose another file")),
    "cut.csv.gz": ("DATA_INVALID", "stream", ("'cut.csv.gz' is damaged", "fetch or pack it again")),
    "fake.csv.zip": ("DATA_INVALID", "stream", ("'fake.csv.zip' is damaged", "fetch or pack it again")),
    "good.weird": ("VALIDATION_FAILED", "options.format", ("'good.weird'", "choose it in the options")),
    "missing.csv": ("VALIDATION_FAILED", "stream", ("there is no file 'missing.csv'", "there is cut.csv.gz")),
    "../../../../etc/passwd": ("VALIDATION_FAILED", "stream", ("leads out of the connection's folder", "below it")),
    "/etc/passwd": ("VALIDATION_FAILED", "stream", ("is no file below", "write a relative path")),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_is_said(
    name: str, run: Callable, steps: Any, files: Path, warehouse: str, to_postgres: Callable, tables: Callable
) -> None:
    damaged(files)
    code, field, words = CASES[name]
    shown = run(steps.read(name), steps.write(), Db=to_postgres(warehouse))
    assert (shown.status, shown.error["code"], shown.error["node_id"]) == ("failed", code, "rows")
    assert shown.error["field"] == field
    assert [word for word in ("'The rows'", *words) if word not in shown.sentence] == [], shown.sentence
    assert {key: node["status"] for key, node in shown.nodes.items()} == {"rows": "failed", "target": "skipped"}
    assert tables() == {}


def test_a_folder_outside_of_the_roots_is_refused(run: Callable, steps: Any, files: Path) -> None:
    outside = {"connector": "local_files", "config": {"root": "/etc"}}
    (files / "good.csv").write_text("id\n1\n")
    for flow in (
        [steps.read("passwd", "Etc", options={"format": "csv"})],
        [steps.read("good.csv"), steps.write("headrace.csv", "Etc", "local_files")],
    ):
        shown = run(*flow, Etc=outside)
        assert (shown.status, shown.error["node_id"], shown.error["field"]) == ("failed", flow[-1]["id"], "root")
        assert "the folder '/etc' is outside" in shown.sentence
        assert "HEADRACE_FILE_ROOTS" in shown.sentence
    assert not Path("/etc/headrace.csv").exists()


def test_wrong_lines_fail_the_step_without_an_error_port(
    run: Callable, steps: Any, files: Path, warehouse: str, to_postgres: Callable, tables: Callable
) -> None:
    (files / "bad.csv").write_text(LINES)
    shown = run(steps.read("bad.csv"), steps.write(), Db=to_postgres(warehouse))
    assert (shown.error["code"], shown.error["node_id"], shown.error["field"]) == ("DATA_INVALID", "rows", "stream")
    assert "'bad.csv' line 3002: it has 1 fields instead of 2" in shown.sentence
    assert "connect the error port" in shown.sentence
    assert tables() == {}


def test_wrong_lines_go_to_the_error_port_with_number_and_reason(
    run: Callable, steps: Any, files: Path, warehouse: str, to_postgres: Callable, tables: Callable
) -> None:
    (files / "bad.csv").write_text(LINES)
    refused = steps.write("refused", source="rows.error", name="refused")
    shown = run(steps.read("bad.csv"), steps.write(), refused, Db=to_postgres(warehouse))
    assert shown.status == "completed", shown
    counts = {key: (node["rows_in"], node["rows_out"], node["rows_rejected"]) for key, node in shown.nodes.items()}
    assert counts["rows"][1:] == (GOOD, len(WRONG))
    assert counts["target"] == (GOOD, GOOD, 0)
    assert counts["refused"] == (len(WRONG), len(WRONG), 0)
    there = tables()
    assert (there["target"], there["refused"]) == (GOOD, len(WRONG))
    assert there["target"] + there["refused"] == len(LINES.splitlines()) - 1, "read = written + rejected"
    with psycopg.connect(warehouse) as db:
        rows = db.execute("select _row, _column, _reason from refused order by _row").fetchall()
    assert [(row[0], row[1] or "") for row in rows] == WRONG
    assert "1 fields instead of 2" in rows[0][2]
    assert "'x'" in rows[1][2]


@pytest.fixture
def huge(files: Path) -> Callable[[int, bool], str]:
    """A CSV whose third line has one field of so many MiB, in quotes over many lines or plain."""

    def make(mib: int, quoted: bool) -> str:
        piece = ("y" * 1_023 + "\n") * 1_024 if quoted else "x" * 2**20
        with (files / "huge.csv").open("w") as file:
            file.write("id,name\n1,a\n2," + ('"' if quoted else ""))
            for _ in range(mib):
                file.write(piece)
            file.write(('"' if quoted else "") + "\n3,c\n")
        return "huge.csv"

    return make


@pytest.fixture
def peak(install: Path) -> Callable[[], int]:
    """Most MiB that a process of the install has held so far."""

    def look() -> int:
        return max(_peaks(json.loads((install / "running.json").read_text())["pid"]))

    return look


def _peaks(pid: int) -> Iterator[int]:
    """MiB of a process and of those below it; one that has just ended counts nothing."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                yield int(line.split()[1]) // 1024
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _peaks(int(child))


@pytest.mark.parametrize(
    ("mib", "quoted", "more"),
    [(200, False, 200), (40, True, 400), pytest.param(1_100, False, 200, marks=pytest.mark.slow)],
)
def test_a_huge_field_is_refused_in_bounded_memory(
    mib: int, quoted: bool, more: int, huge: Callable, run: Callable, steps: Any, files: Path, peak: Callable
) -> None:
    (files / "small.csv").write_text("id,name\n1,a\n")
    assert run(steps.read("small.csv")).status == "completed"
    before = peak()
    shown = run(steps.read(huge(mib, quoted)), steps.write("out.csv", "Files", "local_files"))
    assert (shown.status, shown.error["code"], shown.error["field"]) == ("failed", "DATA_INVALID", "stream")
    assert "'huge.csv' line 3: a field or line of it is longer than 16 MiB" in shown.sentence
    assert "correct the file" in shown.sentence
    assert peak() < before + more
    assert not (files / "out.csv").exists()


def test_the_rows_around_a_huge_line_survive(huge: Callable, run: Callable, steps: Any, files: Path) -> None:
    refused = steps.write("refused.csv", "Files", "local_files", "rows.error", name="refused")
    shown = run(steps.read(huge(40, False)), steps.write("out.csv", "Files", "local_files"), refused)
    assert shown.status == "completed", shown
    assert (files / "out.csv").read_text() == "id,name\n1,a\n3,c\n"
    assert pl.read_csv(files / "refused.csv")["_row"].to_list() == [3]
    assert (files / "refused.csv").stat().st_size < 1_000
