"""Log lines of an attempt: of each step the first and the last ones; what is between is counted, never silent."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from headrace.engine.messages import LogLine
from headrace.infra.clock import now
from headrace.infra.logs import redact, redact_text

FIRST = 4_000
LAST = 1_000
CHARS_MAX = 10_000


class Lines:
    """Lines of the steps of one attempt; those without a step are a step of their own."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._last: dict[str, deque[dict[str, Any]]] = {}
        self._left_out: dict[str, Counter[str]] = {}

    def take(self, line: LogLine) -> list[dict[str, Any]]:
        """Rows to write for a line now: itself, or none; and a word when the first ones are full."""
        step = line.node_id
        self._counts[step] += 1
        if self._counts[step] <= FIRST:
            return [_row(step, line.level, line.message, line.fields)]
        last = self._last.setdefault(step, deque())
        last.append({"level": line.level, "message": line.message, "fields": line.fields, "created_at": now()})
        if len(last) > LAST:
            self._left_out.setdefault(step, Counter())[last.popleft()["level"]] += 1
        if self._counts[step] > FIRST + 1:
            return []
        said = f"this step has written {FIRST:,} lines; of those that follow the last {LAST:,} are shown when it ends"
        return [_row(step, "warning", said, {})]

    def rest(self) -> list[dict[str, Any]]:
        """Rows to write at the end: how many lines were left out, of which levels, and the last ones."""
        rows = []
        for step, last in self._last.items():
            left_out = self._left_out.get(step, Counter())
            if left_out:
                levels = ", ".join(f"{count:,} {level}" for level, count in sorted(left_out.items()))
                said = f"{left_out.total():,} lines were left out here ({levels})"
                rows.append(_row(step, "warning", said, {"left_out": dict(left_out)}))
            rows += [
                _row(step, line["level"], line["message"], line["fields"]) | {"created_at": line["created_at"]}
                for line in last
            ]
        self._last, self._left_out = {}, {}
        return rows


def _row(step: str, level: str, message: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "node_id": step, "level": level, "message": redact_text(message)[:CHARS_MAX], "metadata": redact(fields),
        "created_at": now(),
    }  # fmt: skip
