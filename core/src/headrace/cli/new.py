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
@click.option(
    "--openapi", type=click.Path(path_type=Path, dir_okay=False), default=None,
    help="An OpenAPI document (JSON or YAML, also .gz): the connector.toml is drafted from it.",
)  # fmt: skip
def command(kind: str, name: str, path: Path | None, http: bool, openapi: Path | None) -> None:
    """Start a connector, node family, plugin or edition."""
    made = create(kind, name, path or Path(name), http=http, openapi=openapi)
    click.echo(f'made {made}; its README has the next steps\n  pip install -e "{made}[test]"\n  pytest {made}')


def create(kind: str, name: str, target: Path, *, http: bool = False, openapi: Path | None = None) -> Path:
    """Write the package.

    Args:
        kind: One of `KINDS`.
        name: Id: lower case letters, digits and _.
        target: Folder to make.
        http: A connector that is declared in a `connector.toml`.
        openapi: A document that it is drafted from.

    Raises:
        ConfigError: the name is no id, the folder has something in it, `http` is for no connector, or the document
            cannot be read.
    """
    http = http or openapi is not None
    if http and kind != "connector":
        raise ConfigError(f"--http makes connectors only; leave it out for a {kind}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"'{name}' is no id; use lower case letters, digits and _, beginning with a letter")
    if target.exists() and any(target.iterdir()):
        raise ConfigError(f"the folder '{target}' is not empty; choose another with --path")
    drafted, stream = _drafted(openapi, name) if openapi is not None else ("", "items")
    words = {
        "id": name,
        "kind": kind,
        "title": name.replace("_", " ").capitalize(),
        "cls": "".join(part.capitalize() for part in name.split("_")),
        "dist": f"headrace-{kind}-{name.replace('_', '-')}",
        "package": f"headrace_{kind}_{name}",
        "stream": stream,
        "core": ".".join(__version__.split(".")[:2]),
    }
    _copy(files("headrace.cli").joinpath("skeletons", "common"), target, words)
    _copy(files("headrace.cli").joinpath("skeletons", "connector_http" if http else kind), target, words)
    if drafted:
        (target / "src" / words["package"] / "connector.toml").write_text(drafted, encoding="utf-8")
    return target


def _drafted(file: Path, name: str) -> tuple[str, str]:
    """A `connector.toml` of a document, and its first stream; what is drafted can be loaded."""
    from headrace.kits.http.manifest import parse
    from headrace.kits.http.openapi import draft
    from headrace.kits.http.openapi_document import Document, load
    from headrace.kits.http.toml_text import toml_text

    document = load(file)
    made = draft(document, name)
    known, count = len(made["streams"]) + len(made["actions"]), len(list(Document(document).operations()))
    head = (
        f"# Drafted from {file.name}; read it before you use it. Parts and fields: README of headrace.kits.http.\n"
        f"# {len(made['streams'])} streams and {len(made['actions'])} actions; {count - known} of {count} operations "
        "are left out:\n# they send no JSON, answer with no list, hang on one that is missing, or are too many.\n"
    )
    text = head + toml_text(made)
    return text, parse(text).streams[0].name


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    """Copy a folder of templates: `PACKAGE` and `ID` in names, `$word` in texts, `.tmpl` is cut off."""
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        name = item.name.removesuffix(".tmpl").replace("PACKAGE", words["package"]).replace("ID", words["id"])
        if item.is_dir():
            _copy(item, target / name, words)
        else:
            (target / name).write_text(Template(item.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
