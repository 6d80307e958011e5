"""Proof that a source of changes tells rows and changes without a gap: writers, and a copy that takes nothing twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from headrace.sdk.triggers import SourceTrigger

ROWS = 3_000
"""Of each table when the reader begins: `n` 0, keys as the table's function makes them of 0, 1, 2 ..."""
SPACING_S = 0.005
COMMITS = 100
"""So many has each writer at least."""

_PLAIN = DefaultDialect(paramstyle="format")
Keys = Mapping[str, Callable[[int], Any]]


class Copy:
    """Tables made of changes alone. It takes nothing twice, nothing out of order, and no change of a row unknown."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Any], int] = {}
        self.counts: dict[str, int] = {}

    def take(self, change: Mapping[str, Any]) -> None:
        """Apply a change.

        Raises:
            AssertionError: it does not fit.
        """
        operation, before, after = change["operation"], change["before"], change["after"]
        self.counts[operation] = self.counts.get(operation, 0) + 1
        old = (change["table"], (before or after)["id"])
        if operation in {"read", "insert"}:
            if old in self.rows:
                raise AssertionError(f"twice: {change}")
        else:
            if old not in self.rows:
                raise AssertionError(f"of a row that is not there: {change}")
            known = self.rows.pop(old)
            if operation != "delete" and after["n"] != known + 1:
                raise AssertionError(f"out of order: {change} on {known}")
        if after is not None:
            self.rows[change["table"], after["id"]] = after["n"]


class Writer(threading.Thread):
    """Changes every third row of all tables until it is told to stop, in transactions of all lengths, some given up."""

    def __init__(self, connect: Callable[[], Any], keys: Keys, number: int) -> None:
        super().__init__()
        self._connect, self._keys, self._number = connect, keys, number
        self._random = random.Random(number)  # noqa: S311 - no secret
        self._fresh = ROWS + number
        self.stopped = threading.Event()
        self.commits = 0

    def run(self) -> None:
        """Write."""
        mine = {name: [n for n in range(ROWS) if n % 3 == self._number] for name in self._keys}
        with closing(self._connect()) as db:
            while not self.stopped.is_set():
                kept = {name: list(numbers) for name, numbers in mine.items()}
                try:
                    for _ in range(self._random.choice((1, 1, 5, 30))):
                        self._change(db.cursor(), self._random.choice(list(self._keys)), mine)
                    done = self._random.random() >= 0.1
                    (db.commit if done else db.rollback)()
                except Exception:  # the server has chosen it to end a deadlock
                    db.rollback()
                    done = False
                mine = mine if done else kept
                self.commits += done
                time.sleep(SPACING_S)

    def _change(self, cursor: Any, name: str, mine: dict[str, list[int]]) -> None:
        key, numbers = self._keys[name], mine[name]
        at = self._random.randrange(len(numbers))
        self._fresh += 3
        table = sa.table(name, sa.column("id"), sa.column("n"))
        this, fresh, more = table.c.id == key(numbers[at]), key(self._fresh), table.c.n + 1
        match self._random.choice(("insert", "update", "update", "rename", "delete")):
            case "insert":
                self._run(cursor, table.insert().values(id=fresh, n=0))
                numbers.append(self._fresh)
            case "update":
                self._run(cursor, table.update().where(this).values(n=more))
            case "rename":
                self._run(cursor, table.update().where(this).values(id=fresh, n=more))
                numbers[at] = self._fresh
            case "delete":
                self._run(cursor, table.delete().where(this))
                numbers.pop(at)

    def _run(self, cursor: Any, statement: sa.Insert | sa.Update | sa.Delete) -> None:
        compiled = statement.compile(dialect=_PLAIN)
        cursor.execute(compiled.string, [compiled.params[one] for one in compiled.positiontup or ()])


def follow(
    open_source: Callable[[], SourceTrigger[Any]], ctx: Any, writers: Sequence[Writer], *, deaths: int, seed: int = 7,
    within_s: float = 120,
) -> tuple[Copy, dict[str, Any], int]:  # fmt: skip
    """Read from the first row to the last change; readers die, half of them before what they gave is stored.

    Batches are to be of a hundred rows, so that the rows take more calls than `deaths` are spread over.

    Raises:
        AssertionError: a change does not fit, or it takes too long.

    Returns:
        The copy, the place at the end, and the views of the rows that were needed at most.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    copy, reader, views = Copy(), open_source(), 0
    cursor: dict[str, Any] = {}
    dying = set(chance.sample(range(2, 85), deaths))
    for writer in writers:
        writer.start()
    try:
        calls, end = 0, time.monotonic() + within_s
        while time.monotonic() < end:
            received = reader.receive(ctx, cursor, wait_s=0.2)
            calls += 1
            views = max(views, len(received.cursor.get("snapshot", {}).get("views", ())))
            lost = calls in dying and chance.random() < 0.5
            if not lost:
                for event in received.events:
                    for row in event.rows:
                        copy.take(row)
                reader.accepted(received)
                cursor = msgspec.json.decode(msgspec.json.encode(received.cursor))
            if calls in dying:
                reader.close()
                reader = open_source()
            time.sleep(SPACING_S)
            if writers[0].is_alive():
                if calls > 100 and min(writer.commits for writer in writers) >= COMMITS:
                    stop(writers)
            elif not received.events and not lost:
                return copy, cursor, views
    finally:
        reader.close()
        stop(writers)
    raise AssertionError(f"it was not through within {within_s} s, after {calls} calls: {copy.counts}")


def stop(writers: Sequence[Writer]) -> None:
    """End them and wait for it."""
    for writer in writers:
        writer.stopped.set()
        if writer.ident is not None:
            writer.join()
