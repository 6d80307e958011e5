"""Rows of a table: all columns side by side in one request, in the order of their index, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from headrace.sdk import ConfigError

from headrace_connector_snmp.agent import Agent, Bound, RefusedByAgent
from headrace_connector_snmp.tables import Oid, Table
from headrace_connector_snmp.values import NOTHING, plain

COLUMNS, VALUES = 20, 120
"""At most so many columns, and about so many values, of one request."""

_CIRCLES = "the agent answers in circles at"


def rows_of(agent: Agent, table: Table, rows: int) -> Iterator[tuple[Oid, dict[str, Any]]]:
    """Index and values; a column that has no value at an index is missing there.

    Args:
        agent: Who is asked.
        table: With columns.
        rows: At once, at most.
    """
    by_oid = {column.oid: column for column in table.columns}
    reached: dict[Oid, Oid] = dict.fromkeys(by_oid, ())
    waiting: dict[Oid, dict[str, Any]] = {}
    ahead: Counter[str] = Counter()
    while reached:
        asked = [oid for oid in sorted(reached, key=reached.__getitem__) if ahead[by_oid[oid].name] < rows][:COLUMNS]
        found = _page(agent, [(*oid, *reached[oid]) for oid in asked], rows)
        for place, (name, value) in enumerate(found):
            oid = asked[place % len(asked)]
            if oid not in reached:
                continue
            if name[: len(oid)] != oid or isinstance(value, NOTHING):
                del reached[oid]
                continue
            index, column = name[len(oid) :], by_oid[oid]
            if index <= reached[oid]:
                raise ConfigError(f"{_CIRCLES} {_text(name)}; leave '{column.name}' out of the table", field="stream")
            reached[oid] = index
            waiting.setdefault(index, {})[column.name] = plain(value, column.kind)
            ahead[column.name] += 1
        front = min(reached.values(), default=None)
        for index in sorted(waiting if front is None else (one for one in waiting if one <= front)):
            row = waiting.pop(index)
            ahead.subtract(row.keys())
            yield index, row


def everything(agent: Agent, below: Oid, rows: int) -> Iterator[Bound]:
    """All values below an object identifier, in their order."""
    last = below
    while True:
        for name, value in _page(agent, [last], rows):
            if name[: len(below)] != below or isinstance(value, NOTHING):
                return
            if name <= last:
                raise ConfigError(f"{_CIRCLES} {_text(name)}; choose another stream", field="stream")
            last = name
            yield name, value


def _page(agent: Agent, after: list[Oid], rows: int) -> list[Bound]:
    """Fewer rows where so many do not fit an answer."""
    repetitions = max(1, min(rows, VALUES // len(after)))
    while True:
        try:
            return agent.bulk(repetitions, *after)
        except RefusedByAgent as error:
            if error.status != "tooBig" or repetitions == 1:
                raise
            repetitions //= 2


def _text(oid: Oid) -> str:
    return ".".join(map(str, oid))
