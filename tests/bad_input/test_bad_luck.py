"""A disk that fills up, a server that dies in the middle: nothing is half-written, and the next run works."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from headrace.testing.services import needs
from psycopg import sql

WITHIN_S = 120


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory, start_install: Callable) -> Iterator[tuple[Path, Path]]:
    """An install whose files have 4 MiB and whose scratch has 64: its home, and the files as it sees them."""
    folder = tmp_path_factory.mktemp("cramped")
    home, scratch = folder / "home", folder / "scratch"
    scratch.mkdir()
    unshare = shutil.which("unshare")
    space = [str(unshare), "-m"] if os.geteuid() == 0 else [str(unshare), "-r", "-m"]
    mount = 'mount -t tmpfs -o size=4m tmpfs "$0" && mount -t tmpfs -o size=64m tmpfs "$1" && shift && exec "$@"'
    before = (*space, "sh", "-c", mount, str(home / "files"), str(scratch))
    probe = (*before[:-2], str(scratch), str(scratch), "true")
    if unshare is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets us mount nothing")
    with start_install(home, before, TMPDIR=str(scratch)) as process:
        yield home, Path(f"/proc/{process.pid}/root{home}/files")


@pytest.fixture
def rows(warehouse: str, steps: Any) -> Callable[[int], dict[str, Any]]:
    """Makes a step that reads so many rows of 32 random characters."""

    def make(count: int) -> dict[str, Any]:
        with psycopg.connect(warehouse) as db:
            query = "create view {} as select n, md5(n::text) as word from generate_series(1, {}) as s(n)"
            db.execute(sql.SQL(query).format(sql.Identifier(f"first_{count}"), sql.Literal(count)))
        step: dict[str, Any] = steps.read(f"first_{count}", "Db", "postgresql")
        return step

    return make


@pytest.mark.parametrize(
    "name", ["out.csv", "out.parquet", "out.json", "out.csv.gz", pytest.param("out.xlsx", marks=pytest.mark.slow)]
)  # ten seconds of zip
def test_a_disk_that_fills_up_while_writing_leaves_the_old_file(
    name: str, cramped: tuple[Path, Path], run_on: Callable, steps: Any, rows: Callable, warehouse: str,
    to_postgres: Callable,
) -> None:  # fmt: skip
    home, seen = cramped
    run = run_on(home, ".")
    write = partial(steps.write, name, "Files", "local_files", mode="overwrite")
    first = run(rows(1), write(), Db=to_postgres(warehouse))
    assert first.status == "completed", first
    old = (seen / name).read_bytes()
    shown = run(rows(300_000), write(), Db=to_postgres(warehouse))
    assert (shown.status, shown.error["code"], shown.error["node_id"]) == ("failed", "STORAGE_FULL", "target"), shown
    assert shown.sentence.startswith("'The target': the disk ")
    assert "full; free some space" in shown.sentence
    assert (shown.nodes["rows"]["rows_out"], shown.nodes["target"]["rows_out"]) == (300_000, None)
    assert (seen / name).read_bytes() == old
    assert [path.name for path in seen.iterdir() if path.name.endswith(".part")] == [], "no half file stays"
    for path in seen.iterdir():
        path.unlink()


@pytest.mark.slow
def test_a_full_scratch_disk_fails_the_step_and_the_next_run_works(
    cramped: tuple[Path, Path], run_on: Callable, steps: Any, rows: Callable, warehouse: str, to_postgres: Callable,
    tables: Callable,
) -> None:  # fmt: skip
    run = run_on(cramped[0], ".")
    shown = run(rows(3_000_000), steps.write(), Db=to_postgres(warehouse))
    assert (shown.status, shown.error["code"], shown.error["node_id"]) == ("failed", "STORAGE_FULL", "rows"), shown
    assert shown.sentence.startswith("'The rows': the disk ")
    assert "full; free some space" in shown.sentence
    assert tables() == {}
    assert run(rows(10), steps.write(), Db=to_postgres(warehouse)).status == "completed"
    assert tables()["target"] == 10


TARGET = """
create table target (n bigint, word text);
create function wait() returns trigger language plpgsql as $$ begin
    while new.n = 150000 and not exists (select from released) loop perform pg_sleep(0.2); end loop;
    return new;
end $$;
create table released (at int);
create trigger wait before insert on target for each row execute function wait();
"""


@pytest.fixture
def cut(warehouse: str) -> Iterator[Callable[[], None]]:
    """Ends the session that writes into `target` once it waits in the middle; then the table waits no more."""
    with psycopg.connect(warehouse) as db:
        db.execute(TARGET)
    threads = []
    done = []

    def work() -> None:
        deadline = time.monotonic() + WITHIN_S
        with closing(psycopg.connect(needs("postgres"), autocommit=True)) as admin:
            find = (
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and wait_event = 'PgSleep'"
            )
            while time.monotonic() < deadline and not done:
                if admin.execute(find, (warehouse.rpartition("/")[2],)).fetchone():
                    done.append(True)
                time.sleep(0.02)
        with closing(psycopg.connect(warehouse, autocommit=True)) as db:
            db.execute("insert into released values (1)")

    def start() -> None:
        threads.append(threading.Thread(target=work))
        threads[0].start()

    yield start
    for thread in threads:
        thread.join(WITHIN_S)
    assert done, "nothing was cut, so this test proved nothing"


@pytest.mark.parametrize("again", [False, True])
def test_a_server_that_dies_in_the_middle_of_a_copy_keeps_nothing_or_all(
    again: bool, run: Callable, steps: Any, rows: Callable, warehouse: str, to_postgres: Callable, tables: Callable,
    cut: Callable,
) -> None:  # fmt: skip
    write = steps.write() | ({"retry": {"max": 2, "delay_s": 0}} if again else {})
    cut()
    shown = run(rows(200_000), write, Db=to_postgres(warehouse))
    if again:
        assert shown.status == "completed", shown
        assert (tables()["target"], shown.nodes["target"]["rows_in"]) == (200_000, 200_000)
        return
    assert (shown.status, shown.error["code"], shown.error["node_id"]) == ("failed", "UNAVAILABLE", "target")
    for words in (
        "'The target': the link to postgres",
        "was lost",
        "check that the server runs",
        "try again",
    ):
        assert words in shown.sentence
    assert {name: count for name, count in tables().items() if name != "released"} == {}
    assert (shown.nodes["rows"]["rows_out"], shown.nodes["target"]["rows_out"]) == (200_000, None)
