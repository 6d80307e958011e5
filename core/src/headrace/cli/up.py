"""`headrace up`: everything on one machine under one supervisor."""

from __future__ import annotations

import click


@click.command("up")
@click.option("--demo", is_flag=True, help="Create the demo workspace with flows on real data.")
@click.option("--host", default=None, help="Address of the web server (default 127.0.0.1).")
@click.option("--port", type=int, default=None, help="Port of the web server (default 8080).")
@click.option("--workers", type=int, default=1, show_default=True, help="Worker processes.")
def command(demo: bool, host: str | None, port: int | None, workers: int) -> None:
    """Start everything; Ctrl-C stops it."""
    from headrace.cli.stack import Stack

    with Stack(host=host, port=port, workers=workers, say=click.echo) as stack:
        stack.start(web=True, demo=demo)
        stack.wait()
