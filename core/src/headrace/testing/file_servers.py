"""Servers of files for tests: started once per session on a free port of loopback, stopped by their pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from headrace.cli.children import die_with_parent

START_S = 120


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


def program(name: str) -> str:
    """Path of an installed program; skips where there is none, fails where CI promises it."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        promised = os.environ.get("HEADRACE_CI_SERVICES", "").replace(" ", "").split(",")
        if os.environ.get("CI") == "true" and name in promised:
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def serving(command: Sequence[str], port: int, log: Path, **more: str) -> Iterator[int]:
    """A server that listens on `port` for the block."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **more},
            start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - it only makes system calls
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} does not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
