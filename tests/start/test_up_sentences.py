"""`headrace up` where a port, a folder, a disk or a setting is wrong: one clear sentence each, at once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Up = Callable[..., str]


@pytest.fixture
def up(tmp_path: Path) -> Up:
    """Runs `headrace up`, which has to fail; gives the one sentence."""

    def run(*options: str, before: tuple[str, ...] = (), home: Path | None = None, **env: str) -> str:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HEADRACE_")}
        clean |= {"HEADRACE_HOME": str(home or tmp_path / "home"), **env}
        command = [*before, sys.executable, "-m", "headrace", "up", *options]
        said = subprocess.run(command, env=clean, capture_output=True, text=True, check=False, timeout=240)
        assert (said.returncode, said.stdout) == (1, ""), said.stdout + said.stderr
        (line,) = said.stderr.splitlines()
        return line.removeprefix("headrace: ")

    return run


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_taken_port_is_said_before_anything_starts(how: str, up: Up, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = up("--port", str(port)) if how == "option" else up(HEADRACE_PORT=str(port))
    assert said == (
        f"port {port} on 127.0.0.1 is taken; stop what uses it, or choose another with HEADRACE_PORT or --port"
    )
    assert list((tmp_path / "home").iterdir()) == []


def test_an_address_of_another_machine_is_said(up: Up) -> None:
    said = up(HEADRACE_HOST="203.0.113.7", HEADRACE_PUBLIC_URL="https://headrace.example.org",
              HEADRACE_TRUSTED_PROXIES="203.0.113.0/24")  # fmt: skip
    assert said == "'203.0.113.7' is no address of this machine; correct HEADRACE_HOST or --host"


def test_a_home_that_is_a_file_is_said(up: Up, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = up(home=tmp_path / "file")
    assert said.startswith(f"the folder {tmp_path / 'file'} is not usable: ")
    assert said.endswith("choose another HEADRACE_HOME")


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"HEADRACE_PROT": "1"}, "the environment variable HEADRACE_PROT is not known; did you mean HEADRACE_PORT?"),
        ({"HEADRACE_PORT": "many"}, "HEADRACE_PORT does not fit: Expected `int`, got `str`"),
        ({"HEADRACE_PORT": "70000"}, "HEADRACE_PORT=70000 is no port; choose 0 to 65535"),
    ],
)
def test_a_wrong_setting_is_said(setting: dict[str, str], sentence: str, up: Up) -> None:
    assert up(**setting) == sentence


@pytest.mark.parametrize("size", ["1m", "60m"])
def test_a_full_disk_is_said_before_anything_is_written(size: str, up: Up, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    unshare = shutil.which("unshare")
    space = [str(unshare), "-m"] if os.geteuid() == 0 else [str(unshare), "-r", "-m"]
    before = (*space, "sh", "-c", f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"', str(home))
    if unshare is None or subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets us mount nothing")
    said = up("--port", "0", before=before)
    assert said.startswith(f"the disk of {home} has ")
    assert said.endswith(
        "MiB free and headrace needs 256 MiB to start; free some space or choose another HEADRACE_HOME"
    )
