"""Templates in a step's config: what they may use, and the fields where an event may not speak."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from headrace.sdk.config import Config
from headrace.sdk.errors import ConfigError
from headrace.sdk.text import render_config

ROWS_SEEN = 100
"""Rows of an event that templates may ask for."""
_LANGUAGES = frozenset(["code", "expression", "sql"])


def event_of(input_data: Mapping[str, Any]) -> dict[str, Any]:
    """What an execution was started with, as templates see it: `row` is its first row, `rows` are its first 100."""
    rows = input_data.get("rows")
    if isinstance(rows, list):
        return {**input_data, "rows": rows[:ROWS_SEEN], "row": rows[0] if rows else {}}
    return {**input_data, "row": {name: value for name, value in input_data.items() if name != "trigger"}}


def known(params: Mapping[str, Any], execution_id: str, input_data: Mapping[str, Any]) -> dict[str, Any]:
    """What templates in configs may use."""
    return {"params": params, "execution": {"id": execution_id}, "input": event_of(input_data)}


def filled(config: Mapping[str, Any], shape: type[Config], context: Mapping[str, Any]) -> dict[str, Any]:
    """The config with its templates filled in.

    What an event brought is a value, never a piece of a program: SQL and other languages take it as a parameter or as
    a column.

    Raises:
        ConfigError: naming the field.
    """
    spoken = spoken_fields(shape) if "input" in context else frozenset()
    plain = {name: value for name, value in config.items() if name not in spoken}
    made = {**config, **render_config(plain, context, shape.verbatim)}
    for name in spoken & config.keys():
        made |= _program(name, {name: config[name]}, context, shape.verbatim)
    return made


def _program(
    name: str, field: Mapping[str, Any], context: Mapping[str, Any], verbatim: frozenset[str]
) -> dict[str, Any]:
    own = {known: value for known, value in context.items() if known != "input"}
    try:
        return {**render_config(field, own, verbatim)}
    except ConfigError:
        render_config(field, context, verbatim)  # says what is wrong, unless it is the event
    raise ConfigError(
        f"'{name}' takes nothing of the event, which could change what it does; bind it as a parameter, "
        "or use the columns of the trigger's rows", field=name,
    )  # fmt: skip


@lru_cache(maxsize=1_024)
def spoken_fields(shape: type[Config]) -> frozenset[str]:
    """Fields at the top that hold text in a language, also deep within."""
    from headrace.sdk.forms import config_schema

    return frozenset(name for name, part in config_schema(shape).get("properties", {}).items() if _speaks(part))


def _speaks(part: Mapping[str, Any]) -> bool:
    hints = part.get("x-ui", {})
    return hints.get("widget") in _LANGUAGES or "language" in hints or any(map(_speaks, _within(part)))


def _within(part: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from part.get("properties", {}).values()
    yield from part.get("oneOf", ())
    if isinstance(part.get("items"), Mapping):
        yield part["items"]
