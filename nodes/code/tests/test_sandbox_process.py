"""The process of the sandbox: what the host does for it, what it holds, when it ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from headrace.sdk import DataError, PluginError, parse_config
from headrace.testing.node import FakeContext, installed_engine
from headrace_node_code.configs import CodeConfig
from headrace_node_code.node import Code
from headrace_node_code.sandbox import Sandbox

LIMITS = {"seconds": 0.5, "total_seconds": 2, "memory_mb": 32}


def children():
    """Processes of the sandbox below this one."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if rest.split()[1] == str(os.getpid()) and "monty" in name and rest.split()[0] != "Z":
            found.add(stat.parent.name)
    return found


class Cancelling(FakeContext):
    def progress(self, rows):
        raise InterruptedError


def test_a_cancelled_loop_ends_at_once(tmp_path):
    started = time.monotonic()
    with pytest.raises(InterruptedError):
        ctx = Cancelling(installed_engine(), tmp_path)
        node = Code(parse_config(CodeConfig, {"code": "while True: pass", "seconds": 60}))
        node.run(ctx, {"in": ctx.engine.adopt(pl.LazyFrame({"n": [1]}))})
    assert time.monotonic() - started < 30
    assert children() == set()


AUDIT = """
import sys
from pathlib import Path
import polars as pl
from headrace.sdk import parse_config
from headrace.testing.node import FakeContext, installed_engine
from headrace_node_code.configs import CodeConfig
from headrace_node_code.node import Code

engine = installed_engine()
def run(code):
    ctx = FakeContext(engine, Path(sys.argv[1]))
    node = Code(parse_config(CodeConfig, {"code": code}))
    node.run(ctx, {"in": ctx.engine.adopt(pl.LazyFrame({"n": [1]}))})
    return [r.reason for r in ctx.rejected]

assert run("import nothing") and not run("print(row)\\nreturn row")
seen, on = [], False
WATCHED = ("open", "import", "exec", "compile", "os.", "socket.", "subprocess.", "ctypes.", "shutil.", "tempfile.",
           "urllib.", "pickle.")

def watch(event, args):
    if on and event.startswith(WATCHED):
        seen.append((event, str(args)[:200]))

sys.addaudithook(watch)
modules, on = set(sys.modules), True
refused = [
    run("return {'n': open('/etc/hostname').read()}"),
    run("from pathlib import Path\\nPath('/tmp/headrace-made').write_text('x')\\nreturn row"),
    run("import socket\\nsocket.create_connection(('127.0.0.1', 9))\\nreturn row"),
    run("import subprocess\\nsubprocess.run('id')\\nreturn row"),
    run("import this_is_no_module\\nreturn row"),
    run("import csv, json, os, sys, decimal, datetime, tomllib, random\\nexec('import wave')\\nreturn row"),
    run("return {'n': eval('__import__(\\"wave\\")')}"),
]
on = False
assert all(refused), refused
assert set(sys.modules) == modules, set(sys.modules) - modules
on = True
open(sys.argv[1] + "/secret.txt").close()
assert any("secret.txt" in args for _, args in seen), "the hook sees nothing"
seen.pop()
own = ("('opentelemetry',", "('opentelemetry.context',")  # the sandbox's client looks for it at each call
print([entry for entry in seen if not entry[1].startswith(own)])
"""


def test_the_host_opens_connects_starts_and_imports_nothing_for_the_code(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    made = subprocess.run(
        [sys.executable, "-c", AUDIT, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() == "[]"


def test_the_process_of_the_sandbox_has_no_environment_and_bounds(tmp_path):
    ctx = FakeContext(installed_engine(), tmp_path)
    with Sandbox(ctx, parse_config(CodeConfig, {"code": "return row", **LIMITS})):
        (pid,) = children()
        assert Path(f"/proc/{pid}/environ").read_bytes() == b""
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        bounded_by = {line[:20].strip(): line[26:].split()[0] for line in limits[1:]}
        assert bounded_by["Max cpu time"] == "12"
        assert bounded_by["Max address space"] == str((1 << 30) + 4 * (32 << 20))
        assert bounded_by["Max core file size"] == "0"
    assert children() == set()


def test_a_killed_process_is_a_failure_with_a_sentence_and_the_host_goes_on(tmp_path):
    ctx = FakeContext(installed_engine(), tmp_path)
    config = parse_config(CodeConfig, {"code": "return row", **LIMITS})
    with Sandbox(ctx, config) as box:
        (pid,) = children()
        os.kill(int(pid), 9)
        with pytest.raises(DataError, match="sandbox ended unexpectedly"):
            box.call("1")
    with Sandbox(ctx, config) as box:
        assert box.call("1 + 1") == 2
    assert children() == set()


def test_the_total_time_is_bounded_over_many_batches(tmp_path):
    ctx = FakeContext(installed_engine(), tmp_path)
    node = Code(
        parse_config(
            CodeConfig,
            {"code": "x = sum(range(300_000))\nreturn row", "batch_rows": 1, "seconds": 5, "total_seconds": 0.3},
        )
    )
    started = time.monotonic()
    with pytest.raises(DataError, match=r"used up its time, 0.3 s in all, in rows \d+ to \d+"):
        node.run(ctx, {"in": ctx.engine.adopt(pl.LazyFrame({"n": range(10_000)}))})
    assert time.monotonic() - started < 30


def test_without_the_sandbox_there_is_a_sentence(tmp_path, monkeypatch):
    config = parse_config(CodeConfig, {"code": "return row"})
    monkeypatch.setenv("MONTY_BIN", str(tmp_path / "nothing"))
    with (
        pytest.raises(PluginError, match="sandbox does not start on this machine"),
        Sandbox(FakeContext(installed_engine(), tmp_path), config),
    ):
        pass
