"""Child processes that die with their parent and are started again when they fall."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

RESTART_S = (0.5, 1, 2, 5, 10)
"""Pauses before a fallen child is started again."""
QUIET_S = 60
"""A child that lived so long has recovered: its next fall counts as the first."""


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends (Linux; elsewhere the next start cleans up)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Child:
    """One process under supervision; its output goes to a log file."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command = command
        self._env = dict(env)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._falls = 0
        self._again = 0.0

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._env, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - one thread so far
            )  # fmt: skip
        self._started = time.monotonic()

    def watch(self, say: Callable[[str], None]) -> None:
        """Start it again, with growing pauses, if it fell."""
        if self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if not self._again:
            self._falls = 1 if now - self._started > QUIET_S else self._falls + 1
            pause = RESTART_S[min(self._falls, len(RESTART_S)) - 1]
            self._again = now + pause
            say(f"{self.name} ended with {self._process.returncode}; starting it again in {pause:g} s ({self._log})")
        elif now >= self._again:
            self._again = 0.0
            self.start()

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic), then end its whole group."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def tail(self, lines: int = 5) -> str:
        """Last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
