"""Workers and schedulers of a test: started with plugins and clocks of their own, each ended by its pid."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headrace.cli.children import die_with_parent

if TYPE_CHECKING:
    from headrace.infra.settings import Settings

DEADLINE_S = 60
START_S = 240
"""A process imports for seconds, and for minutes on a machine that is busy with other things."""
_MODULES = {"worker": "supervisor", "scheduler": "scheduler"}
_CODE = """
import datetime, importlib, json, sys, time
shift, real = float(sys.argv[2]), time.time
if shift:
    time.time = lambda: real() + shift
    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz=None): return datetime.datetime.fromtimestamp(real() + shift, tz)
    import headrace.infra.clock as clock
    clock.datetime = Shifted
from headrace.infra.settings import load_settings
from headrace.worker.timing import Timing
timing = Timing(**json.loads(sys.argv[3]))
importlib.import_module("headrace.worker." + sys.argv[1]).main(load_settings(), timing=timing)
"""


async def until(look: Callable[[], Awaitable[Any] | Any], *, deadline_s: float = DEADLINE_S) -> Any:
    """The first truthy answer of `look`; the test fails when there is none in time.

    It looks less and less often: looking takes the processor from what it waits for.
    """
    end, pause = time.monotonic() + deadline_s, 0.02
    while time.monotonic() < end:
        found = look()
        found = await found if isinstance(found, Awaitable) else found
        if found:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 1.25, 0.2)
    pytest.fail(f"not within {deadline_s} s: {look}")


def installed(module: Path, folder: Path, *, name: str) -> Path:
    """A file of nodes as a distribution in a folder, for the path of processes. Returns the folder.

    Args:
        module: The file.
        folder: An empty one.
        name: Of the entry point, e.g. `node-lab`.
    """
    package = f"headrace_{name.replace('-', '_')}"
    info = folder / f"{package}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: headrace-{name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[headrace]\n{name} = {package}\n")
    shutil.copy(module, folder / f"{package}.py")
    return folder


class Processes:
    """Starts `worker` and `scheduler` processes; ends each by its pid.

    Args:
        settings: Of the install.
        path: On the path of the processes, for nodes of the tests.
        logs: Folder of their outputs; the folder above may be read and written by flows.
        plugins: That they load.
        slots: Segments that a worker executes at a time.
        allow: What connections may reach beside public addresses, e.g. `private`.
        timing: Fields of `Timing`.
    """

    def __init__(
        self, settings: Settings, path: Path, logs: Path, *, plugins: Sequence[str], slots: int = 1,
        allow: str = "", **timing: float,
    ) -> None:  # fmt: skip
        self._allow, self._settings, self._path, self._logs, self._slots = allow, settings, path, logs, slots
        self._plugins, self._timing = plugins, timing
        self.children: list[subprocess.Popen[bytes]] = []

    async def start(
        self, kind: str = "scheduler", *, redis_url: str = "", plugins: Sequence[str] = (), shift_s: float = 0,
        **timing: float,
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        """Start a process, its clock wrong by `shift_s`; returns once it is ready."""
        settings = self._settings
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(self._path), "PYTHONUNBUFFERED": "1",
            "HEADRACE_HOME": str(settings.home), "HEADRACE_DATABASE_URL": settings.database_url.reveal(),
            "HEADRACE_DATABASE_WORKER_URL": settings.database_worker_url.reveal(),
            "HEADRACE_REDIS_URL": redis_url or settings.redis_url.reveal(),
            "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(), "HEADRACE_WORKER_PROCESSES": str(self._slots),
            "HEADRACE_LOAD_PLUGINS": ",".join(plugins or self._plugins), "HEADRACE_FILE_ROOTS": str(self._logs.parent),
            "HEADRACE_EGRESS_ALLOW": self._allow,
        }  # fmt: skip
        path = self._logs / f"{kind}-{len(self.children)}.log"
        arguments = [_MODULES[kind], str(shift_s), json.dumps({**self._timing, **timing})]
        with path.open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", _CODE, *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - it only makes system calls
            )  # fmt: skip
        self.children.append(child)

        def ready() -> bool:
            if child.poll() is not None:
                pytest.fail(f"the {kind} ended with {child.returncode}: {path.read_text()[-3000:]}")
            return f"{kind} ready" in path.read_text()

        await until(ready, deadline_s=START_S)
        return child

    def log(self, number: int) -> str:
        """What the process with that number has said."""
        return sorted(self._logs.iterdir(), key=lambda path: path.stat().st_ctime)[number].read_text()

    def end(self) -> None:
        """End them all, also those that a test has stopped."""
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGCONT)
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
