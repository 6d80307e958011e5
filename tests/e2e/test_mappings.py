"""A mapping of a connection: its table is chosen, its columns are found, its rows read, filtered and ordered."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
TABLE = """
CREATE TABLE machines ("Equipment_Code" text, kind text, label text, state text, ran timestamptz);
INSERT INTO machines VALUES ('P-1', 'pump', 'North pump', 'active', '2026-01-01T08:00:00Z'),
  ('P-2', 'pump', NULL, 'stop', '2026-01-02T08:00:00Z'), ('M-1', 'mixer', 'Mixer', 'active', NULL);
"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def plant(api, postgres_url: str) -> str:
    """The address of a connection to a database with machines."""
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(TABLE)
    at = urlsplit(postgres_url)
    config = {"host": at.hostname, "port": at.port, "database": at.path[1:], "user": at.username,
              "password": at.password or ""}  # fmt: skip
    made = api("POST", "/connections", {"name": f"Plant {uuid4()}", "connector": "postgresql", "config": config})
    return f"/connections/{made['id']}"


def rows(page: Page):
    return page.get_by_role("region", name="Rows").get_by_role("row")


def test_a_table_is_mapped_tried_filtered_and_let_go(page: Page, api, plant: str):
    page.goto(plant)
    page.get_by_role("link", name="Mappings").click()
    form = page.get_by_role("form", name="Equipment status")
    form.get_by_label("Table", exact=False).last.select_option(label="machines")
    columns = form.get_by_role("group", name="Columns", exact=True)
    expect(columns.get_by_label("Equipment code").locator("option:checked")).to_have_text("Equipment_Code")
    form.get_by_role("button", name="Save").click()
    expect(columns.get_by_role("alert").first).to_be_visible()
    columns.get_by_label("Status").select_option(label="state")
    columns.get_by_label("Equipment type").select_option(label="kind")
    form.get_by_role("button", name="Save").click()
    expect(rows(page)).to_have_count(4)
    expect(rows(page).nth(1)).to_contain_text("P-1")

    form.get_by_role("group", name="Only these statuses").locator("input").fill("active")
    form.get_by_role("group", name="Only these statuses").locator("input").press("Enter")
    expect(page.get_by_text("Save to see what your changes give")).to_be_visible()
    form.get_by_role("group", name="Order").get_by_role("button", name="Add").click()
    form.get_by_role("group", name="Order 1").get_by_label("Field").select_option(label="Equipment code")
    form.get_by_role("button", name="Save").click()
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(1)).to_contain_text("M-1")
    stored = api("GET", f"{plant}/mappings")[0]
    assert stored["source_table_name"] == "machines"
    assert stored["source_field_mappings"] == {
        "equipment_code": "Equipment_Code", "status": "state", "equipment_type": "kind",
    }  # fmt: skip
    assert stored["order_by_clause"] == "equipment_code ASC"
    assert stored["filter_conditions"]["status_filter"] == ["active"]
    page.reload()
    sorted_by = form.get_by_role("group", name="Order 1").get_by_label("Field")
    expect(sorted_by.locator("option:checked")).to_have_text("Equipment code")

    form.get_by_role("button", name="Remove mapping").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove mapping").click()
    expect(page.get_by_role("heading", name="Not mapped yet")).to_be_visible()
    assert api("GET", f"{plant}/mappings") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_for_everybody_and_fits(open_page, api, plant: str, scheme: str, width: int):
    names = ("equipment_code", "status", "equipment_type", "equipment_name", "last_run_time")
    columns = ("Equipment_Code", "state", "kind", "label", "ran")
    body = {
        "data_type": "equipment_status",
        "source_table_name": "machines",
        "source_field_mappings": dict(zip(names, columns, strict=True)),
        "filter_conditions": {"time_range": {"last_seconds": 31_000_000}},
        "order_by_clause": "equipment_code",
    }
    api("POST", f"{plant}/mappings", body)
    page: Page = open_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"{plant}?tab=mappings")
    expect(rows(page).first).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']} at {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found] == []
    assert page.evaluate(SIDEWAYS) == 0
