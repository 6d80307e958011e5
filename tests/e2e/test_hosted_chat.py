"""Hosted chats in a browser without scripts, answered by a flow: light and dark, wide and narrow."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LOOKS = [("wide", "light", {"width": 1440, "height": 900}), ("phone", "dark", {"width": 360, "height": 740})]
STEPS = [
    ("chat", "triggers.chat", {"title": "Ask the flow", "description": "It repeats what you say.", "wait_seconds": 60}),
    ("words", "transform.derive", {"columns": [{"name": "answer", "expression": "'You said: ' || message"}]}),
    ("say", "control.respond", {}),
]


@pytest.fixture
def address(api, stack) -> str:
    """Where the chat of a fresh flow is."""
    nodes = [
        {"id": name, "type": "step", "position": {"x": 200 * at, "y": 0},
         "data": {"nodeType": kind, "label": name, "config": config}}
        for at, (name, kind, config) in enumerate(STEPS)
    ]  # fmt: skip
    flow = api.flow("Chatting", nodes, [("chat.out", "words.in"), ("words.out", "say.in")])
    stored = api("GET", f"/flows/{flow}")
    api("PATCH", f"/flows/{flow}", {"status": "active", "row_version": stored["row_version"]})
    (made,) = api("GET", f"/flows/{flow}/triggers")
    yield urlsplit(made["url"]).path
    api("DELETE", f"/flows/{flow}")


@pytest.mark.parametrize(("name", "scheme", "size"), LOOKS)
def test_a_chat_is_read_and_answered_for_everybody(
    open_page, address: str, name: str, scheme: str, size, tmp_path, api
):
    page: Page = open_page(viewport=size, color_scheme=scheme, storage_state=None, java_script_enabled=True)
    page.goto(address)
    for number, text in enumerate(("Is <b>this</b> kept?", "And what did I say?"), 1):
        page.get_by_label("Message").fill(text)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text(f"You said: {text}")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("listitem")).to_have_count(2 * number)
    bad = [one["id"] for one in Axe().run(page).response["violations"] if one["impact"] in {"serious", "critical"}]
    assert bad == []
    assert page.evaluate(SIDEWAYS) == 0
    page.screenshot(path=tmp_path / f"chat-{name}.png", full_page=True)
    newest = next(one for one in api("GET", "/executions?limit=50") if one["trigger_type"] == "chat")
    (row,) = api("GET", f"/executions/{newest['id']}")["input_data"]["rows"]
    assert [turn["content"] for turn in row["history"]] == ["Is <b>this</b> kept?", "You said: Is <b>this</b> kept?"]
    page.get_by_role("link", name="New conversation").click()
    expect(page.get_by_role("listitem")).to_have_count(0)
