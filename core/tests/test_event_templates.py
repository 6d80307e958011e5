"""Configs see what an execution was started with: as values, never as a piece of a program."""

from __future__ import annotations

from typing import Annotated

import pytest
from headrace.engine.templates import ROWS_SEEN, event_of, filled, known, spoken_fields
from headrace.plugins.connector_nodes import query_config
from headrace.plugins.manager import load_plugins
from headrace.sdk import Config, ConfigError, Field
from headrace_node_control.configs import RespondConfig
from headrace_node_transform.configs import SqlConfig

CALL = {"rows": [{"name": "Ada"}, {"name": "Bo"}], "request": {"query": {"page": "2"}}, "trigger": {"name": "shop"}}


def context(input_data):
    return known({"day": "Monday"}, "e1", input_data)


def test_an_event_is_seen_as_it_came_with_its_first_row():
    assert event_of(CALL) == {**CALL, "row": {"name": "Ada"}}
    assert event_of({"amount": 3, "trigger": {}})["row"] == {"amount": 3}
    assert event_of({})["row"] == event_of({"rows": []})["row"] == {}
    many = event_of({"rows": [{"n": n} for n in range(1_000)]})
    assert len(many["rows"]) == ROWS_SEEN


def test_texts_take_values_of_the_event():
    config = {
        "send": "text", "body": "{{ input.row.name }} asked for page {{ input.request.query.page }}, {{ params.day }}",
        "headers": {"x-shop": "{{ input.trigger.name }}"},
    }  # fmt: skip
    made = filled(config, RespondConfig, context(CALL))
    assert made == {"send": "text", "body": "Ada asked for page 2, Monday", "headers": {"x-shop": "shop"}}
    with pytest.raises(ConfigError, match=r"'body'.*asks for something that is not there: 'phone'"):
        filled({"body": "{{ input.row.phone }}"}, RespondConfig, context(CALL))


def test_what_is_no_template_is_as_it_was():
    config = {"status": 201, "body": "{ input }"}
    assert filled(config, RespondConfig, context(CALL)) == config


def test_an_event_is_no_piece_of_sql():
    evil = {"rows": [{"name": "'; DROP TABLE users --"}]}
    with pytest.raises(ConfigError, match=r"'query' takes nothing of the event.*bind it as a parameter") as caught:
        filled({"query": "SELECT * FROM input WHERE name = '{{ input.row.name }}'"}, SqlConfig, context(evil))
    assert caught.value.details["field"] == "query"
    assert (
        filled({"query": "SELECT '{{ params.day }}' AS d"}, SqlConfig, context(evil))["query"] == "SELECT 'Monday' AS d"
    )
    shape = query_config(load_plugins().registry.connector("postgresql").manifest)
    asked = {"sql": "SELECT 1 WHERE :name = 'x'", "parameters": {"name": "{{ input.row.name }}"}}
    assert filled(asked, shape, context(evil))["parameters"] == {"name": "'; DROP TABLE users --"}
    with pytest.raises(ConfigError, match=r"'sql' takes nothing of the event"):
        filled({**asked, "sql": "SELECT '{{ input.row.name }}'"}, shape, context(evil))


class Two(Config):
    """A query and an expression."""

    query: Annotated[str, Field("Query", language="sql")] = ""
    keep: Annotated[str, Field("Keep", widget="expression")] = ""


def test_the_field_that_is_wrong_is_named_and_no_other():
    with pytest.raises(ConfigError, match=r"'keep' takes nothing of the event") as caught:
        filled({"query": "SELECT * FROM input", "keep": "name = '{{ input.row.name }}'"}, Two, context(CALL))
    assert caught.value.details["field"] == "keep"


class Inner(Config):
    """An expression within a list."""

    name: str
    value: Annotated[str, Field("Value", widget="expression", language="sql")] = ""


class Outer(Config):
    """A list of expressions, and a text."""

    columns: list[Inner] = []
    title: str = ""


def test_a_language_is_found_however_deep():
    assert spoken_fields(Outer) == {"columns"}
    with pytest.raises(ConfigError, match=r"'columns' takes nothing of the event"):
        filled({"columns": [{"name": "a", "value": "{{ input.row.name }}"}]}, Outer, context(CALL))
    with pytest.raises(ConfigError, match=r"'columns\[0\]\.value'.*not there: 'nope'"):
        filled({"columns": [{"name": "a", "value": "{{ nope }}"}]}, Outer, context(CALL))


def test_every_field_with_a_language_is_known():
    registry = load_plugins().registry
    spoken = {
        f"{name}.{field}" for name, kind in registry.nodes.items() for field in spoken_fields(kind.manifest.config)
    }
    assert {"transform.sql.query", "transform.filter.where", "control.if.where", "code.python.code"} <= spoken
    assert "control.respond.body" not in spoken
