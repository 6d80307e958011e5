"""A rolling upgrade: the release before this one executes, the database is migrated, this one joins, that one leaves.

The release before is the commit before the newest migration was added, taken from this repository's history.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from headrace.infra import migrate

from tests.chaos.stack import Stack, install_lab
from tests.faults.conftest import KNOWN
from tests.faults.site import Site, step, until

ROOT = Path(__file__).parents[2]
VERSIONS = ROOT / "core" / "src" / "headrace" / "migrations" / "versions"
_MIGRATE = "import os, sys; from headrace.infra import migrate; migrate.upgrade(os.environ['OWNER_URL'])"
_ACCOUNT = """
import asyncio, os
from types import SimpleNamespace as N
from tests.faults.site import new_account
url = N(reveal=lambda: os.environ["APP_URL"])
found = asyncio.run(new_account(N(urls=N(app_url=url))))
print(found.organization_id, found.email)
"""


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def before(folder: Path) -> str:
    """Put the release before into a folder. Returns the path on which its packages are found first."""
    newest = max(VERSIONS.glob("[0-9]*.py"))
    added = git("log", "--diff-filter=A", "-1", "--format=%H", "--", newest.relative_to(ROOT).as_posix())
    archive = folder / "before.tar"
    git("archive", f"--output={archive}", f"{added}^" if added else "HEAD", "core", "web/src", "nodes", "plugins",
        "connectors")  # fmt: skip
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "before", filter="data")
    built, static = ROOT / "web/src/headrace_web/static", folder / "before/web/src/headrace_web/static"
    if built.exists() and not static.exists():
        shutil.copytree(built, static)
    assert not (folder / "before" / newest.relative_to(ROOT)).exists(), "the release before has this migration"
    return os.pathsep.join(str(path) for path in sorted((folder / "before").glob("**/src")))


def run(code: str, path: str, **env: str) -> str:
    """Execute a text with the packages of the path."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **env},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the release before is taken from the history")
async def test_executions_go_on_through_a_rolling_upgrade(tmp_path, record_property):
    """F29."""
    tmp_path.chmod(0o711)
    install_lab(tmp_path / "lab")
    old_path = before(tmp_path)
    stack = Stack(tmp_path / "stack", api=True, plugins=KNOWN, migrated=False)
    lab = stack.environment["PYTHONPATH"] = str(tmp_path / "lab")
    old = {"PYTHONPATH": os.pathsep.join([lab, old_path])}
    new = stack.members
    try:
        owner_url, app_url = stack.urls.owner_url.reveal(), stack.urls.app_url.reveal()
        run(_MIGRATE, old_path, OWNER_URL=owner_url)
        made = run(_ACCOUNT, os.pathsep.join([old_path, str(ROOT)]), APP_URL=app_url).split()
        stack.workers = [stack.member("worker", 10 + number, **old) for number in range(2)]
        stack.schedulers = [stack.member("scheduler", 10, **old)]
        stack.apis = [stack.member("api", 10, **old, HEADRACE_PORT=str(stack.port))]
        stack.start()
        site = Site(stack, SimpleNamespace(organization_id=made[0], email=made[1]), stack.folder)
        await until(site.ready, what="an API of the release before")
        assert "/before/" in Path(f"/proc/{stack.apis[0].pid}/environ").read_text()
        await site.sign_in()
        await _upgrade(site, stack, new, owner_url, record_property)
    finally:
        for member in new:
            member.end()
        stack.end()
        sys.path.remove(str(tmp_path / "lab"))


async def _upgrade(site: Site, stack: Stack, new: list, owner_url: str, record_property) -> None:
    held = await site.gated(gate={"wait_for": site.path("open")})
    brief = await site.gated(gate={"takes_s": 0.1})
    into = {"began": site.path("w"), "target": site.path("waited")}
    waits = await site.flow(
        step("rows", "lab.rows"), step("wait", "control.wait", {"seconds": 20}), step("write", "lab.write", into)
    )
    started = [await site.start(held) for _ in range(3)] + [await site.start(waits)]
    await until(lambda: len(site.lines("gate")) >= 2, what="steps at work in the release before")

    stop, during = asyncio.Event(), []

    async def load() -> None:
        while not stop.is_set():
            during.append(await site.start(brief))
            await asyncio.sleep(0.2)

    loading = asyncio.create_task(load())
    began = time.monotonic()
    await asyncio.to_thread(migrate.upgrade, owner_url)
    took = time.monotonic() - began
    old_members, old_api = [*stack.workers, *stack.schedulers], stack.apis[0]
    for member in new:
        if not member.name.startswith("api"):
            member.start()
    for member in new[:2]:
        await until(lambda member=member: "worker ready" in member.life, what="a worker of this release")
    side_by_side = len(during)
    await asyncio.sleep(2)
    assert len(during) > side_by_side, "the API of the release before starts nothing any more"
    for member in old_members:
        member.signal(signal.SIGTERM)
    for member in old_members:
        await asyncio.to_thread(member.process.wait, 60)
    stop.set()
    await loading
    old_api.end()
    new[-1].start()
    stack.workers, stack.schedulers, stack.apis = new[:2], new[2:3], new[3:]
    await until(site.ready, what="an API of this release")
    await site.sign_in()
    during += [await site.start(brief) for _ in range(3)]
    site.open()
    for execution in [*started, *during]:
        assert (await site.ended(execution))["status"] == "completed"
        assert not {"crashed", "failed", "lease_expired"} & set(await site.attempts(execution))
    assert len(site.lines("target")) == 3 * (len(started) - 1 + len(during))
    assert len(site.lines("waited")) == 3
    assert await site.calm() == []
    await site.close()
    record_property("figure", ("upgrade_failed", "Executions that a rolling upgrade failed, of all that ran through it",
                               "executions", [0.0] * (len(started) + len(during))))  # fmt: skip
    record_property("figure", ("upgrade_migrated", "Migrating under load", "s", [took]))
