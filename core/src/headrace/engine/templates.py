"""Templates in a step's config: what they may use, and the fields where an event may not speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.sdk.config import Config
from headrace.sdk.errors import ConfigError
from headrace.sdk.forms import spoken_fields
from headrace.sdk.text import render_config

ROWS_SEEN = 100
"""Rows of an event that templates may ask for."""
_GUESTS = {
    "input": "the event, which could change what it does; bind it as a parameter, or use the columns of the trigger's "
    "rows",
    "nodes": "other steps, whose rows could change what it does; bind it as a parameter, or connect the step to an "
    "input",
}
"""What comes from outside of the flow, and why a program does not take it."""


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

    What an event or another step brought is a value, never a piece of a program: SQL and other languages take it as a
    parameter or as a column.

    Raises:
        ConfigError: naming the field.
    """
    spoken = spoken_fields(shape) if _GUESTS.keys() & context.keys() else frozenset()
    plain = {name: value for name, value in config.items() if name not in spoken}
    made = {**config, **render_config(plain, context, shape.verbatim)}
    for name in spoken & config.keys():
        made |= _program(name, {name: config[name]}, context, shape.verbatim)
    return made


def _program(
    name: str, field: Mapping[str, Any], context: Mapping[str, Any], verbatim: frozenset[str]
) -> dict[str, Any]:
    own = {known: value for known, value in context.items() if known not in _GUESTS}
    try:
        return {**render_config(field, own, verbatim)}
    except ConfigError:
        render_config(field, context, verbatim)  # says what is wrong, unless it is a guest
    guest = "nodes" if "nodes" in context and _asks(field, context, verbatim) else "input"
    raise ConfigError(f"'{name}' takes nothing of {_GUESTS[guest]}", field=name)


def _asks(field: Mapping[str, Any], context: Mapping[str, Any], verbatim: frozenset[str]) -> bool:
    """Whether it cannot do without other steps."""
    try:
        render_config(field, {known: value for known, value in context.items() if known != "nodes"}, verbatim)
    except ConfigError:
        return True
    return False
