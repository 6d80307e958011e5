"""The services of an installation without any: bundled PostgreSQL and Valkey in `HEADRACE_HOME`."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO

from msgspec import Struct, structs

from headrace.infra.crypto import generate_key
from headrace.infra.postgres import Passwords, PostgresServer, write_private
from headrace.infra.roles import DATABASE, DEMO_ROLE, WAREHOUSE, prepare_server
from headrace.infra.valkey import ValkeyServer
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError


class Urls(Struct, frozen=True, kw_only=True):
    """Addresses of the started services.

    Attributes:
        owner_url: Database `headrace`, role that migrates.
        app_url: The same for the api.
        worker_url: The same for worker and scheduler.
        warehouse_url: Database `warehouse` of role `demo`: a target for demo flows.
        redis_url: Valkey.
        master_key: Made once, kept in the home.
    """

    owner_url: Secret
    app_url: Secret
    worker_url: Secret
    warehouse_url: Secret
    redis_url: Secret
    master_key: Secret

    def environment(self) -> dict[str, str]:
        """The variables that let another process use them."""
        return {
            "HEADRACE_DATABASE_URL": self.app_url.reveal(),
            "HEADRACE_DATABASE_WORKER_URL": self.worker_url.reveal(),
            "HEADRACE_DATABASE_OWNER_URL": self.owner_url.reveal(),
            "HEADRACE_WAREHOUSE_URL": self.warehouse_url.reveal(),
            "HEADRACE_REDIS_URL": self.redis_url.reveal(),
            "HEADRACE_MASTER_KEYS": self.master_key.reveal(),
        }


class EmbeddedServices:
    """Starts and stops both. Start from the main thread: the kernel stops them when the starting thread ends.

    Args:
        home: `HEADRACE_HOME`.
        options: More PostgreSQL settings.
    """

    def __init__(self, home: Path, *, options: dict[str, str] | None = None) -> None:
        self.home = home.absolute()
        self._options = options
        self._postgres: PostgresServer | None = None
        self._valkey: ValkeyServer | None = None
        self._lock: IO[bytes] | None = None

    def start(self) -> Urls:
        """Start both and make roles and databases.

        Raises:
            ConfigError: the home is in use, not writable or its disk full.
            TransientError: a service does not answer in time.
        """
        try:
            (self.home / "logs").mkdir(mode=0o711, parents=True, exist_ok=True)
            self._take_lock()
            passwords = Passwords.load(self.home / "secrets" / "postgres.json")
        except OSError as error:
            raise ConfigError(
                f"the folder {self.home} is not usable: {error.strerror}; fix its rights, free space or choose another "
                "HEADRACE_HOME",
                detail=str(error),
            ) from None
        try:
            postgres = self._postgres = PostgresServer(
                self.home / "postgres", passwords, self.home / "logs" / "postgres.log", self._options
            )
            postgres.start()
            valkey = self._valkey = ValkeyServer(self.home / "valkey", self.home / "logs" / "valkey.log")
            valkey.start()
            roles = {name: value for name, value in structs.asdict(passwords).items() if name != "postgres"}
            prepare_server(postgres.url("postgres", "postgres"), roles)
        except BaseException:
            self.stop()
            raise
        return Urls(
            owner_url=Secret(postgres.url("headrace_owner", DATABASE)),
            app_url=Secret(postgres.url("headrace_app", DATABASE)),
            worker_url=Secret(postgres.url("headrace_worker", DATABASE)),
            warehouse_url=Secret(postgres.url(DEMO_ROLE, WAREHOUSE)),
            redis_url=Secret(valkey.url),
            master_key=home_master_key(self.home),
        )

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what is started."""
        return {name: server.pid for name, server in (("postgres", self._postgres), ("valkey", self._valkey)) if server}

    def revive(self) -> list[str]:
        """Start what has fallen again, at its old address. Returns the names.

        Raises:
            ConfigError: its disk is full, or its folder cannot be used.
            TransientError: it does not answer in time.
        """
        fallen = [(name, server) for name, server in (("PostgreSQL", self._postgres), ("Valkey", self._valkey))
                  if server is not None and server.fell]  # fmt: skip
        for _, server in fallen:
            server.start()
        return [name for name, _ in fallen]

    def stop(self) -> None:
        """Stop both; twice is fine."""
        for server in (self._valkey, self._postgres):
            if server is not None:
                server.stop()
        self._valkey = self._postgres = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        """One owner per home; the kernel frees the lock of a killed one."""
        handle = (self.home / "services.lock").open("a+b")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise ConfigError(
                f"headrace is already started in {self.home}; stop it or choose another HEADRACE_HOME"
            ) from None
        os.set_inheritable(handle.fileno(), False)
        self._lock = handle


def home_master_key(home: Path) -> Secret:
    """The master key of an embedded installation; made once, mode 0600."""
    file = home.absolute() / "secrets" / "master.key"
    with contextlib.suppress(FileNotFoundError):
        return Secret(file.read_text().strip())
    write_private(file, generate_key().encode())
    return Secret(file.read_text().strip())
