"""All processes of one machine: databases, api, worker, scheduler; same code path as production."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from headrace.cli.children import Child
from headrace.cli.own_egress import SETTING, allowance
from headrace.infra.postgres import write_private
from headrace.sdk.errors import ConfigError, HeadraceError, TransientError

READY_S = 60
STOP_S = 20
REVIVE_S = 5
ROOM_FIRST_MIB = 256
"""A fresh PostgreSQL takes 70 MiB, and stops hard where there is no room for its log."""
ROOM_MIB = 48


class Stack:
    """Starts what a machine needs and stops it again; one per data folder."""

    def __init__(
        self, *, host: str | None = None, port: int | None = None, workers: int = 1, say: Callable[[str], None]
    ) -> None:
        from headrace.infra.settings import load_settings

        self.settings = load_settings()
        self.home = Path(self.settings.home).resolve()
        self.host = host or self.settings.host
        self.port = port or self.settings.port
        self.workers = workers
        self.say = say
        self.children: list[Child] = []
        self.env: dict[str, str] = {}
        self._embedded: Any = None
        self._stopping = False
        self._revive_at = 0.0

    def __enter__(self) -> Stack:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the folder {self.home} is not usable: {error.strerror}; fix its rights or choose another "
                "HEADRACE_HOME"
            ) from None
        signal.signal(signal.SIGTERM, lambda *_: self._ask())
        signal.signal(signal.SIGINT, lambda *_: self._ask())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self.children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_S
        for child in self.children:
            child.stop(deadline)
        if self._embedded is not None:
            self._embedded.stop()
        (self.home / "running.json").unlink(missing_ok=True)

    def start(self, *, web: bool, demo: bool) -> None:
        """Start databases, migrate, start processes, create the demo.

        Raises:
            ConfigError: a port is taken, a folder is not writable, the disk is full.
            TransientError: a process does not become ready.
        """
        if web:
            self._free_port()
        if not self.settings.database_url:
            self._enough_room()
        try:
            self._start(web=web, demo=demo)
        except Exception as error:
            if not self._stopping and self._room() < ROOM_MIB // 2:
                detail = getattr(error, "detail", "") or repr(error)
                raise ConfigError(
                    f"the disk of {self.home} is full; free some space and start again", detail=detail
                ) from error
            raise

    def _start(self, *, web: bool, demo: bool) -> None:
        self._databases()
        self._step("migrating the database", self._migrate)
        self.env[SETTING] = allowance(self.settings, host=self.host, port=self.port, demo=demo)
        names = ["scheduler", *[f"worker-{n}" for n in range(1, self.workers + 1)]]
        for name in ["api", *names] if web else names:
            self._spawn(name)
        setup = asyncio.run(self._prepare(demo=demo))
        if web:
            self._step("starting the API", self._await_api)
        ours = {name: value for name, value in self.env.items() if name.startswith("HEADRACE_")}
        note = {"pid": os.getpid(), "url": self.url, "env": ours}
        write_private(self.home / "running.json", json.dumps(note).encode())
        if web:
            self.say(f"\n  headrace is running at {self.url}")
            if setup:
                self.say(f"  create your account: {self.url}/setup?token={setup}")
            self.say(f"  data in {self.home}; Ctrl-C stops everything\n")

    @property
    def url(self) -> str:
        """Address of the web server."""
        return self.settings.public_url or f"http://{self.host}:{self.port}"

    def wait(self) -> None:
        """Watch the processes until asked to stop."""
        while not self._stopping:
            for child in self.children:
                child.watch(self.say)
            self._revive()
            time.sleep(0.2)

    def _revive(self) -> None:
        """Start a database that fell again; while it cannot, say why, with pauses."""
        if self._embedded is None or time.monotonic() < self._revive_at:
            return
        try:
            for name in self._embedded.revive():
                self.say(f"{name} had ended; it is started again")
        except HeadraceError as error:
            self._revive_at = time.monotonic() + REVIVE_S
            self.say(f"{error.message}; the next try is in {REVIVE_S} s")

    def _ask(self) -> None:
        if not self._stopping:
            self.say("stopping...")
        self._stopping = True
        if not self.children:
            raise KeyboardInterrupt

    def _step(self, title: str, work: Callable[[], None]) -> None:
        started = time.monotonic()
        self.say(f"- {title} ...")
        work()
        took = time.monotonic() - started
        if took > 1:
            self.say(f"  done in {took:.1f} s")

    def _room(self) -> int:
        """MiB that are free on the disk of the home."""
        return shutil.disk_usage(self.home).free // 2**20

    def _enough_room(self) -> None:
        fresh = not (self.home / "postgres" / "PG_VERSION").exists()
        need, room = ROOM_FIRST_MIB if fresh else ROOM_MIB, self._room()
        if room < need:
            raise ConfigError(
                f"the disk of {self.home} has {room} MiB free and headrace needs {need} MiB to start; free some "
                "space or choose another HEADRACE_HOME"
            )

    def _free_port(self) -> None:
        try:
            family, kind, proto, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, proto) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            reasons = {
                errno.EADDRINUSE: f"port {self.port} on {self.host} is taken; stop what uses it, or choose another "
                "with HEADRACE_PORT or --port",
                errno.EACCES: f"port {self.port} needs rights that this user has not got; choose one above 1023 "
                "with HEADRACE_PORT or --port",
            }
            other = f"'{self.host}' is no address of this machine; correct HEADRACE_HOST or --host"
            raise ConfigError(reasons.get(error.errno or 0, other), detail=str(error)) from None

    def _databases(self) -> None:
        from headrace.infra.embedded import EmbeddedServices

        self.env = {
            **os.environ,
            "HEADRACE_HOME": str(self.home),
            "HEADRACE_HOST": self.host,
            "HEADRACE_PORT": str(self.port),
        }
        if self.settings.database_url:
            return
        self._embedded = EmbeddedServices(self.home)

        def start() -> None:
            self.env.update(self._embedded.start().environment())

        self._step("starting PostgreSQL and Valkey", start)

    def _migrate(self) -> None:
        from headrace.infra.migrate import upgrade
        from headrace.infra.settings import load_settings
        from headrace.plugins.manager import load_plugins

        self.settings = load_settings(self.env)
        upgrade(self.settings, load_plugins().registry.migrations.values())

    def _spawn(self, name: str) -> None:
        logs = self.home / "logs"
        logs.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "headrace", name.partition("-")[0]]
        child = Child(name, command, self.env, logs / f"{name}.log")
        child.start()
        self.children.append(child)

    def _await_api(self) -> None:
        deadline = time.monotonic() + READY_S
        directly = build_opener(ProxyHandler({}))  # a proxy of this machine's user is not for our own server
        while time.monotonic() < deadline and not self._stopping:
            try:
                with directly.open(f"http://{self.host}:{self.port}/health/ready", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                time.sleep(0.05)
            for child in self.children:
                child.watch(self.say)
        if self._stopping:
            return
        raise TransientError(
            f"the API is not ready after {READY_S} s; {self.home / 'logs' / 'api.log'} says why",
            detail=self.children[0].tail(),
        )

    async def _prepare(self, *, demo: bool) -> str:
        """Organization, setup token and demo. Returns the setup token while no account exists."""
        from headrace.cli.first_run import prepare

        return await prepare(self.settings, demo=demo)
