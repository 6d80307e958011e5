"""Text templates: filled in from plain data, and unable to reach or exhaust anything else."""
# ruff: noqa: E501 - tables read by line

import pytest
from headrace.sdk import ConfigError
from headrace.sdk.text import MAX_RESULT, render, render_config

CONTEXT = {"params": {"day": "2024-01-01", "n": 3, "items": ["a", "b"]}, "execution": {"id": "e1"}}


@pytest.mark.parametrize(("text", "expected"), [
    ("plain", "plain"), ("{{ params.day }}.csv", "2024-01-01.csv"), ("{{ params['n'] + 1 }}", "4"), ("{{ params.day|replace('-', '') }}", "20240101"),
    ("{% if params.n > 2 %}many{% else %}few{% endif %}", "many"), ("{{ params.items|join(', ') }}", "a, b"), ("{{ params.day.upper() }}", "2024-01-01"),
    ("{{ params.get('x', 'none') }}", "none"), ("{{ params.items|length }}", "2"), ("{{ params.x|default('d') }}", "d"), ("{{ 2 ** 10 }}", "1024"),
])  # fmt: skip
def test_renders(text, expected):
    assert render(text, CONTEXT) == expected


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(ConfigError):
        render("{{ x" + "x" * 30_000 + " }}", CONTEXT)


def test_replacing_cannot_amplify():
    text = "{{ params.long" + "|replace('', params.long)" * 3 + " }}"
    with pytest.raises(ConfigError):
        render(text, {"params": {"long": "x" * 10_000}})
    with pytest.raises(ConfigError):
        render("{{ params.long ~ params.long }}", {"params": {"long": "x" * MAX_RESULT}})


def test_context_is_copied_to_plain_data():
    class Thing:
        secret = "s"

        def __str__(self):
            return "thing"

    assert render("{{ params.t }}", {"params": {"t": Thing()}}) == "thing"
    with pytest.raises(ConfigError):
        render("{{ params.t.secret }}", {"params": {"t": Thing()}})


def test_config_names_the_field():
    config = {"path": "{{ params.day }}", "n": 1, "rows": [{"name": "{{ params.n }}"}], "sql": "{ x }"}
    assert render_config(config, CONTEXT) == {"path": "2024-01-01", "n": 1, "rows": [{"name": "3"}], "sql": "{ x }"}
    with pytest.raises(ConfigError, match=r"'rows\[0\].name'"):
        render_config({"rows": [{"name": "{{ nope }}"}]}, CONTEXT)


@pytest.mark.parametrize(("text", "message"), [
    ("{{ param.day }}", "'param' is undefined; known are execution, params"), ("{{ params.dya }}", "'dya'; known in params are day, items, n"),
    ("{{ params['dya'] }}", "'dya'; known in params are day, items, n"), ("{{ params.items[7] }}", "7; params.items is a list of 2, counted from 0"),
    ("{{ params.day.month }}", "'month'; params.day is a single value"), ("{{ params.dya.month }}", "'dya'; known in params are day, items, n"),
    ("{{ vars.x }}", "'x'; nothing is known in vars"), ("{{ params.many.x }}", "'x'; known in params.many are c0, c1, c10"),
])  # fmt: skip
def test_a_wrong_name_says_what_is_known_where_the_mistake_is(text, message):
    context = {**CONTEXT, "vars": {}} if "vars" in text else CONTEXT
    if "many" in text:
        context = {"params": {"many": {f"c{number}": number for number in range(30)}}}
    with pytest.raises(ConfigError) as raised:
        render(text, context)
    assert f"asks for something that is not there: {message}" in raised.value.message
    assert raised.value.message.endswith("and 10 more") == ("many" in text)


def test_verbatim_fields_are_no_templates():
    config = {"code": "f'{{{x}}}'", "path": "{{ params.day }}", "inner": {"code": "{{ params.day }}"}}
    filled = render_config(config, CONTEXT, frozenset({"code"}))
    assert filled == {"code": "f'{{{x}}}'", "path": "2024-01-01", "inner": {"code": "2024-01-01"}}
