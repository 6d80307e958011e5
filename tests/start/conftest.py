"""A copy of this checkout without its environment, and a machine with little on its PATH."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "make", "grep", "sed", "expand", "head", "tail", "rm", "mkdir", "cat", "dirname", "uname", "id", "env")
Said = subprocess.CompletedProcess[str]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH folder with the tools that `make` needs, and no Python at all."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"these tests need {tool}"
        (folder / tool).symlink_to(found)
    return folder


@pytest.fixture
def python(machine: Path) -> Path:
    """Puts the Python that runs these tests on that PATH."""
    (machine / "python3").symlink_to(Path(sys.executable).resolve())
    return machine / "python3"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git knows of this checkout, at a path with a space."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    copy = tmp_path / "a check out"
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture
def own_uv(checkout: Path) -> None:
    """uv is there already, in .tools."""
    named = subprocess.run(["sh", "tools/uv.sh", "--path"], cwd=ROOT, capture_output=True, text=True, check=True)
    (checkout / ".tools" / "bin").mkdir(parents=True)
    (checkout / ".tools" / "bin" / "uv").symlink_to(named.stdout.strip())


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, held so that nobody can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def make(tmp_path: Path, machine: Path, checkout: Path) -> Callable[..., Said]:
    """Runs a target with an empty home and nothing of our environment."""
    home = tmp_path / "home"
    home.mkdir()

    def run(target: str, *, before: tuple[str, ...] = (), **env: str) -> Said:
        clean = {"HOME": str(home), "PATH": str(machine), "TMPDIR": str(tmp_path), "UV_NO_CONFIG": "1",
                 "PIP_CONFIG_FILE": os.devnull, "UV_HTTP_RETRIES": "0", "PIP_RETRIES": "0"}  # fmt: skip
        words = [str(machine / "make"), "-C", str(checkout), target]
        command = [*before, *([str(machine / "env"), f"PATH={machine}"] if before else ()), *words]
        return subprocess.run(command, env={**clean, **env}, capture_output=True, text=True, check=False, timeout=240)

    return run


@pytest.fixture
def sentence() -> Callable[[Said], str]:
    """The one line that a failed command said, without make's own."""

    def only(said: Said) -> str:
        assert said.returncode != 0, said.stdout
        lines = [line for line in (said.stdout + said.stderr).splitlines() if line and not line.startswith("make")]
        lines = [line for line in lines if not line.endswith("(once)")]
        assert len(lines) == 1, said.stdout + said.stderr
        return lines[0].removeprefix("headrace: ")

    return only
