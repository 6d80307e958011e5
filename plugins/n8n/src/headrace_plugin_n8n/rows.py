"""Steps that change rows and columns."""

from __future__ import annotations

import json
from typing import Any

from headrace_plugin_n8n import sql
from headrace_plugin_n8n.conditions import Condition, joined
from headrace_plugin_n8n.step import Made, Step
from headrace_plugin_n8n.values import Unmapped, column, constant, field, held, is_expression, listed, text, whole

_KINDS = {"string": "text", "number": "number", "boolean": "boolean"}
_SUMS = {
    "sum": "sum_", "average": "average_", "min": "min_", "max": "max_", "count": "count_",
    "countUnique": "unique_count_",
}  # fmt: skip


def edit(step: Step) -> Made:
    """Set, or Edit Fields: columns that are made, with those that come in or without."""
    if step.node.version < 3:
        whole_row = step.get("keepOnlySet", False) is not True
        fields = [
            (one.get("name"), one.get("value"), kind)
            for kind, parts in (step.get("values") or {}).items()
            for one in listed(parts, "the fields")
        ]
    elif step.get("mode", "manual") == "raw":
        whole_row = step.get("includeOtherFields", False) is True
        fields = _raw(step)
    else:
        whole_row = step.get("includeOtherFields", False) is True
        parts = listed(held(step.node.parameters, "assignments", "assignments") or [], "the fields")
        fields = [(one.get("name"), one.get("value"), one.get("type", "string")) for one in parts]
    if whole_row and step.get("include", "all") != "all":
        raise Unmapped("it takes over some of the other fields only")
    made = [_column(step, *one) for one in fields]
    names = [name for name, _ in made]
    if len(set(names)) < len(names):
        raise Unmapped("it sets the same field twice")
    if not made:
        if not whole_row:
            raise Unmapped("it makes empty rows")
        return Made(type="control.merge", many=True)
    if whole_row:
        config: dict[str, Any] = {"columns": [{"name": name, "expression": sql.written(value)} for name, value in made]}
        return Made(type="transform.derive", config=config, shape="mixed" if step.shape != "rows" else None)
    return Made(type="transform.sql", config={"query": sql.select(made)}, shape="rows")


def _raw(step: Step) -> list[tuple[Any, Any, Any]]:
    try:
        found = json.loads(text(step.get("jsonOutput", "{}"), "the JSON"))
    except (ValueError, RecursionError):
        raise Unmapped("its JSON cannot be read") from None
    if not isinstance(found, dict):
        raise Unmapped("its JSON is no object")
    kinds = {str: "string", int: "number", float: "number", bool: "boolean"}
    return [(name, value, kinds.get(type(value), "object")) for name, value in found.items()]


def _column(step: Step, name: Any, value: Any, kind: Any) -> tuple[str, Any]:
    target = text(name, "a field")
    if not target or any(mark in target for mark in ".[]"):
        raise Unmapped(f"it sets '{target}', which is a place inside of a field")
    what, word = f"the field '{target}'", _KINDS.get(str(kind))
    if word is None:
        raise Unmapped(f"{what} is of the type '{kind}'")
    if is_expression(value):
        return target, sql.cast(sql.column(column(value, step.shape, what)), word)
    found = constant(value, what)
    if word == "number" and isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            raise Unmapped(f"{what} is no number") from None
    if word == "boolean" and isinstance(found, str) and found.lower() in {"true", "false"}:
        found = found.lower() == "true"
    wanted: dict[str, Any] = {"text": str, "number": int | float, "boolean": bool}
    if not isinstance(found, wanted[word]) or (word == "number" and isinstance(found, bool)):
        raise Unmapped(f"{what} is no {word}")
    made = sql.literal(found)
    return target, sql.cast(made, word) if word == "number" else made  # one type for numbers, as n8n has it


def keep(step: Step) -> Made:
    """Filter."""
    condition = Condition(step.shape)
    where = condition.of(_known_condition(step))
    return Made(type="transform.filter", config={"where": where}, notes=joined(condition.notes))


def branch(step: Step) -> Made:
    """If."""
    condition = Condition(step.shape)
    old = step.node.version < 2
    where = condition.of_old(step.node.parameters) if old else condition.of(_known_condition(step))
    notes = joined(condition.notes)
    return Made(type="control.if", config={"where": where}, outputs=("true", "false"), notes=notes)


