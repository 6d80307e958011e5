"""`headrace connectors list|readme`."""

from __future__ import annotations

import json
from typing import Any, get_args

import click

from headrace.plugins.manager import load_plugins
from headrace.sdk.manifests import Proof

_PROMISE = {"A": "exactly once", "B": "exactly once by key", "C": "at least once"}
_HEAD = """# Connectors

Made by `headrace connectors readme > connectors/README.md`; a test holds it current. What a connector can do is in its
manifest, and the contract tests compare that with what it does.

Proof, from the strongest: **real server** (the vendor's own runs in the tests), **engine** (the vendor's embedded
engine), **emulator** (one that everybody uses), **wire-compatible** (another server of the same protocol), **contract**
(checked against the vendor's published OpenAPI document), **recorded**, **unproven** (no other side: declarations,
addresses, statements and errors only).

| connector | id | kind | reads and writes | a write is | actions | proof |
|---|---|---|---|---|---|---|
"""


@click.group("connectors")
def command() -> None:
    """Installed connectors, what they can do, and how that is proven."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_(as_json: bool) -> None:
    """Show every connector with its capabilities and proof level."""
    rows = catalogue()
    if as_json:
        click.echo(json.dumps({"connectors": rows}, indent=2))
        return
    for row in rows:
        click.echo(f"{row['id']:<20} {row['proof']:<16} {' '.join(row['capabilities'])}")
    counts = {proof: sum(row["proof"] == proof for row in rows) for proof in get_args(Proof)}
    click.echo(
        f"\n{len(rows)} connectors: " + ", ".join(f"{count} {proof}" for proof, count in counts.items() if count)
    )


@command.command()
def readme() -> None:
    """Print connectors/README.md."""
    click.echo(table(catalogue()), nl=False)


def catalogue() -> list[dict[str, Any]]:
    """All connectors, sorted by id."""
    found = []
    for name, entry in sorted(load_plugins().registry.connectors.items()):
        manifest = entry.manifest
        found.append(
            {
                "id": name, "title": manifest.title, "category": manifest.category, "proof": manifest.proof,
                "capabilities": sorted(map(str, manifest.capabilities)), "effect_class": str(manifest.effect_class),
                "actions": [action.id for action in manifest.actions],
                "triggers": [trigger.id for trigger in manifest.triggers],
                "distribution": entry.plugin.distribution, "version": entry.plugin.version,
            }
        )  # fmt: skip
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """The page, as Markdown."""
    lines = []
    for row in rows:
        promise = _PROMISE[row["effect_class"]] if "write" in row["capabilities"] else "-"
        can, acts = ", ".join(row["capabilities"]) or "-", ", ".join(row["actions"]) or "-"
        kind = row["category"].replace("_", " ")
        place = row["id"] if row["distribution"].startswith("headrace-connector-") else f"../plugins/{row['id']}"
        cells = (f"[{row['title']}]({place})", f"`{row['id']}`", kind, can, promise, acts, row["proof"])
        lines.append(f"| {' | '.join(cells)} |\n")
    return _HEAD + "".join(lines)
