"""The page of files: sent with progress, taken, deleted, brought back; what is not what it says is told in words."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.pages import go
from tests.e2e.test_every_page import LOOKS, looked_at

CSV = b"city,people\nBern,134000\n" * 4_000


def test_files_are_sent_taken_deleted_and_brought_back(page: Page, tmp_path: Path) -> None:
    page.add_init_script(LOOKS)
    go(page, "/files")
    expect(page.get_by_role("heading", name="No files here yet")).to_be_visible()
    wrong = list(looked_at(page))
    cities, fake = tmp_path / "cities of Switzerland.csv", tmp_path / "report.pdf"
    cities.write_bytes(CSV)
    fake.write_bytes(b"MZ not a PDF at all" * 40)
    page.expected.append("422")  # type: ignore[attr-defined]
    page.locator("input[type=file]").set_input_files([cities, fake])
    expect(page.get_by_text("the content of 'report.pdf' is not what its name says")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row").nth(1)).to_contain_text("96 kB")
    wrong += looked_at(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download cities of Switzerland.csv").click()
    assert taken.value.suggested_filename == cities.name
    assert Path(taken.value.path()).read_bytes() == CSV
    page.get_by_role("button", name="Delete cities of Switzerland.csv").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("cities of Switzerland.csv is back.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("searchbox", name="Find a file").fill("nothing like it")
    expect(page.get_by_role("heading", name="No file is called like that")).to_be_visible()
    page.get_by_role("link", name="Reports").click()
    expect(page.get_by_text("Deleted after 365 days.")).to_be_visible()
    assert wrong == []
