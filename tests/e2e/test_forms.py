"""Forms: nullable numbers, variants, errors at their field; a connector that no package has shows all of it."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.slow
TLS = {
    "title": "Certificate", "type": "object", "required": ["kind", "user", "key"],
    "properties": {
        "kind": {"const": "certificate"}, "user": {"title": "User", "type": "string"},
        "key": {"title": "Key file", "type": "string"}, "retries": {"title": "Retries", "type": "string"},
    },
}  # fmt: skip
PLAIN = {
    "title": "Password", "type": "object", "required": ["kind", "user"],
    "properties": {
        "kind": {"const": "password"}, "user": {"title": "User", "type": "string"},
        "password": {"title": "Password", "type": "string", "format": "password", "writeOnly": True},
        "retries": {"title": "Retries", "type": "integer"},
    },
}  # fmt: skip
SCHEMA = {
    "type": "object", "required": ["host"],
    "properties": {
        "host": {"title": "Host", "type": "string"},
        "pool": {"title": "Pool", "anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
        "rate": {"title": "Rate", "type": ["number", "null"]},
        "wait": {"title": "Wait", "type": "integer", "x-ui": {"nullable": True}, "default": 30},
        "since": {"title": "Since", "type": ["string", "integer"], "x-ui": {"nullable": True}, "default": None},
        "mode": {"title": "Mode", "enum": ["keep", "drop"], "default": "keep", "x-ui": {"widget": "segmented"}},
        "keys": {
            "title": "Keys", "type": "array", "items": {"type": "string"}, "x-ui": {"visible_if": {"mode": "drop"}},
        },
        "trim": {"title": "Trim", "type": "boolean", "x-ui": {"visible_if": {"mode": "drop"}}},
        "marks": {"title": "Marks", "type": "string", "x-ui": {"visible_if": {"trim": True}}},
        "auth": {"title": "Sign in", "oneOf": [PLAIN, TLS]},
    },
}  # fmt: skip


@pytest.fixture
def form(page: Page):
    """The form of such a connector; the bodies it sends are kept, the answer is what the test says."""
    sent: list[dict] = []
    answers: list[tuple[int, dict]] = []

    def offer(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        odd = {**body["data"][0], "id": "odd", "title": "Odd one", "schema": SCHEMA}
        body["data"].append(odd)
        route.fulfill(response=answer, json=body)

    def test(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}")["config"])
        status, body = answers.pop(0) if answers else (200, {"data": {"ok": True, "ms": 1, "checks": [], "hint": ""}})
        route.fulfill(status=status, json=body)

    page.route(re.compile(r"/api/v1/connectors$"), offer)
    page.route(re.compile(r"/api/v1/connections/test$"), test)
    page.goto("/connections/new")
    page.get_by_role("link", name="Odd one").click()
    page.get_by_label("Host").fill("db")
    return page.get_by_role("main"), sent, answers


def try_it(main) -> None:
    main.get_by_role("button", name="Test", exact=True).click()
    expect(main.get_by_role("button", name="Test", exact=True)).to_be_enabled()


def test_nullable_numbers_are_numbers_or_null(form):
    main, sent, _ = form
    expect(main.get_by_label("Wait")).to_have_value("30")
    for label, text in (("Pool", "7"), ("Rate", "0.25"), ("Wait", "")):
        main.get_by_label(label).fill(text)
    try_it(main)
    expect(main.get_by_text("It works")).to_be_visible()
    assert (sent[-1]["pool"], sent[-1]["rate"], sent[-1]["wait"]) == (7, 0.25, None)
    for label, text in (("Pool", ""), ("Rate", ""), ("Wait", "5")):
        main.get_by_label(label).fill(text)
    try_it(main)
    assert (sent[-1]["pool"], sent[-1]["rate"], sent[-1]["wait"]) == (None, None, 5)


def test_what_is_no_number_is_said_at_its_field_and_not_sent(form):
    main, sent, _ = form
    for text, said in (
        ("many", "This takes a whole number."),
        ("1.5", "This takes a whole number."),
        ("0", "The least is 1."),
    ):
        main.get_by_label("Pool").fill(text)
        expect(main.get_by_role("alert")).to_have_text(said)
    main.get_by_role("button", name="Test", exact=True).click()
    expect(main.get_by_label("Pool")).to_be_focused()
    assert sent == []


def test_a_value_of_several_types_keeps_the_chosen_one(form):
    main, sent, _ = form
    kind = main.get_by_label("Type of Since")
    for choice, typed, value in (("Text", "2024", "2024"), ("Whole number", "2024", 2024), ("Nothing", None, None)):
        kind.select_option(choice)
        if typed:
            main.get_by_label("Since", exact=True).fill(typed)
        try_it(main)
        assert sent[-1]["since"] == value


def test_another_variant_keeps_the_fields_that_both_have(form, page: Page):
    page.expected.append("username fields for accessibility")  # Chromium looks at a password that comes back alone
    main, sent, _ = form
    auth = main.get_by_role("group", name="Sign in")
    auth.get_by_label("User").fill("ada")
    auth.get_by_role("textbox", name="Password").fill("hush")
    auth.get_by_label("Retries").fill("3")
    auth.get_by_role("radio", name="Certificate").check(force=True)
    expect(auth.get_by_label("User")).to_have_value("ada")
    expect(auth.get_by_label("Retries")).to_have_value("")
    expect(auth.get_by_role("textbox", name="Password")).to_have_count(0)
    auth.get_by_label("Key file").fill("/k")
    try_it(main)
    assert sent[-1]["auth"] == {"kind": "certificate", "user": "ada", "key": "/k"}
    auth.get_by_role("radio", name="Password").check(force=True)
    expect(auth.get_by_label("User")).to_have_value("ada")
    try_it(main)
    assert sent[-1]["auth"] == {"kind": "password", "user": "ada"}


def test_hidden_fields_are_not_sent(form):
    main, sent, _ = form
    expect(main.get_by_role("group", name="Keys")).to_have_count(0)
    main.get_by_role("radio", name="drop").check(force=True)
    keys = main.get_by_role("combobox", name="Keys")
    keys.fill("id")
    keys.press("Enter")
    main.get_by_role("group", name="Sign in").get_by_label("User").fill("ada")
    try_it(main)
    assert sent[-1]["keys"] == ["id"]
    main.get_by_role("radio", name="keep").check(force=True)
    try_it(main)
    assert "keys" not in sent[-1]


def test_a_field_hides_with_the_hidden_one_that_it_depends_on(form):
    main, sent, _ = form
    main.get_by_role("group", name="Sign in").get_by_label("User").fill("ada")
    marks = main.get_by_label("Marks")
    expect(marks).to_have_count(0)
    main.get_by_role("radio", name="drop").check(force=True)
    main.get_by_role("checkbox", name="Trim").check()
    marks.fill(".,")
    try_it(main)
    assert (sent[-1]["trim"], sent[-1]["marks"]) == (True, ".,")
    main.get_by_role("radio", name="keep").check(force=True)
    expect(marks).to_have_count(0)
    try_it(main)
    assert not {"trim", "marks"} & set(sent[-1])
    main.get_by_role("radio", name="drop").check(force=True)
    expect(marks).to_have_value(".,")


def test_errors_of_an_answer_stand_at_their_field(form, page: Page):
    page.expected.append("the server responded with a status of 400")
    main, _, answers = form
    main.get_by_role("group", name="Sign in").get_by_label("User").fill("ada")
    said = {"config.auth.user": "no such user", "$.host": "not reachable from here", "region": "is missing"}
    listed = [{"path": path, "message": message} for path, message in said.items()]
    answers.append((400, {"error": {"code": "VALIDATION_FAILED", "message": "two", "details": {"errors": listed}}}))
    try_it(main)
    host, user = main.get_by_label("Host"), main.get_by_role("group", name="Sign in").get_by_label("User")
    expect(host).to_have_accessible_description("not reachable from here")
    expect(user).to_have_accessible_description("no such user")
    expect(host).to_be_focused()
    expect(main.locator(".notice")).to_have_text("region: is missing")


def test_every_password_stands_in_a_form(form):
    main, _, _ = form
    inputs = main.locator("input[type=password]")
    expect(inputs).to_have_count(1)
    assert inputs.evaluate("input => input.form !== null")


def test_a_field_of_a_step_shows_what_the_server_finds(page: Page, api, steps):
    flow = api.flow("Wrong field", [steps("keep", "transform.filter", 0, where="((")])
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-keep").click()
    settings = page.get_by_role("complementary", name="Settings of Keep")
    field = settings.get_by_role("textbox", name="Condition")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("a = 1")
    expect(field).not_to_have_attribute("aria-invalid", "true")
