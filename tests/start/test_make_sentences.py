"""`make` on a machine where something is missing: one clear sentence each, and nothing outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

NO_INDEX = "no package index answers; check the network (or HTTPS_PROXY, or your index settings) and try again."
FULL = "the disk is full; free some space here and in the package cache, and try again."


def offline(port: int) -> dict[str, str]:
    proxy = f"http://127.0.0.1:{port}"
    return dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)


@pytest.mark.parametrize("target", ["start", "test"])
def test_an_old_python_is_named(target: str, machine: Path, make: Callable, sentence: Callable) -> None:
    old = machine / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.18 || exit 1\n')
    old.chmod(0o755)
    assert sentence(make(target)) == (
        "needs Python 3.11 or newer on the PATH; found Python 3.9.18. Install python3.11 and try again."
    )


def test_no_python_is_said(make: Callable, sentence: Callable) -> None:
    assert "found none. Install python3.11" in sentence(make("start"))


def test_a_newer_python_under_another_name_is_found(
    machine: Path, python: Path, make: Callable, sentence: Callable, closed_port: int
) -> None:
    (machine / "python3.12").symlink_to(python.resolve())
    python.unlink()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert sentence(make("start", **offline(closed_port))) == f"could not fetch uv: {NO_INDEX}"


def test_without_network_uv_cannot_be_fetched(
    python: Path, make: Callable, sentence: Callable, closed_port: int
) -> None:
    assert sentence(make("start", **offline(closed_port))) == f"could not fetch uv: {NO_INDEX}"


def test_without_network_packages_cannot_be_installed(
    python: Path, own_uv: None, make: Callable, sentence: Callable, closed_port: int, tmp_path: Path
) -> None:
    said = sentence(make("start", **offline(closed_port)))
    assert said == f"could not install the Python packages: {NO_INDEX}"
    assert {path.name for path in (tmp_path / "home").iterdir()} <= {".cache"}, "nothing but the package cache"


def test_a_python_without_pip_is_said(machine: Path, python: Path, make: Callable, sentence: Callable) -> None:
    real = python.resolve()
    python.unlink()
    python.write_text(f"""#!/bin/sh
case "$*" in *pip*) exit 1 ;; esac
exec "{real}" "$@"
""")
    python.chmod(0o755)
    said = sentence(make("start"))
    assert said.endswith(
        "/bin/python3 has no pip; install it (e.g. the package python3-pip), or install uv, and try again."
    )


def test_pip_is_taken_from_ensurepip(python: Path, make: Callable, sentence: Callable, closed_port: int) -> None:
    real = python.resolve()
    bundled = "import ensurepip as e, os, sys; sys.exit(not os.path.isdir(os.path.dirname(e.__file__) + '/_bundled'))"
    if subprocess.run([real, "-c", bundled], check=False).returncode:
        pytest.skip("this Python comes without ensurepip's wheel")
    python.unlink()
    python.write_text(f"""#!/bin/sh
case "$*" in *'pip --version') exit 1 ;; esac
exec "{real}" "$@"
""")
    python.chmod(0o755)
    assert sentence(make("start", **offline(closed_port))) == f"could not fetch uv: {NO_INDEX}"


def mounted(script: str, folder: Path) -> tuple[str, ...]:
    """A command before a command: it alone sees what the script mounts at `folder` ($0)."""
    unshare = shutil.which("unshare")
    space = [str(unshare), "-m"] if os.geteuid() == 0 else [str(unshare), "-r", "-m"]
    before = (*space, str(shutil.which("sh")), "-c", f'PATH=/usr/bin:/bin; {script} && exec "$@"', str(folder))
    if unshare is None or subprocess.run([*before, "/bin/true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets us mount nothing")
    return before


def test_a_checkout_that_cannot_be_written_is_said(
    python: Path, checkout: Path, make: Callable, sentence: Callable
) -> None:
    locked = mounted('mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"', checkout)
    said = sentence(make("start", before=locked))
    assert said == f"cannot write in {checkout}; give the checkout to the user who runs make, and try again."


def test_a_full_disk_is_said(python: Path, own_uv: None, checkout: Path, make: Callable, sentence: Callable) -> None:
    (checkout / ".venv").mkdir()
    cache = os.environ.get("UV_CACHE_DIR") or str(Path("~/.cache/uv").expanduser())
    if not Path(cache).exists():
        pytest.skip("no packages are cached here")
    said = sentence(
        make(
            "start",
            before=mounted('mount -t tmpfs -o size=1m tmpfs "$0"', checkout / ".venv"),
            UV_CACHE_DIR=cache,
            UV_OFFLINE="1",
        )
    )
    assert said == f"could not install the Python packages: {FULL}"


def test_the_reason_of_a_failed_build_is_shown(checkout: Path, tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text("vite v8\nerror during build:\nmore\n")
    said = subprocess.run(["sh", checkout / "tools" / "why.sh", log], capture_output=True, text=True, check=True)
    assert said.stdout == f"error during build:; the whole story is in {log}\n"
