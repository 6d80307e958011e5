"""PATCH is a merge patch (RFC 7396), PUT the whole thing: of everything that can be changed."""

from __future__ import annotations

from typing import Any

import pytest

API = "/api/v1"


@pytest.fixture
async def api(client, sign_up):
    """Calls that have to work, of somebody with a workspace, a flow and a folder."""
    owner = await sign_up()

    async def call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await client.request(method, f"{API}{path}", json=body, headers=owner.headers)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()["data"]

    call.workspace = await call("POST", "/workspaces", {"name": "Main", "settings": {"theme": "dark", "a": {"b": 1}}})
    call.folder = await call("POST", f"/workspaces/{call.workspace['id']}/folders", {"name": "In", "color": "#aa0000"})
    call.flow = await call("POST", "/flows", {
        "name": "F", "workspace_id": call.workspace["id"],
        "variables": {"keep": 1, "drop": 2, "deep": {"x": 1, "y": 2}},
        "settings": {"timeout": 60, "concurrency": 3},
    })  # fmt: skip
    return call


async def test_objects_are_merged_and_null_takes_a_field_away(api) -> None:
    path = f"/flows/{api.flow['id']}"
    patch = {"variables": {"drop": None, "new": 3, "deep": {"y": 5}}, "settings": {"timeout": 90}}
    changed = await api("PATCH", path, {**patch, "row_version": api.flow["row_version"]})
    assert changed["variables"] == {"keep": 1, "new": 3, "deep": {"x": 1, "y": 5}}
    assert changed["settings"] == {"timeout": 90, "concurrency": 3}
    home = await api("PATCH", f"/workspaces/{api.workspace['id']}", {
        "settings": {"a": {"c": 2}}, "row_version": api.workspace["row_version"],
    })  # fmt: skip
    assert home["settings"] == {"theme": "dark", "a": {"b": 1, "c": 2}}


async def test_put_sets_what_is_left_out_back(api) -> None:
    home = await api("PUT", f"/workspaces/{api.workspace['id']}", {
        "name": "Home", "row_version": api.workspace["row_version"],
    })  # fmt: skip
    assert (home["name"], home["settings"]) == ("Home", {})
    inner = await api("POST", f"/workspaces/{home['id']}/folders", {
        "name": "Inner", "parent_id": api.folder["id"], "description": "of mine",
    })  # fmt: skip
    top = await api("PUT", f"/folders/{inner['id']}", {"name": "Outer", "row_version": inner["row_version"]})
    assert (top["name"], top["parent_id"], top["description"]) == ("Outer", None, "")
    plain = await api("PATCH", f"/folders/{api.folder['id']}", {
        "color": None, "row_version": api.folder["row_version"],
    })  # fmt: skip
    assert plain["color"] is None


async def test_a_connection_changes_in_part_and_as_a_whole(api) -> None:
    config = {"host": "db.example.org", "port": 5433, "database": "shop", "user": "ada", "password": "s3cret-of-ada"}
    made = await api("POST", "/connections", {"name": "Shop", "connector": "mariadb", "config": config})
    path = f"/connections/{made['id']}"
    part = await api("PATCH", path, {"config": {"user": "bo"}, "row_version": made["row_version"]})
    assert part["config"]["host"] == "db.example.org"
    assert (part["config"]["port"], part["config"]["user"]) == (5433, "bo")
    assert part["config"]["password"]["set"] is True, "a secret that is left out stays"
    gone = await api(
        "PATCH", path, {"config": {"port": None, "password": "s3cret-of-ada"}, "row_version": part["row_version"]}
    )
    assert "port" not in gone["config"], "null takes a field away"
    whole = {name: config[name] for name in ("host", "database", "user")}
    kept = await api("PUT", path, {"name": "Shop", "config": whole, "row_version": gone["row_version"]})
    assert kept["config"]["password"]["set"] is True
    assert kept["config"] | whole == kept["config"]


async def test_a_stored_secret_is_not_sent_to_another_address_by_a_patch(api, client) -> None:
    config = {"host": "db.example.org", "database": "shop", "user": "ada", "password": "s3cret-of-ada"}
    made = await api("POST", "/connections", {"name": "Shop", "connector": "mariadb", "config": config})
    with pytest.raises(AssertionError, match=r"'host' has changed; enter 'password' again"):
        await api("PATCH", f"/connections/{made['id']}", {
            "config": {"host": "evil.example.org"}, "row_version": made["row_version"],
        })  # fmt: skip


