"""`make start` from nothing: no environment, empty caches, pip externally managed; then once more without a network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from headrace.infra.processes import free_port

pytestmark = pytest.mark.slow


def start(checkout: Path, env: dict[str, str]) -> list[str]:
    """What `make start` says until it serves; then Ctrl-C, and all of it has to end."""
    command = ["make", "-C", str(checkout), "start"]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if "Ctrl-C stops everything" in line:
            os.killpg(process.pid, signal.SIGINT)
    process.stdout.close()
    process.wait(60)
    return said


def test_from_nothing_and_again_without_a_network(
    checkout: Path, python: Path, machine: Path, tmp_path: Path, closed_port: int
) -> None:
    for tool in ("node", "npm"):
        if found := shutil.which(tool):
            (machine / tool).symlink_to(found)
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if "CERT" in name or name.startswith("SSL_")}
    env = {**kept, "HOME": str(home), "PATH": str(machine), "LANG": "C.UTF-8", "HEADRACE_PORT": str(free_port())}
    said = start(checkout, env)
    if any("no package index answers" in line for line in said):
        pytest.skip("there is no network here")
    assert any(line.startswith(f"headrace is running at http://127.0.0.1:{env['HEADRACE_PORT']}") for line in said), (
        said
    )
    assert any("/setup?token=" in line for line in said)
    assert {path.name for path in home.iterdir()} <= {".cache", ".npm"}, "only package caches are touched"
    assert not (checkout / ".headrace" / "running.json").exists()
    proxy = f"http://127.0.0.1:{closed_port}"
    again = start(checkout, {**env, "HTTPS_PROXY": proxy, "HTTP_PROXY": proxy})
    assert any(line.startswith("headrace is running at") for line in again), again
    assert not any("fetching" in line or "installing" in line for line in again)
