"""`headrace plugins list|doctor`."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import msgspec

from headrace.plugins.manager import SLOW_MS, Host, load_plugins
from headrace.plugins.registry import load
from headrace.sdk.errors import PluginError


@click.group("plugins")
def command() -> None:
    """Installed plugins and what they offer."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_(as_json: bool) -> None:
    """Show every plugin, broken ones with their reason."""
    host = load_plugins()
    rows = [_row(record) for record in host.records]
    if as_json:
        click.echo(json.dumps({"plugin_set_hash": host.plugin_set_hash, "plugins": rows}, indent=2))
        return
    for row in rows:
        offers = ", ".join(f"{kind} {' '.join(ids)}" for kind, ids in row["provides"].items())
        click.echo(f"{row['state']:<9} {row['name']:<28} {row['version']:<9} {row['reason'] or offers}")
    click.echo(f"\n{len(rows)} plugins, plugin-set hash {host.plugin_set_hash}")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def doctor(as_json: bool) -> None:
    """Import the work of every plugin, not just its declaration; exit 1 when one cannot be used."""
    host = load_plugins()
    problems = [{"plugin": r.name, "problem": r.reason} for r in host.records if r.state == "failed"]
    problems += [
        {"plugin": r.name, "problem": f"declaring took {r.load_ms:.0f} ms"} for r in host.records if r.load_ms > SLOW_MS
    ]
    problems += _unusable(host)
    if as_json:
        click.echo(json.dumps({"checked": len(host.records), "problems": problems}, indent=2))
    else:
        for found in problems:
            click.echo(f"{found['plugin']}: {found['problem']}")
        click.echo(f"{len(host.records)} plugins checked, {len(problems)} problems")
    sys.exit(1 if problems else 0)


def _unusable(host: Host) -> list[dict[str, str]]:
    """Plugins whose working class cannot be imported."""
    found = []
    offered: list[Any] = [*host.registry.nodes.values(), *host.registry.connectors.values()]
    for entry in offered:
        try:
            load(entry.manifest.factory.load, entry.plugin)
        except PluginError as error:
            found.append({"plugin": entry.plugin.name, "problem": error.message})
    return found


def _row(record: msgspec.Struct) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(record)
    return row
