"""The rows of a step that gave a million: looked at page by page, to the last one."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROWS = 1_000_000
PAGES = 40
PAGE_MS = 3_000
TABLE = f"""CREATE TABLE many AS SELECT n AS id, 'row ' || n AS name, n * 0.5 AS half, now() AS at
FROM generate_series(1, {ROWS}) AS n"""
SCROLL = f"(box, row) => {{ box.scrollTop = (box.scrollHeight - box.clientHeight) * row / {ROWS - 1} }}"


def test_a_million_rows_are_paged_through(page: Page, api, steps, postgres_url: str, figure):
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(TABLE)
    at = urlsplit(postgres_url)
    config = {"host": at.hostname, "port": at.port, "database": at.path[1:], "user": at.username,
              "password": at.password}  # fmt: skip
    made = api("POST", "/connections", {"name": "A million", "connector": "postgresql", "config": config})
    stream = next(one["name"] for one in api("GET", f"/connections/{made['id']}/schema") if "many" in one["name"])
    flow = api.flow("A million rows", [steps("many", "postgresql.read", 0, connection="A million", stream=stream)])
    body = {"observe": "all", "async_mode": False, "wait_seconds": 60}
    ran = api("POST", f"/flows/{flow}/execute", body)["id"]
    page.goto(f"/executions/{ran}?step=many")
    grid = page.get_by_role("region", name="Rows of Many")
    expect(grid.get_by_role("grid")).to_have_attribute("aria-rowcount", str(ROWS + 1), timeout=120_000)
    expect(grid.get_by_text("row 1", exact=True)).to_be_visible()
    taken = []
    for wanted in [(ROWS - 1) * number // PAGES for number in range(1, PAGES + 1)]:
        began = time.perf_counter()
        grid.evaluate(SCROLL, wanted)
        page.wait_for_function(FILLED, arg=wanted, timeout=PAGE_MS * 10)
        taken.append((time.perf_counter() - began) * 1_000)
        drawn = grid.get_by_role("row").count()
        assert drawn < 200, f"{drawn} rows are in the document"
    expect(grid.get_by_text(f"row {ROWS}", exact=True)).to_be_visible()
    figure("browser.rows_page", taken, title="Preview of 1,000,000 rows: a page far away shown", unit="ms",
           size=f"{PAGES} leaps of {ROWS // PAGES:,} rows, 4 columns")  # fmt: skip
    assert sorted(taken)[PAGES // 2] < PAGE_MS


FILLED = """(wanted) => [...document.querySelectorAll('.rows-grid tbody tr[aria-rowindex]')].some((row) =>
  Math.abs(Number(row.getAttribute('aria-rowindex')) - 2 - wanted) < 40 && /row \\d+/.test(row.textContent))"""
