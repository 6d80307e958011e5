"""What `headrace new` makes works: its own tests pass, with the package installed beside ours."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from headrace.cli.new import KINDS, create
from headrace.kits.http.manifest import parse
from headrace.sdk import ConfigError

WAREHOUSE = Path(__file__).parent / "warehouse.yaml"


@pytest.mark.parametrize(
    ("kind", "more"),
    [*((kind, {}) for kind in KINDS), ("connector", {"http": True}), ("connector", {"openapi": WAREHOUSE})],
)
def test_the_skeleton_passes_its_own_tests(kind: str, more: dict[str, Any], tmp_path: Path) -> None:
    made = create(kind, f"made_{kind}", tmp_path / "made", **more)
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


def test_a_draft_has_the_calls_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    made = create("connector", "warehouse", tmp_path / "made", openapi=WAREHOUSE)
    text = (made / "src" / "headrace_connector_warehouse" / "connector.toml").read_text()
    assert "# 7 streams and 10 actions; 2 of 19 operations are left out" in text
    said = parse(text)
    calls = {one.id: (one.method, str(one.effect), one.required) for one in said.actions}
    assert calls["create_item"] == ("POST", "create", ("sku",))
    assert calls["update_item"] == ("PATCH", "update", ("item_id", "sku"))
    assert calls["get_order"] == ("GET", "read", ("id",))
    assert calls["delete_item"] == ("DELETE", "delete", ("item_id",))
    assert "print_label" not in calls, "it sends no JSON"
    assert next(one for one in said.actions if one.id == "delete_item").output == {}
    assert "stream: carriers" in (made / "README.md").read_text()


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
