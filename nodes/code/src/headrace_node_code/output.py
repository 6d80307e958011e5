"""What the code prints, on its way to the execution's log."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Final

from headrace.sdk import NodeContext

MAX_LINES: Final = 500
MAX_LINE: Final = 2_000
MAX_TEXT: Final = 100_000


class Printed:
    """Lines in order, as many as fit; taken in the thread that waits for the sandbox, logged in the other."""

    def __init__(self, ctx: NodeContext) -> None:
        self._ctx = ctx
        self._lines: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._open = {"stdout": "", "stderr": ""}
        self._kept = 0
        self._size = 0
        self._lost = 0

    def take(self, stream: str, text: str) -> None:
        """A piece of text; beyond the bounds lines are counted only."""
        if self._kept >= MAX_LINES or self._size >= MAX_TEXT:
            self._lost += text.count("\n")
            self._open[stream] = ""
            return
        *whole, rest = (self._open.get(stream, "") + text).split("\n")
        self._open[stream] = rest[: MAX_LINE + 1]
        for line in whole:
            self._keep(stream, line)

    def _keep(self, stream: str, line: str) -> None:
        if self._kept >= MAX_LINES or self._size >= MAX_TEXT:
            self._lost += 1
            return
        self._kept += 1
        self._size += len(line[:MAX_LINE])
        self._lines.put((stream, line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}..."))

    def flush(self, *, last: bool = False) -> None:
        """Log what has come.

        Args:
            last: Nothing more will come; log lines without an end as well.
        """
        if last:
            for stream, rest in self._open.items():
                if rest:
                    self._keep(stream, rest)
            self._open.clear()
        while True:
            try:
                stream, line = self._lines.get_nowait()
            except Empty:
                break
            self._ctx.log(line, level="warning" if stream == "stderr" else "info", source="print")
        if last and self._lost:
            self._ctx.log(f"{self._lost} more printed lines were not kept", level="warning")
