"""A runner process as its supervisor sees it: segments go in by number, reports come out, its end is explained."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from headrace.engine.messages import Cancel, Committed, HostTold, Order, Report, SegmentRequest
from headrace.sdk.errors import TransientError
from headrace.worker.wire import Ordered, Ready, Reported, frame, read_report

SEGMENTS_MAX = 1_000
"""A runner is replaced after so many segments: leaks of drivers stay small."""
GROWN_BYTES = 1_500_000_000
READY_S = 60.0
CROWD, CROWD_GRACE_S = 8, 1.0
"""So many segments of a runner that are all to stop have so many seconds for it."""
NICE, NICER = 5, 10
"""Each step is a third of the CPU time, when it is short: what computes goes after what hands out the work."""
_ENVIRONMENT = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH", "JAVA_HOME",
    "ODBCSYSINI", "PYTHONPATH", "VIRTUAL_ENV", "HEADRACE_LOAD_PLUGINS", "HEADRACE_FILE_ROOTS",
    "HEADRACE_EGRESS_ALLOW",
)  # fmt: skip


Heard: TypeAlias = Callable[[Report | None], None]


class Work:
    """One segment in a runner; `heard` is told each of its reports, and None when the process is gone."""

    def __init__(self, runner: Runner, no: int, heard: Heard) -> None:
        self.runner, self.heard = runner, heard
        self.asked = False
        self._no = no

    async def begin(self, request: SegmentRequest) -> None:
        """Have it executed."""
        await self.runner.send(self._no, request)

    async def cancel(self) -> None:
        """Ask for the end of the segment."""
        self.asked = True
        self.runner.hurry()
        await self.runner.send(self._no, Cancel())

    async def tell(self, answer: HostTold) -> None:
        """Answer what one of its connections asked."""
        await self.runner.send(self._no, answer)

    async def commit(self, *, kept: bool) -> None:
        """Tell that what it came to is stored, or dropped."""
        await self.runner.send(self._no, Committed(kept))

    def close(self) -> None:
        """Hear no more of it."""
        self.runner.orders.pop(self._no, None)


class Runner:
    """One child process.

    Attributes:
        orders: Segments in work, by number.
        seats: How many segments have a place in it.
        crowd: How many were in work when it died by itself; 0 while it lives, and when we have ended it.
    """

    def __init__(self, process: asyncio.subprocess.Process, scratch: Path) -> None:
        self._process = process
        self._scratch = scratch
        self._ended = False
        self._reader: asyncio.Task[None] | None = None
        self.organization_id: UUID | None = None
        self.orders: dict[int, Work] = {}
        self.seats = 0
        self.served = 0
        self.crowd = 0
        self.yields = False
        """Whether others go first when the CPU is short."""
        self.retired = False
        """Whether it gets no more segments."""

    @classmethod
    async def start(cls, *, threads: int, scratch: Path) -> Runner:
        """Start a process, with a folder of its own in `scratch`, and wait until it has loaded its plugins.

        Raises:
            TransientError: it died or was too slow.
        """
        scratch = Path(tempfile.mkdtemp(dir=scratch))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "headrace.worker.runner", str(os.getpid()),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=runner_environment(threads, scratch),
            cwd=scratch, start_new_session=True, limit=1024 * 1024,
        )  # fmt: skip
        runner = cls(process, scratch)
        try:
            async with asyncio.timeout(READY_S):
                ready = await runner._said()
        except TimeoutError:
            ready = None
        except BaseException:
            runner.kill()
            raise
        if ready is None or not isinstance(ready.report, Ready):
            runner.kill()
            await runner.wait()
            raise TransientError("a runner process did not start; the worker's log has its output")
        runner._reader = asyncio.create_task(runner._read())
        runner._step_back(NICE)
        return runner

    async def _said(self) -> Reported | None:
        pipe = self._process.stdout
        return None if pipe is None else await read_report(pipe)

    async def _read(self) -> None:
        """Hand each report to its segment; None to all when the process is gone."""
        while (said := await self._said()) is not None:
            work = self.orders.get(said.no)
            if work is not None and not isinstance(said.report, Ready):
                work.heard(said.report)
        self.retired = True
        self.crowd = 0 if self._ended else len(self.orders)
        for work in list(self.orders.values()):
            work.heard(None)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def fit(self) -> bool:
        """Whether it may be given one more segment."""
        return self._process.returncode is None and not self.retired

    def work(self, heard: Heard) -> Work:
        """A place for a segment, to `begin` it; what it reports is `heard`, which raises nothing."""
        self.served += 1
        work = self.orders[self.served] = Work(self, self.served, heard)
        if self.retired:
            heard(None)
        return work

    async def send(self, no: int, order: Order) -> None:
        """Send an order; a runner that is gone shows itself at the next report."""
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(ConnectionError):
                pipe.write(frame(Ordered(no, order)))
                await pipe.drain()

    def hurry(self) -> None:
        """Once a crowd in it is to stop, and nobody else is there, it has a moment for that: alone, each has longer.

        Many that end at once wait for each other more than for anything.
        """
        if len(self.orders) >= CROWD and self._all_asked():
            asyncio.get_running_loop().call_later(CROWD_GRACE_S, self._end_crowd)

    def _all_asked(self) -> bool:
        return all(work.asked for work in self.orders.values())

    def _end_crowd(self) -> None:
        if self.orders and self._all_asked():
            self._ended = self.retired = True
            self.kill()

    def kill(self) -> None:
        """End it and whatever it has started, now.

        Never `self._process.kill()`: it may reap a process that has just died by itself, whose exit code asyncio's own
        watcher then reports as 255.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def yield_cpu(self) -> None:
        """Let other runners go first, for good: an ordinary user cannot take it back."""
        if not self.yields:
            self.yields = True
            self._step_back(NICER)

    def _step_back(self, nice: int) -> None:
        """Where Linux groups processes by session, what counts is the group's value; a runner has its own session."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PGRP, self.pid, nice)
        with contextlib.suppress(OSError):
            Path(f"/proc/{self.pid}/autogroup").write_text(str(nice), encoding="ascii")

    async def end(self) -> None:
        """End it on purpose: segments in work are told that it was not their fault."""
        self._ended = self.retired = True
        self.kill()
        await self.wait()

    async def wait(self) -> int:
        """Exit code, once it has ended; what it left in its scratch folder goes with it."""
        code = await self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return code

    def worn(self) -> bool:
        """Whether to replace it."""
        return self.served >= SEGMENTS_MAX or _resident_bytes(self.pid) > GROWN_BYTES


def runner_environment(threads: int, scratch: Path) -> Mapping[str, str]:
    """What a runner sees: paths and language, no address and no secret of its parent."""
    known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    known["HEADRACE_HOME"] = str(Path(os.environ.get("HEADRACE_HOME") or ".headrace").absolute())
    return {
        "HOME": str(scratch),
        **known,
        "TMPDIR": str(scratch),
        "POLARS_MAX_THREADS": str(threads),
        "PYTHONUNBUFFERED": "1",
    }


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
