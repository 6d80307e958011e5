"""A disk that is full or broken: nothing is half-done, and work goes on once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.bad_input.conftest import run_flow, started

WITHIN_S = 90
WRITE = """
import pathlib, secrets, sys, polars as pl
secrets.token_hex = lambda size=0: "same"
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import HeadraceError
from headrace.engine.problems import problem_of
connector = load_plugins(only=["connector-local_files"], strict=True).registry.connector("local_files")
opened = connector.open({"root": sys.argv[1]})
opened.scratch = lambda: pathlib.Path(sys.argv[3])
rows = pl.DataFrame({"id": range(1_000), "word": [f"new {n}" for n in range(1_000)]})
try:
    parts = iter([rows.slice(n, 250) for n in range(0, 1_000, 250)])
    opened.write(sys.argv[2], parts, mode="overwrite", effect_key="k")
except Exception as error:
    sys.exit(f"{problem_of(error).code}: {problem_of(error).message}")
"""


@pytest.fixture
def cramped(tmp_path):
    """An install whose PostgreSQL has 160 MiB more than it needs: its home, and that disk as the install sees it."""
    home = tmp_path / "home"
    disk = home / "postgres"
    unshare = shutil.which("unshare")
    space = [str(unshare), "-m"] if os.geteuid() == 0 else [str(unshare), "-r", "-m"]
    probe = (*space, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path))
    if unshare is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets us mount nothing")
    with started(home):
        pass
    disk.rename(home / "kept")
    disk.mkdir(mode=0o700)
    size = '$(($(du -sm "$1" | cut -f1) + 160))m'
    mount = f'mount -t tmpfs -o size={size},mode=700 tmpfs "$0" && cp -a "$1/." "$0" && shift && exec "$@"'
    with started(home, (*space, "sh", "-c", mount, str(disk), str(home / "kept"))) as process:
        yield home, Path(f"/proc/{process.pid}/root{disk}")


@pytest.mark.slow
def test_a_database_without_room_refuses_and_goes_on_once_there_is_some(cramped, tmp_path, monkeypatch):
    """F17."""
    home, disk = cramped
    monkeypatch.setenv("HEADRACE_HOME", str(home))
    run = partial(run_flow, ".", tmp_path / "flow.yaml")
    (home / "files" / "in.csv").write_text("id\n1\n2\n")
    read = {"id": "rows", "type": "local_files.read", "config": {"connection": "Files", "stream": "in.csv"}}
    write = {"id": "out", "type": "local_files.write", "inputs": {"in": "rows"},
             "config": {"connection": "Files", "stream": "out.csv", "mode": "overwrite"}}  # fmt: skip
    assert run(dict(read), dict(write)).status == "completed"
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb") as file:
        while True:
            file.write(bytes(2**16))
            file.flush()
    (home / "files" / "out.csv").unlink()
    refused = 0
    for _ in range(5):
        try:
            refused += run(dict(read), dict(write)).status != "completed"
        except (AssertionError, ValueError):
            refused += 1  # it could not even be asked, and said so
    filler.unlink()
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            if run(dict(read), dict(write)).status == "completed":
                break
        except (AssertionError, ValueError):
            time.sleep(1)
    else:
        pytest.fail("it does not recover once there is room")
    assert (home / "files" / "out.csv").read_text() == "id\n1\n2\n"
    said = subprocess.run([sys.executable, "-m", "headrace", "doctor", "--deep"], capture_output=True, text=True,
                          env={**os.environ, "HEADRACE_HOME": str(home)}, check=False)  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_an_error_at_any_write_leaves_the_old_file_or_the_new_one(name, tmp_path, record_property):
    """F18: the n-th write to the file, or to what becomes the file, fails with EIO, for every n."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace; install the package strace to make writes fail")
    script = tmp_path / "write.py"
    script.write_text(WRITE)
    folder = tmp_path / "files"
    folder.mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    plain = [sys.executable, str(script), str(folder), name, str(scratch)]
    env = {**os.environ, "HEADRACE_FILE_ROOTS": str(folder), "PYTHONHASHSEED": "0"}

    calls = "write,pwrite64,writev,fsync,ftruncate,sendfile,copy_file_range"
    written = [scratch / "same.part", *(folder / f".{shown}.same.part" for shown in (name, f".{name}.effect"))]
    paths = [word for path in written for word in ("-P", str(path))]
    watched = [*paths, "-e", f"trace={calls}", "-o", str(tmp_path / "trace")]

    def attempt(n: int) -> subprocess.CompletedProcess[str]:
        inject = ["-e", f"inject={calls}:error=EIO:when={n}"] if n else []
        command = [strace, "-f", "-qq", *watched, *inject, *plain]
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=120)

    done = subprocess.run(plain, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    new = (folder / name).read_bytes()
    if attempt(0).returncode:
        pytest.skip("this machine lets us trace nothing")
    failed, n = 0, 0
    while True:
        n += 1
        (folder / name).write_bytes(b"old")
        (folder / f".{name}.effect").unlink(missing_ok=True)
        tried = attempt(n)
        injected = "INJECTED" in (tmp_path / "trace").read_text()
        left = (folder / name).read_bytes()
        assert left in {b"old", new}, f"half a file after the {n}-th write"
        assert [path.name for path in folder.glob(".*.part")] == [], "a half file stays beside it"
        if tried.returncode:
            failed += 1
            assert left == b"old"
        if not injected:
            break
    assert failed, "no write of the file failed, so nothing was proved"
    record_property("figure", (f"eio_{name[4:]}", f"Writes made to fail, {name[4:]}", "points of n", [n - 1]))
