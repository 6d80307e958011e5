"""What one sees of data: input beside output, wide tables, whole cells, columns and how their values are spread."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from playwright.sync_api import Page, expect

WIDE = {"viewport": {"width": 1920, "height": 1000}}
CODE = (
    'return {**row, "nothing": None, "long": "lorem ipsum dolor " * 40, "nested": {"a": [1, {"b": "c"}]}, '
    '"half": len(row["name"]) / 2, "flag": len(row["name"]) % 2 == 0, **{f"col_{n}": n for n in range(120)}}'
)


@pytest.fixture
def wide(request, api, steps):
    """An execution whose step `made` has 128 columns, and its flow."""
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("made", "code.python", 280, code=CODE),
    ]
    flow = api.flow(request.node.name, nodes, [("read.out", "made.in")])
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})
    assert ran["status"] == "completed", ran
    return ran["id"], flow


@pytest.mark.slow
def test_input_and_output_stand_side_by_side_where_there_is_room(open_page, wide):
    page: Page = open_page(**WIDE)
    page.goto(f"/executions/{wide[0]}?step=made")
    given = page.get_by_role("region", name="Input", exact=True)
    expect(given.get_by_role("region", name="Rows of Read").get_by_role("row")).to_have_count(17)
    expect(page.get_by_role("region", name="Rows of Made")).to_be_visible()
    page.get_by_role("radio", name="Input").check()
    expect(page.get_by_role("region", name="Rows of Made")).to_have_count(0)
    page.locator(".step-data-head").get_by_role("button", name="Read").click()
    expect(page).to_have_url(re.compile("step=read"))


@pytest.mark.slow
def test_many_columns_are_windowed_and_reached_by_keys(page: Page, wide):
    page.goto(f"/executions/{wide[0]}?step=made")
    table = page.get_by_role("region", name="Rows of Made").get_by_role("grid")
    expect(table).to_have_attribute("aria-colcount", "127")
    heads = table.get_by_role("columnheader")
    expect(heads.first).to_be_visible()
    assert heads.count() < 25, "only the visible columns are in the document"
    table.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+End")
    expect(table.get_by_role("columnheader", name="col_119")).to_be_visible()
    expect(table.locator("td[data-active]")).to_have_text("119")
    assert table.get_by_role("columnheader", name="carrier").count() == 0


def test_numbers_stand_right_nulls_are_named_and_a_cell_opens_whole(page: Page, wide):
    page.goto(f"/executions/{wide[0]}?step=made")
    rows = page.get_by_role("region", name="Rows of Made")
    expect(rows.locator(".null").first).to_have_text("null")
    half = rows.get_by_role("columnheader", name="half")
    half.scroll_into_view_if_needed()
    assert half.evaluate("(at) => getComputedStyle(at).textAlign") == "right"
    rows.get_by_role("gridcell", name="lorem ipsum").first.click()
    whole = page.get_by_role("dialog", name="long")
    expect(whole.get_by_role("region", name="Value")).to_have_text(("lorem ipsum dolor " * 40).strip())
    expect(whole).to_contain_text("720 characters")
    whole.get_by_role("button", name="Copy").click()
    expect(page.get_by_text(re.compile("^Copied|did not allow"))).to_be_visible()
    page.keyboard.press("Escape")
    rows.get_by_role("gridcell", name='{"a"').first.dblclick()
    expect(page.get_by_role("dialog", name="nested").get_by_role("region", name="Value")).to_contain_text('"b": "c"')


@pytest.mark.slow
def test_every_kind_of_value_is_shown_as_what_it_is(page: Page, api, steps, stack):
    odd = {
        "raw": [b"\x00\xff\x10", b"", None],
        "day": [date(2024, 2, 29), None, date(1999, 12, 31)],
        "at": [datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), None, datetime(1970, 1, 1, tzinfo=UTC)],
        "price": pl.Series([Decimal("12.30"), None, Decimal("-0.01")], dtype=pl.Decimal(10, 2)),
        "yes": [True, False, None],
        "big": [2**53 + 1, -(2**53) - 1, None],
        "text": ["", "<b>not bold</b>", None],
    }
    pl.DataFrame(odd).write_parquet(stack.files / "odd.parquet")
    flow = api.flow("Odd values", [steps("odd", "local_files.read", 0, connection="Files", stream="odd.parquet")])
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})
    assert ran["status"] == "completed", ran
    page.goto(f"/executions/{ran['id']}?step=odd")
    table = page.get_by_role("region", name="Rows of Odd").get_by_role("grid")
    rows = table.get_by_role("row")
    expect(rows).to_have_count(4)
    texts = [rows.nth(n).get_by_role("gridcell").all_inner_texts()[-len(odd) :] for n in (1, 2, 3)]
    first, second, third = (dict(zip(odd, line, strict=True)) for line in texts)
    assert (first["day"], third["day"]) == ("2024-02-29", "1999-12-31")
    assert first["at"].startswith("2024-02-29")
    assert (first["price"], third["price"]) == ("12.30", "-0.01")
    assert (first["yes"], second["yes"]) == ("true", "false")
    assert [line["big"].replace(",", "") for line in (first, second)] == [str(2**53 + 1), str(-(2**53) - 1)]
    assert second["text"] == "<b>not bold</b>"
    assert [third[name] for name in ("raw", "yes", "big", "text")] == ["null"] * 4
    assert first["raw"] not in {"", "null"}, "bytes are named, not dropped"


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_reached_to_their_end(page: Page, api, steps, stack):
    many = 100_000
    frame = pl.DataFrame({"id": range(1, many + 1)}).with_columns(
        name=pl.when(pl.col("id") % 2 == 0).then(None).otherwise(pl.format("row {}", "id")),
        long=pl.format("{} " + "and so on " * 60, "id"),
        raw=pl.col("id").cast(pl.String).cast(pl.Binary),
        price=(pl.col("id") / 4).cast(pl.Decimal(12, 2)),
    )
    frame.write_parquet(stack.files / "many.parquet")
    flow = api.flow("Many rows", [steps("many", "local_files.read", 0, connection="Files", stream="many.parquet")])
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})
    assert ran["status"] == "completed", ran
    page.goto(f"/executions/{ran['id']}?step=many")
    table = page.get_by_role("region", name="Rows of Many").get_by_role("grid")
    expect(table).to_have_attribute("aria-rowcount", str(many + 1))
    expect(table.get_by_role("columnheader")).to_have_text(
        [re.compile(f"^{name} .") for name in ("id", "name", "long", "raw", "price")]
    )
    table.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+End")
    last = table.locator(f'tr[aria-rowindex="{many + 1}"]')
    cells = last.get_by_role("gridcell")
    expect(cells.first).to_have_text(str(many))
    expect(cells.nth(1)).to_have_text("null")
    expect(cells.nth(4)).to_have_text("25000.00")
    assert cells.nth(3).inner_text() not in {"", "null"}, "bytes are named, not dropped"
    assert table.get_by_role("row").count() < 100, "only the visible rows are in the document"
    cells.nth(2).click()
    whole = page.get_by_role("dialog", name="long")
    expect(whole.get_by_role("region", name="Value")).to_have_text(re.compile(rf"^{many} (and so on ?){{60}}"))
    page.keyboard.press("Escape")
    table.focus()
    page.keyboard.press("Control+Home")
    expect(table.locator('tr[aria-rowindex="2"]').get_by_role("gridcell").first).to_have_text("1")


@pytest.mark.slow
def test_columns_say_what_they_hold_and_over_how_many_rows(page: Page, api):
    ran = api("POST", f"/flows/{api.demo()}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 90})
    page.goto(f"/executions/{ran['id']}?step=flights")
    page.get_by_role("region", name="Rows of Flights").get_by_role("button", name="dep_delay").click()
    columns = page.get_by_role("region", name="Columns of Flights")
    expect(columns).to_contain_text("Counted over all 336,776 rows.")
    row = columns.get_by_role("row").filter(has=page.get_by_role("rowheader", name="dep_delay"))
    expect(row).to_contain_text("8,255 2.5 %")
    expect(row).to_contain_text("1,301")
    expect(row).to_have_attribute("data-chosen", "true")
    expect(row.locator(".histogram-bar")).to_have_count(24)
    counted = api("GET", f"/executions/{ran['id']}/nodes/flights/profile")
    delay = next(one for one in counted["columns"] if one["name"] == "dep_delay")
    assert sum(delay["histogram"]) == counted["rows"] - delay["null_count"]


def test_the_editor_shows_what_a_step_was_given(page: Page, wide):
    page.goto(f"/flows/{wide[1]}?step=made")
    results = page.get_by_role("region", name="Results")
    expect(results.get_by_role("region", name="Rows of Made")).to_be_visible()
    results.get_by_role("radio", name="Input").check()
    expect(results.get_by_role("region", name="Rows of Read").get_by_role("row")).to_have_count(17)


def test_a_column_is_put_into_an_expression_where_the_caret_is(page: Page, api, steps, run):
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("some", "transform.filter", 280, where="carrier > 'B'"),
    ]
    flow = api.flow("Picks a column", nodes, [("read.out", "some.in")])
    page.goto(f"/flows/{flow}")
    run(page)
    page.get_by_test_id("step-some").click()
    settings = page.get_by_role("complementary", name="Settings of Some")
    field = settings.get_by_role("textbox", name="Condition")
    field.fill(" = 'UA'")
    field.press("Home")
    settings.get_by_label("Insert a column into Condition").select_option("carrier")
    expect(field).to_have_value("carrier = 'UA'")
