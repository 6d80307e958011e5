"""Workflows of n8n come by the page of flows: the form, the report, and the canvas with its placeholders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from headrace.testing.http_server import Asked, Reply, http_server, json_reply
from playwright.sync_api import Page, expect

WORKFLOWS = Path(__file__).parents[2] / "plugins" / "n8n" / "tests" / "workflows"
KEY = "n8n_api_0123456789abcdef"


def n8n(asked: Asked) -> Reply:
    if asked.headers.get("x-n8n-api-key") != KEY:
        return json_reply({"message": "unauthorized"}, 401)
    return json_reply({"data": [json.loads(file.read_text("utf-8")) for file in sorted(WORKFLOWS.glob("*.json"))]})


def look(page: Page, name: str) -> None:
    """For a person who judges the pictures."""
    if folder := os.environ.get("HEADRACE_LOOK"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.slow
def test_workflows_are_brought_and_the_report_leads_to_the_flow(page: Page):
    page.goto("/flows")
    page.get_by_role("button", name="Import").click()
    page.get_by_role("menuitem", name="From n8n").click()
    dialog = page.get_by_role("dialog", name="Import from n8n")
    with http_server(n8n) as server:
        dialog.get_by_label("Address").fill(server.url)
        dialog.get_by_label("API key").fill("wrong")
        look(page, "form")
        page.expected.append("424")  # type: ignore[attr-defined]
        dialog.get_by_role("button", name="Import").click()
        expect(dialog.get_by_role("alert")).to_contain_text("refuses the API key")
        look(page, "refused")
        dialog.get_by_label("API key").fill(KEY)
        dialog.get_by_role("button", name="Import").click()
        report = page.get_by_role("dialog", name="7 workflows are here")
        expect(report.get_by_text("it is of another package of n8n ('n8n-nodes-acme.acmeThing')")).to_be_visible(
            timeout=60_000
        )
    look(page, "report")
    page.set_viewport_size({"width": 390, "height": 844})
    look(page, "report-390")
    page.emulate_media(color_scheme="dark")
    look(page, "report-390-dark")
    page.set_viewport_size({"width": 1440, "height": 900})
    look(page, "report-dark")
    page.emulate_media(color_scheme="light")
    report.get_by_role("link", name="Nightly sync").click()
    expect(page.get_by_text("Tell the team").first).to_be_visible()
    page.wait_for_timeout(1_000)
    look(page, "canvas")
    page.get_by_text("Tell the team").first.click()
    expect(page.get_by_label("Type in n8n")).to_have_value("n8n-nodes-base.slack")
    look(page, "placeholder")
