"""Nodes that wait, die, fail and write, for the tests of the worker. `conftest.py` installs the plugin `node-lab`."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import sqlite3
import time
from pathlib import Path

from headrace.sdk import (
    ERROR_PORT,
    Column,
    Config,
    DataError,
    DataType,
    Effect,
    Node,
    NodeManifest,
    Port,
    Reject,
    TransientError,
    hookimpl,
    lazy,
)  # fmt: skip
from headrace.sdk.frames import nw

ROWS = (Column("id", DataType.INTEGER, bits=64),)


def _greed() -> None:
    """Take memory until the system gives no more; the limit stands for a machine's."""
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + 2**26
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    hoard = []
    while True:
        hoard.append(bytearray(2**20))


DEATHS = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit": lambda: os._exit(3),
    "memory": _greed,
}


class RowsConfig(Config):
    """How many rows."""

    count: int = 3


class GateConfig(Config):
    """What happens at the gate.

    `began` gets a line with the runner's pid per attempt. `die_times`: attempts that kill their own process.
    `wait_for`: a file that has to exist before it goes on; `fails_while`: one whose existence makes it fail for good.
    `fail_times`: attempts that fail; `transient` ones are retried. `rejects`: rows that it does not take. `deaf`: does
    not hear that it is cancelled. `takes_s`: how long it works. `die_of`: see `DEATHS`. `grip_s`: how long it lets no
    other thread of its process work. `says`: how many lines it logs.
    """

    began: str
    wait_for: str = ""
    die_times: int = 0
    fails_while: str = ""
    fail_times: int = 0
    transient: bool = True
    rejects: int = 0
    deaf: bool = False
    takes_s: float = 0
    says: int = 0
    die_of: str = "kill"
    grip_s: int = 0


class WriteConfig(GateConfig, kw_only=True):
    """Where to write: one line per row, once per effect key."""

    target: str


class PostConfig(Config):
    """A SQLite database with a ledger of effects. `forgetful`: its key is another one in each attempt."""

    ledger: str
    takes_s: float = 0
    forgetful: bool = False


class Rows(Node[RowsConfig]):
    """A source; the execution's input may say how many rows."""

    def run(self, ctx, inputs):
        count = ctx.input_data.get("count", self.config.count)
        return {"out": ctx.engine.table(ROWS, [(n,) for n in range(count)], ctx.scratch)}


class Gate(Node[GateConfig]):
    """Passes rows on, after what its config asks for."""

    def run(self, ctx, inputs):
        _gate(self.config, ctx)
        if not self.config.rejects:
            return {"out": inputs["in"]}
        if not ctx.rejects_connected:
            raise DataError(f"{self.config.rejects} rows are wrong")
        ctx.reject([Reject(number + 1, "wrong") for number in range(self.config.rejects)])
        return {"out": inputs["in"].filter(nw.col("id") >= self.config.rejects)}


class Write(Node[WriteConfig]):
    """An idempotent sink."""

    def run(self, ctx, inputs):
        rows = sum(frame.height for frame in ctx.engine.batches(inputs["in"]))
        _gate(self.config, ctx)
        done = Path(self.config.target + "." + ctx.effect_key.replace(":", "-"))
        with Path(self.config.target).open("a") as target:
            fcntl.flock(target, fcntl.LOCK_EX)  # as a database would: a frozen worker's runner may write beside ours
            if not done.exists():
                target.writelines(f"{ctx.effect_key} {n}\n" for n in range(rows))
                target.flush()
                done.touch()
        ctx.log(f"wrote {rows}", rows=rows)
        return {"result": ctx.engine.table(ROWS, [(rows,)], ctx.scratch)}


class Call(Node[GateConfig]):
    """Asks somebody else and waits for the answer."""

    def run(self, ctx, inputs):
        _gate(self.config, ctx)
        return {"out": ctx.engine.table(ROWS, [(os.getpid(),)], ctx.scratch)}


class Post(Node[PostConfig]):
    """A transactional sink: its ledger and its rows are one transaction, so an effect is there once or not at all."""

    def run(self, ctx, inputs):
        rows = sum(frame.height for frame in ctx.engine.batches(inputs["in"]))
        key = f"{ctx.effect_key}:{ctx.attempt}" if self.config.forgetful else ctx.effect_key
        with contextlib.closing(sqlite3.connect(self.config.ledger, timeout=60)) as target, target:
            done = target.execute("insert into ledger values (?) on conflict do nothing", (key,)).rowcount
            if done:
                target.execute("insert into effects values (?, ?)", (ctx.effect_key, rows))
            else:
                target.execute("insert into repeats values (?)", (ctx.effect_key,))
        time.sleep(self.config.takes_s)  # the effect is there, and nobody knows it yet
        return {"result": ctx.engine.table(ROWS, [(rows,)], ctx.scratch)}


def _gate(config: GateConfig, ctx) -> None:
    with Path(config.began).open("a") as began:
        began.write(f"{os.getpid()}\n")
    time.sleep(config.takes_s)
    for n in range(config.says):
        ctx.log(f"line {n}")
    attempts = len(Path(config.began).read_text().splitlines())
    if attempts <= config.die_times:
        DEATHS[config.die_of]()
    if config.grip_s:
        ctypes.PyDLL(None).sleep(config.grip_s)  # a driver that waits in C and keeps the interpreter's lock
    while config.wait_for and not Path(config.wait_for).exists():
        if not config.deaf:
            ctx.progress(0)
        time.sleep(0.01)
    if config.fails_while and Path(config.fails_while).exists():
        raise DataError("this one is bad")
    if attempts <= config.fail_times:
        raise TransientError("the other side is away") if config.transient else DataError("row 2 is wrong")


_OUT = (Port("out"),)


@hookimpl
def headrace_nodes() -> list[NodeManifest]:
    return [
        NodeManifest(id="rows", title="Rows", config=RowsConfig, factory=lazy("headrace_node_lab:Rows"), inputs=(),
                     outputs=_OUT, effect=Effect.READ),
        NodeManifest(id="gate", title="Gate", config=GateConfig, factory=lazy("headrace_node_lab:Gate"),
                     outputs=(*_OUT, ERROR_PORT), heavy=True),
        NodeManifest(id="write", title="Write", config=WriteConfig, factory=lazy("headrace_node_lab:Write"),
                     outputs=(Port("result"),), effect=Effect.CREATE),
        NodeManifest(id="post", title="Post", config=PostConfig, factory=lazy("headrace_node_lab:Post"),
                     outputs=(Port("result"),), effect=Effect.CREATE, waits=True),
        NodeManifest(id="call", title="Call", config=GateConfig, factory=lazy("headrace_node_lab:Call"),
                     inputs=(Port("in", required=False),), outputs=_OUT, effect=Effect.CREATE, waits=True),
    ]  # fmt: skip
