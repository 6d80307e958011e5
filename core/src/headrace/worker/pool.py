"""Runner processes: started ahead, bound to one organization, replaced when they have served, grown or died."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from headrace.engine.messages import Order
from headrace.sdk.errors import TransientError
from headrace.worker.wire import FromRunner, Ready, frame, read_report

SEGMENTS_MAX = 200
"""A runner is replaced after so many segments: leaks of drivers stay small."""
GROWN_BYTES = 1_500_000_000
READY_S = 60.0
_ENVIRONMENT = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH", "JAVA_HOME",
    "ODBCSYSINI", "PYTHONPATH", "VIRTUAL_ENV", "HEADRACE_LOAD_PLUGINS", "HEADRACE_FILE_ROOTS",
    "HEADRACE_EGRESS_ALLOW",
)  # fmt: skip


class Runner:
    """One child process."""

    def __init__(self, process: asyncio.subprocess.Process, scratch: Path) -> None:
        self._process = process
        self._scratch = scratch
        self.organization_id: UUID | None = None
        self.served = 0

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
                ready = await runner.report()
        except TimeoutError:
            ready = None
        except BaseException:
            runner.kill()
            raise
        if not isinstance(ready, Ready):
            runner.kill()
            await runner.wait()
            raise TransientError("a runner process did not start; the worker's log has its output")
        return runner

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    async def send(self, order: Order) -> None:
        """Send an order; a runner that is gone shows itself at the next report."""
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(ConnectionError):
                pipe.write(frame(order))
                await pipe.drain()

    async def report(self) -> FromRunner | None:
        """The next report; None when the process is gone."""
        pipe = self._process.stdout
        return None if pipe is None else await read_report(pipe)

    def kill(self) -> None:
        """End it and whatever it has started, now.

        Never `self._process.kill()`: it may reap a process that has just died by itself, whose exit code asyncio's own
        watcher then reports as 255.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Exit code, once it has ended; what it left in its scratch folder goes with it."""
        code = await self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return code

    def worn(self) -> bool:
        """Whether to replace it."""
        return self.served >= SEGMENTS_MAX or _resident_bytes(self.pid) > GROWN_BYTES


class RunnerPool:
    """At most `size` runners at work; idle ones wait for the next segment of their organization."""

    def __init__(self, size: int, scratch: Path) -> None:
        self.size = size
        self._scratch = scratch
        self._idle: list[Runner] = []
        self._busy: set[Runner] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False

    def warm_up(self) -> None:
        """Start a runner in the background, if there is room for one."""
        if self._closed or len(self._idle) + len(self._busy) + len(self._starting) >= self.size:
            return
        task = asyncio.create_task(self._add_idle())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _add_idle(self) -> None:
        with contextlib.suppress(TransientError):
            self._idle.append(await self._start())

    async def _start(self) -> Runner:
        threads = max(1, (os.cpu_count() or 1) // self.size)
        return await Runner.start(threads=threads, scratch=self._scratch)

    async def acquire(self, organization_id: UUID) -> Runner:
        """A runner that has served no other organization.

        Raises:
            TransientError: none could be started.
        """
        self._idle = [runner for runner in self._idle if runner.alive]
        runner = self._take(organization_id)
        if runner is None and self._starting:
            await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)
            runner = self._take(organization_id)
        if runner is None:
            if self._idle and len(self._idle) + len(self._busy) >= self.size:
                await self._end(self._idle.pop(0))
            runner = await self._start()
        runner.organization_id = organization_id
        self._busy.add(runner)
        return runner

    def _take(self, organization_id: UUID) -> Runner | None:
        for wanted in (organization_id, None):
            for runner in self._idle:
                if runner.organization_id == wanted:
                    self._idle.remove(runner)
                    return runner
        return None

    async def release(self, runner: Runner, *, healthy: bool) -> None:
        """Take a runner back; one that is not healthy, or worn, is replaced."""
        self._busy.discard(runner)
        runner.served += 1
        if healthy and runner.alive and not runner.worn() and not self._closed:
            self._idle.append(runner)
            return
        await self._end(runner)
        self.warm_up()

    async def _end(self, runner: Runner) -> None:
        runner.kill()
        await runner.wait()

    async def close(self) -> None:
        """End every runner."""
        self._closed = True
        for task in list(self._starting):
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for runner in [*self._idle, *self._busy]:
            await self._end(runner)
        self._idle.clear()


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