def route(step: Step) -> Made:
    """Switch."""
    if step.node.version < 3 or step.get("mode", "rules") != "rules":
        raise Unmapped("it chooses the way by an expression, or is of an older version of Switch")
    rules, options = listed(held(step.node.parameters, "rules", "values"), "the rules"), step.options()
    if options.get("allMatchingOutputs"):
        raise Unmapped("it sends a row by several ways")
    if options.get("fallbackOutput", "none") not in {"none", "extra"}:
        raise Unmapped("what meets no rule goes the way of one of them")
    if not 1 <= len(rules) <= 6:
        raise Unmapped(f"it has {len(rules)} rules; a step here has one to six")
    condition = Condition(step.shape)
    cases = []
    for rule in rules:
        found = held(rule, "conditions")
        if isinstance(found, dict) and options.get("ignoreCase"):
            found = {**found, "options": {**(found.get("options") or {}), "caseSensitive": False}}
        name = constant(rule.get("outputKey") or "", "the name of a way")
        cases.append({"where": condition.of(found), "name": str(name)})
    outputs = (*(f"case_{number}" for number in range(1, len(cases) + 1)), "default")
    return Made(type="control.switch", config={"cases": cases}, outputs=outputs, notes=joined(condition.notes))


def _known_condition(step: Step) -> Any:
    found = step.get("conditions")
    if isinstance(found, dict) and step.options().get("ignoreCase") is not None:
        return {**found, "options": {**(found.get("options") or {}), "caseSensitive": not step.options()["ignoreCase"]}}
    return found


def first(step: Step) -> Made:
    """Limit."""
    if step.get("keep", "firstItems") != "firstItems":
        raise Unmapped("it keeps the last rows")
    return Made(type="transform.limit", config={"rows": whole(step.get("maxItems", 1), "the number of rows", 0, 10**9)})


def order(step: Step) -> Made:
    """Sort."""
    if step.get("type", "simple") != "simple":
        raise Unmapped(f"it orders by '{step.get('type')}'")
    fields = listed(held(step.node.parameters, "sortFieldsUi", "sortField"), "the order")
    if not fields:
        raise Unmapped("it has no field to order by")
    by = [
        {"column": field(one.get("fieldName"), step.shape, "the order"), "descending": one.get("order") == "descending"}
        for one in fields
    ]
    note = "texts are ordered as they are written; n8n takes no heed of capital letters"
    return Made(type="transform.sort", config={"by": by}, notes=(note,))


def distinct(step: Step) -> Made:
    """Remove Duplicates."""
    if step.get("operation", "removeDuplicateInputItems") != "removeDuplicateInputItems":
        raise Unmapped("it remembers rows of earlier executions")
    compare = step.get("compare", "allFields")
    if compare == "allFields":
        return Made(type="transform.distinct", config={"columns": []})
    if compare != "selectedFields":
        raise Unmapped("it compares all fields but some")
    columns = _fields(step, step.get("fieldsToCompare", ""), "the fields to compare")
    if not columns:
        raise Unmapped("it has no field to compare")
    note = "which of the rows that are alike is kept is not said here; n8n keeps the first"
    return Made(type="transform.distinct", config={"columns": columns}, notes=(note,))


def summarize(step: Step) -> Made:
    """Summarize."""
    if step.options().get("outputFormat", "separateItems") != "separateItems":
        raise Unmapped("it gives one item with groups inside")
    if step.options().get("skipEmptySplitFields"):
        raise Unmapped("it leaves out groups without a value")
    made, notes = [], []
    for one in listed(held(step.node.parameters, "fieldsToSummarize", "values"), "the sums"):
        word = str(one.get("aggregation", "count"))
        if word not in _SUMS:
            raise Unmapped(f"it puts values together by '{word}'")
        name = field(one.get("field"), step.shape, "a sum")
        made.append({"name": _SUMS[word] + name.replace(" ", "_"), "expression": _sum(word, name, one)})
        if word.startswith("count"):
            notes.append(f"an empty text in '{name}' counts here; n8n leaves it out")
    if not made:
        raise Unmapped("it works out nothing")
    by = _fields(step, step.get("fieldsToSplitBy", ""), "the groups")
    return Made(type="transform.aggregate", config={"aggregates": made, "by": by}, notes=joined(notes), shape="rows")


def _sum(word: str, name: str, one: dict[str, Any]) -> str:
    from sqlglot import exp

    value = sql.column(name)
    if word in {"count", "countUnique"}:
        if one.get("includeEmpty"):
            raise Unmapped("it counts empty values too")
        return sql.written(exp.Count(this=exp.Distinct(expressions=[value]) if word == "countUnique" else value))
    if word == "sum":
        return sql.written(sql.call("coalesce", exp.Sum(this=value), sql.literal(0)))
    kinds = {"average": exp.Avg, "min": exp.Min, "max": exp.Max}
    return sql.written(kinds[word](this=value))


def _fields(step: Step, found: Any, what: str) -> list[str]:
    if isinstance(found, dict):
        found = ",".join(str(one.get("fieldName", "")) for one in listed(found.get("fields", []), what))
    return [field(one.strip(), step.shape, what) for one in text(found, what).split(",") if one.strip()]
