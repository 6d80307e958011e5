"""Services, workers and schedulers of a campaign; each is a process that is ended by its own pid."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from headrace.infra import migrate, processes
from headrace.infra.embedded import EmbeddedServices

LAB = Path(__file__).parents[2] / "core" / "tests" / "executions" / "lab.py"
PLUGINS = "node-lab,plugin-engine_polars,node-control,plugin-auth_password"
LEASE_S = 2.0
TIMING = {
    "lease_s": LEASE_S, "heartbeat_s": 0.4, "poll_s": 0.3, "cancel_grace_s": 0.5, "drain_s": 0.2, "reap_s": 0.2,
    "ring_again_s": 1,
}  # fmt: skip
_CODE = """
import json, sys
if sys.argv[2] == "fence":
    from tests.chaos.mutants import believe_late_reports
    believe_late_reports()
from headrace.infra.settings import load_settings
from headrace.worker.timing import Timing
from headrace.worker.{module} import main
main(load_settings(), timing=Timing(**json.loads(sys.argv[1])))
"""
_API = """
from headrace.infra.settings import load_settings
from headrace_web.server import main
main(load_settings())
"""
_MAIN = {"worker": _CODE.replace("{module}", "supervisor"), "scheduler": _CODE.replace("{module}", "scheduler"),
         "api": _API}  # fmt: skip


def install_lab(folder: Path) -> None:
    """Make the lab a distribution in `folder`, on the path of this process too."""
    info = folder / "headrace_node_lab-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: headrace-node-lab\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[headrace]\nnode-lab = headrace_node_lab\n")
    shutil.copy(LAB, folder / "headrace_node_lab.py")
    sys.path.insert(0, str(folder))


class Member:
    """A worker, a scheduler or an API that is there again after it was killed. `env` is on top of the stack's."""

    def __init__(self, stack: Stack, kind: str, number: int, **env: str) -> None:
        self.name = f"{kind}-{number}"
        self._stack, self._kind, self._env = stack, kind, env
        self.process: subprocess.Popen[bytes] | None = None
        self.killed = False
        self.fell: list[str] = []
        self._lived = 0

    @property
    def pid(self) -> int:
        return self.process.pid if self.process and self.process.poll() is None else 0

    def start(self) -> None:
        self._lived = self.log.stat().st_size if self.log.exists() else 0
        self.process = processes.spawn(
            [sys.executable, "-c", _MAIN[self._kind], json.dumps(TIMING), self._stack.control or "-"],
            log=self.log, env={**self._stack.environment, **self._env}, cwd=LAB.parents[3],
        )  # fmt: skip
        self.killed = False

    @property
    def log(self) -> Path:
        """Its output, of all its lives."""
        return self._stack.folder / "logs" / f"{self.name}.log"

    @property
    def life(self) -> str:
        """What it has said since it was started last."""
        return self.log.read_bytes()[self._lived :].decode(errors="replace")

    def revive(self) -> None:
        """Start it if it has ended; that it ended by itself is remembered."""
        if self.process is None or self.process.poll() is None:
            return
        if not self.killed:
            self.fell.append(f"exit {self.process.returncode}: {self.log.read_text(errors='replace')[-600:]}")
        self.start()

    def kill(self) -> None:
        if self.pid and self.process:
            self.killed = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.wait(10)

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pid:
                os.kill(self.pid, number)

    def runners(self) -> list[int]:
        """Process ids of its runners."""
        found = []
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{self.pid}/task").iterdir():
                found += [int(pid) for pid in (task / "children").read_text().split()]
        return found

    def end(self) -> None:
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self.process:
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


class Stack:
    """Own PostgreSQL, own Valkey, two workers, one scheduler, an API if asked for. Use it in the main thread.

    Its database is up to date, unless somebody else migrates it (`migrated` is false).
    """

    def __init__(
        self, folder: Path, *, control: str = "", api: bool = False, plugins: str = PLUGINS, migrated: bool = True
    ) -> None:
        self.folder, self.control = folder, control
        (folder / "logs").mkdir(parents=True)
        (folder / "home").mkdir()
        self.services = EmbeddedServices(folder / "services", options={"fsync": "off"})
        self.urls = self.services.start()
        if migrated:
            migrate.upgrade(self.urls.owner_url.reveal())
        known = ("DATABASE_URL", "DATABASE_WORKER_URL", "REDIS_URL", "MASTER_KEYS")
        self.environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "lab"), "PYTHONUNBUFFERED": "1",
            "HEADRACE_HOME": str(folder / "home"), "HEADRACE_WORKER_PROCESSES": "2",
            "HEADRACE_LOAD_PLUGINS": plugins, "HEADRACE_FILE_ROOTS": str(folder),
            "HEADRACE_EGRESS_ALLOW": "private",
            "HEADRACE_RATE_LIMITS": "anonymous=0/h,sign_in=0/h,route=0/m,user=0/h,webhook=0/s,health=0/s",
            **{k: v for k, v in self.urls.environment().items() if k.removeprefix("HEADRACE_") in known},
        }  # fmt: skip
        self.workers = [self.member("worker", number) for number in range(2)]
        self.schedulers = [] if control == "reconciler" else [self.member("scheduler", 0)]
        self.port = processes.free_port() if api else 0
        self.apis = [self.member("api", 0, HEADRACE_PORT=str(self.port))] if api else []

    def member(self, kind: str, number: int, **env: str) -> Member:
        """One more process, not started and not among the members."""
        return Member(self, kind, number, **env)

    @property
    def members(self) -> list[Member]:
        return [*self.workers, *self.schedulers, *self.apis]

    def start(self) -> None:
        for member in self.members:
            member.start()

    def revive(self) -> None:
        """Everything that is down is started again."""
        self.services.revive()
        for member in self.members:
            member.revive()

    def crash(self, service: str) -> float:
        """End a service without a farewell, and wait until it is gone. Returns how long that took."""
        began = time.monotonic()
        pid = self.services.pids[service]
        os.kill(pid, signal.SIGQUIT if service == "postgres" else signal.SIGKILL)
        while Path(f"/proc/{pid}/stat").exists() and not _zombie(pid) and time.monotonic() < began + 20:
            time.sleep(0.01)
        return time.monotonic() - began

    def end(self) -> None:
        for member in self.members:
            member.end()
        self.services.stop()


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
