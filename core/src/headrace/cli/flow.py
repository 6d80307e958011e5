"""`headrace flow run|validate|export|import FILE`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from headrace.flows.text import FlowText, parse
from headrace.sdk.errors import ConfigError, HeadraceError

OWN_URL = "env:HEADRACE_OWN_URL"
"""A connection with this needs the API to be there."""
Say = Callable[[str], None]


@click.group("flow")
def command() -> None:
    """Run, validate, export and import flows."""


def _read(file: Path) -> FlowText:
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file '{file}' cannot be read: {getattr(error, 'strerror', error)}") from None


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def validate(file: Path, as_json: bool) -> None:
    """Show every problem of a flow file; exit 1 when there is one. Needs no running install."""
    from headrace.flows.validate import validate as check
    from headrace.plugins.manager import load_plugins

    text = _read(file)
    problems = check(text.graph, load_plugins().registry, connections=text.connections or None)
    if as_json:
        click.echo(json.dumps({"valid": not problems, "problems": msgspec.to_builtins(problems)}, indent=2))
    else:
        for problem in problems:
            click.echo(f"{problem.severity}  {problem.node_id} {problem.path}: {problem.message}; {problem.fix}")
        click.echo(f"{file}: {len(text.nodes)} steps, {len(problems)} problems")
    sys.exit(1 if any(problem.severity == "error" for problem in problems) else 0)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--observe", is_flag=True, help="Keep every step's output and count its rows.")
def run(file: Path, as_json: bool, observe: bool) -> None:
    """Import a flow file and execute it; starts what is needed when headrace is not running."""
    text = _read(file)

    async def work(local: Any) -> Any:
        return await local.execute(text, observe=observe, progress=None if as_json else _bar())

    try:
        shown = _with_local(work, web=OWN_URL in str(text.connections))
    except HeadraceError as error:
        if as_json:
            click.echo(json.dumps(_refused(error), indent=2, default=str))
            sys.exit(1)
        raise
    if as_json:
        click.echo(json.dumps(shown, indent=2, default=str))
    else:
        _table(shown)
    sys.exit(0 if shown["status"] == "completed" else 1)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Put a flow file into the demo workspace; the flow of that name gets its steps."""
    text = _read(file)

    async def work(local: Any) -> Any:
        return await local.bring_in(text)

    click.echo(f"imported '{text.name}' as {_with_local(work)}")


@command.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def export(name: str, file: Path | None) -> None:
    """Write a flow as a file (or to the terminal)."""

    async def work(local: Any) -> str:
        text: str = await local.take_out(name)
        return text

    text = _with_local(work)
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        click.echo(f"wrote {file}")


def _with_local(work: Callable[[Any], Awaitable[Any]], *, web: bool = False) -> Any:
    """Work on the running install of this data folder, or start databases and a worker (with `web` the API) for it."""
    from headrace.cli.local import Local, running_settings
    from headrace.cli.stack import Stack

    async def go(settings: Any) -> Any:
        local = Local(settings)
        try:
            return await work(local)
        finally:
            await local.close()

    settings = running_settings()
    if settings is not None:
        return asyncio.run(go(settings))
    with Stack(say=lambda text: click.echo(text, err=True)) as stack:
        stack.start(web=web, demo=True)
        return asyncio.run(go(stack.settings))


def _refused(error: HeadraceError) -> dict[str, Any]:
    """What did not even begin, in the form of what did."""
    problems = error.details.get("problems") or []
    first = problems[0] if problems else {}
    told = {
        "code": first.get("code") or error.code,
        "message": error.message,
        "hint": error.hint,
        "node_id": first.get("node_id", ""),
        "field": first.get("path") or error.details.get("field", ""),
    }
    return {"status": "refused", "error": told, "problems": problems, "nodes": []}


def _bar() -> Callable[[int, int, str], None]:
    """A progress bar on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), transient=True)
    task = bar.add_task("queued", total=None)
    bar.start()

    def show(done: int, total: int, status: str) -> None:
        bar.update(task, completed=done, total=total, description=status)
        if status in {"completed", "failed", "cancelled", "timed_out"}:
            bar.stop()

    return show


def _table(shown: dict[str, Any]) -> None:
    for node in shown["nodes"]:
        rows = "" if node["rows_out"] is None else f"{node['rows_out']:,} rows"
        click.echo(f"{node['status']:<10} {node['node_id']:<24} {rows:>18}")
        if node.get("error"):
            said = (node["error"].get("message"), node["error"].get("hint"))
            click.echo(f"           {'; '.join(part for part in said if part)}")
    click.echo(f"{shown['status']}  {shown['execution_id']}")
