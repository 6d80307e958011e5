"""The command line. Each command is a module that is imported when it is called."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any

import click

from headrace import __version__
from headrace.sdk.errors import HeadraceError

COMMANDS = {
    "up": "Everything on this machine: databases, api, worker, scheduler.",
    "api": "The API process.",
    "worker": "A worker process.",
    "scheduler": "A scheduler process: relay, reconciler, mailer.",
    "migrate": "Bring the database to this version.",
    "keys": "Make, look at and rotate keys.",
    "homes": "Databases that organizations have of their own.",
    "accounts": "Let somebody in again who forgot the password.",
    "flow": "Run, validate, export and import flows.",
    "plugins": "Installed plugins and what they offer.",
    "connectors": "Installed connectors, and how each is proven.",
    "license": "The licence of this installation.",
    "doctor": "Check this install.",
    "new": "Start a connector, node family, plugin or edition.",
}


class Lazy(click.Group):
    """Knows the names of its commands without importing them; plugins' commands join under their id."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Own commands in a useful order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command, or look among the plugins."""
        if cmd_name in COMMANDS:
            found: click.Command = import_module(f"headrace.cli.{cmd_name}").command
            return found
        return _plugin_command(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _plugin_command(name: str) -> click.Command | None:
    from headrace.plugins.manager import load_plugins

    offered = {key: cmd for key, cmd in load_plugins().registry.cli.items() if key.partition(".")[0] == name}
    if not offered:
        return None
    group = click.Group(name)
    for key, offer in offered.items():
        arguments = click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)

        def call(arguments: tuple[str, ...], function: Any = offer.function) -> None:
            function.load()(list(arguments))

        group.add_command(
            click.Command(key.partition(".")[2], callback=call, params=[arguments], help=offer.title,
                          context_settings={"ignore_unknown_options": True})
        )  # fmt: skip
    return group


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="headrace")
def cli() -> None:
    """Plugin-based data and workflow automation."""


def main() -> None:
    """Run a command; what we know how to say is said in one sentence, without a trace."""
    try:
        cli(standalone_mode=True)
    except HeadraceError as error:
        hint = f"; {error.hint}" if error.hint and error.hint not in error.message else ""
        _end(error.message + hint, error.detail)
    except OSError as error:
        if error.errno not in _SAID or not error.filename:
            raise
        _end(f"'{error.filename}' cannot be used: {_SAID[error.errno]}, and try again", repr(error))


_SAID = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the quota of this user is used up; free some space",
    errno.EACCES: "this user has not the right; fix the rights of the file or its folder",
    errno.EPERM: "this user has not the right; fix the rights of the file or its folder",
    errno.EROFS: "its file system is read-only; choose another place",
}


def _end(sentence: str, detail: str) -> None:
    """Say it and exit; the words of a driver are for those who ask for them."""
    click.echo(f"headrace: {sentence}", err=True)
    if detail and os.environ.get("HEADRACE_LOG_LEVEL") == "debug":
        click.echo(detail, err=True)
    sys.exit(1)
