"""T-ENC-5: the master key is known to the processes that need it, and shown by none of them."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.faults.site import until


def below(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += below(int(child))
    return found


def said(pid: int, what: str) -> bytes:
    return Path(f"/proc/{pid}/{what}").read_bytes()


async def test_the_master_key_is_in_no_argument_no_runner_no_log_and_no_core_file(site):
    key = site.stack.environment["HEADRACE_MASTER_KEYS"].partition(",")[0]
    raw = base64.urlsafe_b64decode(key + "==")
    shapes = [key.encode(), key.rstrip("=").encode(), raw, raw.hex().encode(), base64.b64encode(raw)]

    def shows(content: bytes) -> bool:
        return any(shape in content for shape in shapes)

    execution = await site.start(await site.gated(gate={"wait_for": site.path("open")}))
    await until(lambda: site.lines("gate"), what="a step that has begun")
    ours = {member.name: below(member.pid) for member in site.stack.members}
    runners = {pid for pids in ours.values() for pid in pids if b"headrace.worker.runner" in said(pid, "cmdline")}
    services = [pid for one in site.stack.services.pids.values() for pid in below(one)]
    all_ = [pid for pids in ours.values() for pid in pids]
    assert runners
    assert any(shows(said(pid, "environ")) for pid in all_), (
        "who needs it has it from the environment: it would be seen"
    )
    assert not [pid for pid in {*all_, *services} if shows(said(pid, "cmdline"))]
    assert not [pid for pid in {*runners, *services} if shows(said(pid, "environ"))]
    for name, pids in ours.items():
        for pid in pids:
            cores = next(line for line in said(pid, "limits").decode().splitlines() if line.startswith("Max core file"))
            assert cores.split()[4:6] == ["0", "0"], f"{name} would leave a core file"
    site.open()
    await site.ended(execution)
    read = [file for folder in ("logs", "home") for file in (site.stack.folder / folder).rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in read) > 1_000
    assert not [str(file) for file in read if shows(file.read_bytes())]
