"""Conditions of n8n (If, Filter, Switch) as expressions over columns, with the same answer for empty values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace_plugin_n8n import sql
from headrace_plugin_n8n.values import Shape, Unmapped, column, constant, held, is_expression, listed

_TEXT = {
    "equals": "EQ", "notEquals": "NEQ", "contains": "contains", "notContains": "contains", "startsWith": "starts_with",
    "notStartsWith": "starts_with", "endsWith": "ends_with", "notEndsWith": "ends_with", "empty": "", "notEmpty": "",
}  # fmt: skip
_NUMBER = {"equals": "EQ", "notEquals": "NEQ", "gt": "GT", "lt": "LT", "gte": "GTE", "lte": "LTE"}
_OLD = {
    "equal": "equals", "notEqual": "notEquals", "smaller": "lt", "smallerEqual": "lte", "larger": "gt",
    "largerEqual": "gte", "isEmpty": "empty", "isNotEmpty": "notEmpty",
}  # fmt: skip
_FIRST = {"string": "equal", "number": "smaller", "boolean": "equal"}


class Condition:
    """A condition and what is to be looked at in it."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.notes: list[str] = []

    def of(self, found: Any) -> str:
        """The expression of a filter parameter.

        Raises:
            Unmapped: it does what an expression here does not.
        """
        parts = listed(held(found, "conditions"), "the condition")
        every = (held(found, "combinator") or "and") == "and"
        ignoring = held(found, "options", "caseSensitive") is False
        if not parts:
            raise Unmapped("there is no condition")
        made = [
            self._one(held(part, "operator"), part.get("leftValue"), part.get("rightValue"), ignoring) for part in parts
        ]
        return sql.written(sql.both(made, every=every))

    def of_old(self, parameters: dict[str, Any]) -> str:
        """The same of the first version of If.

        Raises:
            Unmapped: it does what an expression here does not.
        """
        kinds = parameters.get("conditions")
        made = []
        for kind, parts in kinds.items() if isinstance(kinds, dict) else ():
            for part in listed(parts, "the condition"):
                word = str(part.get("operation") or _FIRST.get(kind, ""))
                operator = {"type": kind, "operation": _OLD.get(word, word)}
                made.append(self._one(operator, part.get("value1"), part.get("value2"), ignoring=False))
        if not made:
            raise Unmapped("there is no condition")
        return sql.written(sql.both(made, every=(parameters.get("combineOperation") or "all") == "all"))

    def _one(self, operator: Any, left: Any, right: Any, ignoring: bool) -> Any:
        kind, word = held(operator, "type"), held(operator, "operation")
        if not is_expression(left):
            raise Unmapped("a condition compares a value that is written out, not a field")
        name = column(left, self.shape, "a condition")
        value = sql.column(name)
        if word in {"exists", "notExists"} or (kind != "string" and word in {"empty", "notEmpty"}):
            absent = value.is_(sql.literal(None))
            return absent if word in {"notExists", "empty"} else absent.not_()
        if kind == "string" and word in _TEXT:
            return self._text(word, value, "" if word in {"empty", "notEmpty"} else right, ignoring)
        if kind == "number" and word in _NUMBER:
            return self._number(word, name, right)
        if kind == "boolean" and word in {"true", "false"}:
            whole = sql.call("coalesce", value, sql.literal(False))
            return whole if word == "true" else whole.not_()
        if kind == "boolean" and word in {"equals", "notEquals"} and isinstance(constant(right, "a condition"), bool):
            same = value.eq(sql.literal(right))
            return same if word == "equals" else value.is_(sql.literal(None)).or_(same.not_())
        raise Unmapped(f"a condition asks '{kind}: {word}', for which there is no expression here")

    def _text(self, word: str, value: Any, right: Any, ignoring: bool) -> Any:
        left = sql.call("coalesce", value, sql.literal(""))
        if is_expression(right):
            other = sql.call("coalesce", sql.column(column(right, self.shape, "a condition")), sql.literal(""))
            if word not in {"equals", "notEquals"}:
                raise Unmapped("a condition looks for one field in another")
        else:
            text = constant("" if right is None else right, "a condition")
            if not isinstance(text, str):
                raise Unmapped("a condition compares a text with something else")
            other = sql.literal(text.lower() if ignoring else text)
        if ignoring:
            left = sql.call("lower", left)
            other = sql.call("lower", other) if is_expression(right) else other
        if word in {"equals", "notEquals", "empty", "notEmpty"}:
            return left.eq(other) if word in {"equals", "empty"} else left.neq(other)
        found = sql.call(_TEXT[word], left, other)
        return found.not_() if word.startswith("not") else found

    def _number(self, word: str, name: str, right: Any) -> Any:
        from sqlglot import exp

        value = sql.column(name)
        if is_expression(right):
            if word == "notEquals":
                raise Unmapped("a condition asks whether two fields differ, which may both be empty")
            other, zero = sql.column(column(right, self.shape, "a condition")), True
        else:
            number = constant(right, "a condition")
            if isinstance(number, str):
                number = _number(number)
            if not isinstance(number, int | float) or isinstance(number, bool):
                raise Unmapped("a condition compares a number with something else")
            other, zero = sql.literal(number), _holds(word, 0.0, float(number))
        if zero and word not in {"equals", "notEquals"}:
            self.notes.append(f"an empty '{name}' counts as 0 in n8n; here the condition does not hold for it")
        made = getattr(exp, _NUMBER[word])(this=value, expression=other)
        return value.is_(sql.literal(None)).or_(made) if word == "notEquals" else made


def _number(text: str) -> float | str:
    try:
        made = float(text)
    except ValueError:
        return text
    return int(made) if made.is_integer() and abs(made) < 2**53 else made


def _holds(word: str, left: float, right: float) -> bool:
    return {"gt": left > right, "lt": left < right, "gte": left >= right, "lte": left <= right}.get(word, False)


def joined(notes: Iterable[str]) -> tuple[str, ...]:
    """Each once."""
    return tuple(dict.fromkeys(notes))
