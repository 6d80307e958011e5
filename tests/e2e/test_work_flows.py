"""Flows in their tree, several at once with a way back, templates, and the list of executions."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def two(api) -> list[str]:
    """Two flows of a name of their own."""
    mark = f"Pair {len(api('GET', '/flows?per_page=100'))}"
    for number in (1, 2):
        api.flow(f"{mark} no {number}", [])
    return [f"{mark} no 1", f"{mark} no 2"]


def choose(page: Page, names: list[str]) -> None:
    page.goto(f"/flows?q={names[0][:-1]}")
    for name in names:
        page.get_by_role("checkbox", name=f"Choose {name}").check()


def status(api, name: str) -> str:
    return str(api("GET", f"/flows?q={name}")[0]["status"])


@pytest.mark.slow
def test_several_are_activated_and_that_is_undone(page: Page, api, two):
    choose(page, two)
    page.get_by_role("toolbar", name="Chosen flows").get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_text("2 flows are active.")).to_be_visible()
    assert [status(api, name) for name in two] == ["active", "active"]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("listitem").filter(has_text=two[0]).get_by_text("Active")).to_be_hidden()
    assert [status(api, name) for name in two] == ["draft", "draft"]


def test_what_is_deleted_comes_back(page: Page, api, two):
    choose(page, two)
    page.get_by_role("toolbar", name="Chosen flows").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("2 flows are in the trash.")).to_be_visible()
    expect(page.get_by_role("link", name=two[0])).to_be_hidden()
    assert api("GET", f"/flows?q={two[0]}") == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name=two[0])).to_be_visible()
    expect(page.get_by_role("link", name=two[1])).to_be_visible()


def test_flows_move_into_a_folder_made_here(page: Page, api, two):
    page.goto("/flows")
    page.get_by_role("button", name="New folder in Demo").click()
    folder = f"Folder of {two[0]}"
    page.get_by_role("dialog").get_by_label("Name").fill(folder)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("button", name=folder, exact=True)).to_be_visible()
    choose(page, two)
    page.get_by_role("toolbar").get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_label("Folder").select_option(label=folder)
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(page.get_by_text(f"2 flows moved to {folder}.")).to_be_visible()
    page.goto("/flows")
    page.get_by_role("button", name=folder, exact=True).click()
    expect(page.get_by_role("link", name="Flights", exact=True)).to_be_hidden()
    expect(page.get_by_role("link", name=two[1])).to_be_visible()
    expect(page).to_have_url(re.compile("folder="))
    page.reload()
    expect(page.get_by_role("link", name=two[1])).to_be_visible()
    page.get_by_role("button", name=f"What to do with {folder}").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill(f"{folder}, later")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("button", name=f"{folder}, later", exact=True)).to_be_visible()
    page.get_by_role("button", name=f"What to do with {folder}, later").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text(f"The folder “{folder}, later” is deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="Flights", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=two[1])).to_be_hidden()


@pytest.mark.slow
def test_filters_and_the_view_stay(page: Page, two):
    page.goto("/flows")
    page.get_by_role("combobox", name="Kind").select_option(label="Pipeline")
    expect(page.get_by_role("link", name=two[0])).to_be_hidden()
    expect(page.get_by_role("link", name="Flights", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show as a list").click()
    expect(page.get_by_role("row").filter(has_text="Flights").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("row").filter(has_text="Flights").first).to_be_visible()
    expect(page).to_have_url(re.compile("kind=pipeline"))


def test_a_template_becomes_a_flow_that_runs(page: Page, run):
    page.goto("/templates")
    page.get_by_role("radio", name="Runs at once").check()
    expect(page.get_by_role("button", name="File to table")).to_be_hidden()
    page.get_by_role("button", name="Sales by customer").click()
    dialog = page.get_by_role("dialog", name="Sales by customer")
    dialog.get_by_label("Name").fill("")
    expect(dialog.get_by_role("button", name="Use this template")).to_be_disabled()
    dialog.get_by_label("Name").fill("My sales")
    dialog.get_by_role("button", name="Use this template").click()
    expect(page.get_by_test_id("step-best")).to_be_visible()
    run(page)


@pytest.mark.slow
def test_a_template_takes_our_connection(page: Page, api):
    api("POST", "/connections", {"name": "Own files", "connector": "local_files", "config": {"root": "."}})
    page.goto("/templates")
    page.get_by_role("button", name="Weather by month").click()
    dialog = page.get_by_role("dialog", name="Weather by month")
    need = dialog.get_by_label("Flight data")
    expect(need).to_have_value("Flight data")
    need.select_option(label="Own files")
    dialog.get_by_label("Name").fill("Own weather")
    dialog.get_by_role("button", name="Use this template").click()
    expect(page.get_by_test_id("step-weather")).to_be_visible()
    flow = api("GET", "/flows?q=Own weather")[0]["id"]
    read = next(node for node in api("GET", f"/flows/{flow}/data")["nodes"] if node["id"] == "weather")
    assert read["data"]["config"]["connection"] == "Own files"


@pytest.fixture
def failing(api, steps) -> tuple[str, str]:
    """A flow and its failed execution."""
    nodes = [
        steps("start", "triggers.manual", 0, sample=[{"a": 1}]),
        steps("end", "control.stop", 280, message="Stopped"),
    ]
    flow = api.flow(f"Fails {len(api('GET', '/flows?per_page=100'))}", nodes, [("start.out", "end.in")])
    ran = api("POST", f"/flows/{flow}/execute", {"async_mode": False, "wait_seconds": 60})["id"]
    return flow, ran


def test_executions_are_filtered_by_the_address_and_tried_again(page: Page, api, failing):
    flow, _ = failing
    page.goto("/executions")
    page.get_by_role("radio", name="Failed").check()
    page.get_by_role("combobox", name="Flow").select_option(value=flow)
    expect(page).to_have_url(re.compile(f"(?=.*status=failed)(?=.*flow={flow})"))
    page.reload()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("checkbox", name="Choose all of this page").check()
    page.get_by_role("toolbar").get_by_role("button", name="Retry 1").click()
    expect(page.get_by_text("1 execution begins again where it failed.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(3)
    assert len(api("GET", f"/executions?flow_id={flow}")) == 2


@pytest.mark.slow
def test_a_bar_of_the_strip_chooses_its_time(page: Page, failing):
    flow, ran = failing
    page.goto(f"/executions?flow={flow}")
    bar = page.get_by_role("group", name="When they began").get_by_role("button", name=re.compile("1 failed"))
    bar.click()
    expect(page).to_have_url(re.compile("since="))
    expect(page.locator(f'a[href="/executions/{ran}"]')).to_be_visible()
    page.get_by_role("button", name="show any time").click()
    expect(page).not_to_have_url(re.compile("since="))


def test_a_phone_monitors_and_approves(open_page, api, steps):
    page: Page = open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    flow = api.flow("Asks a phone", [steps("ask", "control.approval", 0, title="Ship it from the phone?")])
    ran = api("POST", f"/flows/{flow}/execute", {})["id"]
    page.goto("/dashboard")
    page.get_by_role("link", name=re.compile("Ship it from the phone")).tap()
    page.get_by_role("button", name="Approve", exact=True).tap()
    expect(page.get_by_text("Approved: Ship it from the phone?")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Executions").tap()
    expect(page.locator("tr").filter(has=page.locator(f'a[href="/executions/{ran}"]'))).to_contain_text("Succeeded")


def test_the_trash_lists_what_went_and_brings_it_back(page: Page, api, two):
    space = next(one["id"] for one in api("GET", "/workspaces") if one["name"] == "Demo")
    folder = api("POST", f"/workspaces/{space}/folders", {"name": f"Old {two[0]}"})
    first, second = (api("GET", f"/flows?q={name}")[0] for name in two)
    api("PATCH", f"/flows/{second['id']}", {"folder_id": folder["id"]}, **{"If-Match": f'"{second["row_version"]}"'})
    api("DELETE", f"/flows/{first['id']}")
    api("DELETE", f"/folders/{folder['id']}")
    made = api("POST", "/connections", {"name": f"Of {two[0]}", "connector": "local_files", "config": {"root": "."}})
    api("DELETE", f"/connections/{made['id']}")
    page.goto("/flows")
    page.get_by_role("link", name="Trash").click()
    trash = page.get_by_role("list", name="Trash")
    expect(trash.get_by_role("listitem").filter(has_text=two[0]).first).to_contain_text("Connection")
    expect(trash.get_by_role("listitem").filter(has_text=folder["name"])).to_contain_text(
        "Folder · in Demo · with 1 flow"
    )
    expect(trash.get_by_role("button", name=f"Restore {two[1]}", exact=True)).to_have_count(0)
    for name in (two[0], folder["name"], made["name"]):
        trash.get_by_role("button", name=f"Restore {name}", exact=True).click()
        expect(page.get_by_text(f"{name} is back.")).to_be_visible()
        expect(trash.get_by_role("button", name=f"Restore {name}", exact=True)).to_have_count(0)
    assert api("GET", f"/flows/{second['id']}")["folder_id"] == folder["id"]
    assert api("GET", f"/flows/{first['id']}")["name"] == two[0]
    assert api("GET", f"/connections/{made['id']}")["name"] == made["name"]
