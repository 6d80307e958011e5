"""The page of connectors is what the manifests say."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from headrace.cli import cli

CONNECTORS = Path(__file__).parents[2] / "connectors"


def test_the_page_is_current() -> None:
    made = CliRunner().invoke(cli, ["connectors", "readme"], catch_exceptions=False).output
    assert (CONNECTORS / "README.md").read_text() == made, "run: headrace connectors readme > connectors/README.md"


def test_the_list_has_every_connector_with_its_proof() -> None:
    shown = json.loads(CliRunner().invoke(cli, ["connectors", "list", "--json"], catch_exceptions=False).output)
    found = {one["id"]: one for one in shown["connectors"]}
    assert found.keys() >= {path.parent.name for path in CONNECTORS.glob("*/pyproject.toml")}
    assert found["postgresql"]["proof"] == "real server"
    assert "merge" in found["postgresql"]["capabilities"]
    assert found["oracle"]["proof"] == "unproven"
