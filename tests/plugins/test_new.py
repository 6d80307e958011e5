"""What `headrace new` makes works: its own tests pass, with the package installed beside ours."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from headrace.cli.new import KINDS, create
from headrace.sdk import ConfigError


@pytest.mark.parametrize(("kind", "http"), [*((kind, False) for kind in KINDS), ("connector", True)])
def test_the_skeleton_passes_its_own_tests(kind: str, http: bool, tmp_path: Path) -> None:
    made = create(kind, f"made_{kind}", tmp_path / "made", http=http)
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    info = made / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    ((name, package),) = project["entry-points"]["headrace"].items()
    (info / "entry_points.txt").write_text(f"[headrace]\n{name} = {package}\n")
    path = os.pathsep.join([str(made / "src"), os.environ.get("PYTHONPATH", "")])
    without = [word for name in ("cacheprovider", "asyncio", "schemathesis", "faker") for word in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-q", *without, "-c", os.devnull, str(made)]
    shown = subprocess.run(
        command, cwd=made, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert " passed" in shown.stdout


def test_a_name_that_is_no_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'My Thing' is no id"):
        create("connector", "My Thing", tmp_path / "x")


def test_http_is_for_connectors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--http makes connectors only"):
        create("node", "thing", tmp_path / "x", http=True)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(ConfigError, match="is not empty"):
        create("connector", "thing", tmp_path)
