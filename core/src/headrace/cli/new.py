"""`headrace new KIND NAME`: a small working package with tests that pass."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import click

from headrace import __version__
from headrace.sdk.errors import ConfigError

KINDS = ("connector", "node", "plugin", "edition")


@click.command("new")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--path", type=click.Path(path_type=Path), default=None, help="Folder to make (default ./NAME).")
def command(kind: str, name: str, path: Path | None) -> None:
    """Start a connector, node family, plugin or edition."""
    made = create(kind, name, path or Path(name))
    click.echo(f"made {made}\n  pip install -e {made}\n  pytest {made}")


def create(kind: str, name: str, target: Path) -> Path:
    """Write the package.

    Args:
        kind: One of `KINDS`.
        name: Id: lower case letters, digits and _.
        target: Folder to make.

    Raises:
        ConfigError: the name is no id, or the folder has something in it.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"'{name}' is no id; use lower case letters, digits and _, beginning with a letter")
    if target.exists() and any(target.iterdir()):
        raise ConfigError(f"the folder '{target}' is not empty; choose another with --path")
    words = {
        "id": name,
        "kind": kind,
        "title": name.replace("_", " ").capitalize(),
        "cls": "".join(part.capitalize() for part in name.split("_")),
        "dist": f"headrace-{kind}-{name.replace('_', '-')}",
        "package": f"headrace_{kind}_{name}",
        "core": ".".join(__version__.split(".")[:2]),
    }
    _copy(files("headrace.cli").joinpath("skeletons", "common"), target, words)
    _copy(files("headrace.cli").joinpath("skeletons", kind), target, words)
    return target


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    """Copy a folder of templates: `PACKAGE` and `ID` in names, `$word` in texts, `.tmpl` is cut off."""
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        name = item.name.removesuffix(".tmpl").replace("PACKAGE", words["package"]).replace("ID", words["id"])
        if item.is_dir():
            _copy(item, target / name, words)
        else:
            (target / name).write_text(Template(item.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