async def test_triggers_schedules_and_webhooks(api) -> None:
    flow = api.flow["id"]
    clock = await api("POST", "/schedules", {
        "flow_id": flow, "expression": "0 6 * * *", "timezone": "Europe/Berlin", "misfire": "skip",
        "variables": {"a": 1}, "is_active": False,
    })  # fmt: skip
    path = f"/schedules/{clock['id']}"
    part = await api("PATCH", path, {"variables": {"b": 2}, "row_version": clock["row_version"]})
    assert (part["timezone"], part["variables"]) == ("Europe/Berlin", {"a": 1, "b": 2})
    whole = await api("PUT", path, {"expression": "0 7 * * *", "row_version": part["row_version"]})
    assert (whole["expression"], whole["timezone"], whole["variables"]) == ("0 7 * * *", "UTC", {})
    assert whole["is_active"] is True
    hook = await api("POST", "/webhooks", {
        "flow_id": flow, "name": "Orders", "authentication": "none", "url_path": "orders",
    })  # fmt: skip
    named = await api("PATCH", f"/webhooks/{hook['id']}", {
        "configuration": {"max_pending": 7}, "row_version": hook["row_version"],
    })  # fmt: skip
    assert (named["authentication"], named["configuration"]["max_pending"]) == ("none", 7)
    plain = await api("PUT", f"/webhooks/{hook['id']}", {"name": "All", "row_version": named["row_version"]})
    assert (plain["name"], plain["authentication"], plain["alias_url"]) == ("All", "hmac", None)
    assert plain["url"] == hook["url"], "the address stays"
    one = await api("POST", f"/flows/{flow}/triggers", {
        "trigger_type": "interval", "name": "Often", "configuration": {"every": 5, "unit": "minutes"}, "priority": 4,
    })  # fmt: skip
    part = await api("PATCH", f"/triggers/{one['id']}", {
        "configuration": {"every": 10}, "row_version": one["row_version"],
    })  # fmt: skip
    assert part["configuration"] == {"every": 10, "unit": "minutes"}
    whole = await api("PUT", f"/triggers/{one['id']}", {
        "configuration": {"every": 1, "unit": "hours"}, "row_version": part["row_version"],
    })  # fmt: skip
    assert (whole["name"], whole["priority"], whole["configuration"]) == ("", 0, {"every": 1, "unit": "hours"})


async def test_calendars_subscriptions_jobs_and_packages(api) -> None:
    days = await api("POST", "/calendars", {"name": "Office", "country": "DE", "working_days": [1, 2, 3]})
    plain = await api("PUT", f"/calendars/{days['id']}", {"name": "Shop", "row_version": days["row_version"]})
    assert (plain["name"], plain["country"], plain["working_days"]) == ("Shop", "", [1, 2, 3, 4, 5])
    told = await api("POST", "/event-subscriptions", {
        "url": "https://example.org/in", "events": ["execution.failed"], "name": "Ops", "is_active": False,
    })  # fmt: skip
    whole = await api("PUT", f"/event-subscriptions/{told['id']}", {
        "url": "https://example.org/out", "events": ["execution.*"], "row_version": told["row_version"],
    })  # fmt: skip
    assert (whole["name"], whole["url"], whole["is_active"]) == ("", "https://example.org/out", True)
    job = await api("POST", "/jobs", {
        "name": "Nightly", "folder_id": api.folder["id"], "flows": [{"flow_id": api.flow["id"]}], "environment": "prod",
        "description": "all of it", "on_failure": "continue",
    })  # fmt: skip
    part = await api("PATCH", f"/jobs/{job['id']}", {"environment": "dev", "row_version": job["row_version"]})
    assert (part["on_failure"], part["environment"], len(part["flows"])) == ("continue", "dev", 1)
    bare = await api("PUT", f"/jobs/{job['id']}", {"name": "Nightly", "row_version": part["row_version"]})
    assert (bare["on_failure"], bare["flows"], bare["folder_id"], bare["description"]) == ("stop", [], None, "")
    package = await api("POST", "/job-packages", {
        "name": "Week", "workspace_id": api.workspace["id"], "job_ids": [job["id"]], "description": "of jobs",
    })  # fmt: skip
    empty = await api("PUT", f"/job-packages/{package['id']}", {"name": "Week", "row_version": package["row_version"]})
    assert (empty["job_ids"], empty["description"]) == ([], "")
