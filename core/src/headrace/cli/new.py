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
@click.option("--http", is_flag=True, help="A connector of a REST service: a connector.toml and no code.")
def command(kind: str, name: str, path: Path | None, http: bool) -> None:
    """Start a connector, node family, plugin or edition."""
    made = create(kind, name, path or Path(name), http=http)
    click.echo(f"made {made}\n  pip install -e {made}\n  pytest {made}")


def create(kind: str, name: str, target: Path, *, http: bool = False) -> Path:
    """Write the package.

    Args:
        kind: One of `KINDS`.
        name: Id: lower case letters, digits and _.
        target: Folder to make.
        http: A connector that is declared in a `connector.toml`.

    Raises:
        ConfigError: the name is no id, the folder has something in it, or `http` is for no connector.
    """
    if http and kind != "connector":
        raise ConfigError(f"--http makes connectors only; leave it out for a {kind}")
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
    _copy(files("headrace.cli").joinpath("skeletons", "connector_http" if http else kind), target, words)
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
