"""Workflows of an n8n server, brought here through the API: as often as one likes, and never over what people did."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from headrace.testing.http_server import Asked, Reply, http_server, json_reply

API = "/api/v1"
WORKFLOWS = Path(__file__).parents[2] / "plugins" / "n8n" / "tests" / "workflows"
KEY = "n8n_api_0123456789abcdef"


class N8n:
    """Answers like n8n: pages of two, a key, archived ones, and whatever a test makes of it."""

    def __init__(self) -> None:
        found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(WORKFLOWS.glob("*.json"))]
        self.workflows = {one["id"]: one for one in found}
        self.status = 0
        self.answers: dict[str, Reply] = {}

    def __call__(self, asked: Asked) -> Reply:
        if self.status:
            return json_reply({"message": "busy"}, self.status)
        if asked.headers.get("x-n8n-api-key") != KEY:
            return json_reply({"message": "unauthorized"}, 401)
        if asked.path in self.answers:
            return self.answers[asked.path]
        if asked.path == "/api/v1/workflows":
            at, all_ = int(asked.query.get("cursor", "0")), list(self.workflows.values())
            end = at + min(2, int(asked.query["limit"]))
            return json_reply({"data": all_[at:end], "nextCursor": str(end) if end < len(all_) else None})
        found = self.workflows.get(asked.path.rpartition("/")[2])
        return json_reply(found) if found else json_reply({"message": "not found"}, 404)


class Site:
    def __init__(self, client, person, server, n8n: N8n) -> None:
        self.client, self.person, self.n8n, self.server = client, person, n8n, server
        self.url = server.url

    async def ask(self, method, path, status=200, body=None, headers=None):
        answer = await self.client.request(
            method, API + path, json=body, headers={**self.person.headers, **(headers or {})}
        )
        assert answer.status_code == status, answer.text
        assert KEY not in answer.text
        return answer.json().get("data", answer.json().get("error"))

    async def sync(self, status=201, headers=None, **more):
        body = {"n8n_url": self.url, "api_key": KEY, **more}
        return await self.ask("POST", "/integrations/n8n/sync", status, body, headers)

    async def flows(self):
        return {one["name"]: one for one in await self.ask("GET", "/flows?per_page=100")}

    async def canvas(self, flow_id):
        return await self.ask("GET", f"/flows/{flow_id}/data")


@pytest.fixture
async def site(client, sign_up, monkeypatch):
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "private")
    owner, n8n = await sign_up(), N8n()
    with http_server(n8n) as server:
        made = Site(client, owner, server, n8n)
        await made.ask("POST", "/workspaces", 201, {"name": "W"})
        yield made


async def test_all_workflows_come_page_by_page_and_a_repeat_changes_nothing(site):
    first = await site.sync()
    assert (first["synced_count"], first["errors"]) == (7, [])
    assert {one["outcome"] for one in first["flows"]} == {"created"}
    assert [a.query.get("cursor") for a in site.server.asked] == [None, "2", "4", "6"]
    assert {(a.method, a.headers["x-n8n-api-key"]) for a in site.server.asked} == {("GET", KEY)}, "n8n is only read"
    there = await site.flows()
    assert {one["status"] for one in there.values()} == {"draft"}
    assert {"Große Bestellungen ✓", "批量处理 loop", "Agent & code"} <= set(there)
    again = await site.sync()
    assert {one["outcome"] for one in again["flows"]} == {"unchanged"}
    assert [one["steps"] for one in again["flows"]] == [one["steps"] for one in first["flows"]], "the report is kept"
    assert await site.flows() == there
    called = next(one for one in (await site.canvas(there["Caller"]["id"]))["nodes"] if one["id"] == "call")
    assert called["data"]["config"]["flow"] == there["Callee"]["id"], "what is called came first"


async def test_the_report_tells_of_each_step_and_a_placeholder_keeps_the_flow_from_being_active(site):
    done = (await site.sync(workflow_ids=["aG4agent"]))["flows"][0]
    steps = {one["step"]: one for one in done["steps"]}
    assert done["placeholders"] == 6
    assert steps["Start"]["became"] == "mapped"
    assert "acme" in steps["Community"]["notes"][0]
    flow = (await site.flows())["Agent & code"]
    body = {"status": "active", "row_version": flow["row_version"]}
    refused = await site.ask("PATCH", f"/flows/{flow['id']}", 422, body)
    assert refused["message"] == (
        "the flow cannot be active: 'Code' stands for a step of n8n that has no counterpart here; "
        "replace or remove the step"
    )
    ran = await site.ask("POST", f"/flows/{flow['id']}/execute", 422, {})
    assert "'Code' stands for a step of n8n" in ran["message"]
    definition = {"nodes": (await site.canvas(flow["id"]))["nodes"], "edges": []}
    await site.ask("POST", "/flows", 422, {"name": "Copy", "status": "active", "definition": definition})


async def test_what_starts_a_flow_is_switched_off_and_stays_as_people_leave_it(site):
    await site.sync(workflow_ids=["nG2nightly", "hK11hook"])
    there = await site.flows()
    found = await site.ask("GET", f"/flows/{there['Nightly sync']['id']}/triggers")
    assert [(one["trigger_type"], one["is_active"]) for one in found] == [("cron", False)]
    hooks = await site.ask("GET", f"/flows/{there['Contact form']['id']}/triggers")
    assert [(one["trigger_type"], one["is_active"]) for one in hooks] == [("webhook", False)]
    on = {"is_active": True, "row_version": found[0]["row_version"]}
    await site.ask("PATCH", f"/triggers/{found[0]['id']}", 200, on)
    site.n8n.workflows["nG2nightly"]["nodes"][0]["parameters"]["rule"]["interval"][0]["triggerAtHour"] = 4
    assert (await site.sync(workflow_ids=["nG2nightly"]))["flows"][0]["outcome"] == "updated"
    now = await site.ask("GET", f"/flows/{there['Nightly sync']['id']}/triggers")
    assert [(one["configuration"]["expression"], one["is_active"]) for one in now] == [("30 4 * * *", True)]


async def test_a_change_there_follows_and_a_change_here_is_not_overwritten(site):
    await site.sync(workflow_ids=["kQ7mZ2orders", "lP3loop"])
    flow = (await site.flows())["Große Bestellungen ✓"]["id"]
    there = site.n8n.workflows["kQ7mZ2orders"]
    there["name"] = "Orders"
    there["nodes"][7]["parameters"]["sortFieldsUi"]["sortField"][0]["order"] = "ascending"
    done = await site.sync()
    assert [one["outcome"] for one in done["flows"] if one["workflow_id"] == "kQ7mZ2orders"] == ["updated"]
    assert (await site.flows())["Orders"]["id"] == flow
    canvas = await site.canvas(flow)
    assert next(n for n in canvas["nodes"] if n["id"] == "sorted")["data"]["config"]["by"][0]["descending"] is False
    canvas["nodes"][0]["data"]["label"] = "Mine"
    mine = {"nodes": canvas["nodes"], "edges": canvas["edges"], "row_version": canvas["row_version"]}
    await site.ask("PUT", f"/flows/{flow}/data", 200, mine)
    assert (await site.sync())["errors"] == [], "as long as nothing changes there, there is nothing to overwrite"
    there["nodes"][7]["parameters"]["sortFieldsUi"]["sortField"][0]["order"] = "descending"
    done = await site.sync()
    assert [(one["workflow_id"], one["name"]) for one in done["errors"]] == [("kQ7mZ2orders", "Orders")]
    assert "changed both there and here" in done["errors"][0]["message"]
    assert done["synced_count"] == 6
    assert (await site.canvas(flow))["nodes"][0]["data"]["label"] == "Mine"
    await site.ask("DELETE", f"/flows/{flow}")
    done = await site.sync(workflow_ids=["kQ7mZ2orders"])
    assert done["flows"][0]["outcome"] == "created", "one in the trash comes anew"
    assert (await site.flows())["Orders"]["id"] != flow


async def test_names_that_are_taken_and_a_key_that_repeats(site):
    await site.ask("POST", "/flows", 201, {"name": "caller"})
    second = copy.deepcopy(site.n8n.workflows["cA5caller"]) | {"id": "twin"}
    site.n8n.workflows["twin"] = second
    wanted = {"workflow_ids": ["cA5caller", "twin"]}
    once = await site.sync(headers={"Idempotency-Key": "one"}, **wanted)
    assert sorted(one["name"] for one in once["flows"]) == ["Caller (cA5caller)", "Caller (twin)"]
    asked = len(site.server.asked)
    assert await site.sync(headers={"Idempotency-Key": "one"}, **wanted) == once
    assert len(site.server.asked) == asked, "the answer is the stored one"


async def test_a_wrong_key_a_server_that_is_down_and_one_that_is_no_n8n_are_sentences(site):
    body = {"n8n_url": site.url, "api_key": "wrong-key-of-n8n"}
    refused = await site.ask("POST", "/integrations/n8n/sync", 424, body)
    assert "refuses the API key" in refused["message"]
    assert "wrong-key" not in str(refused)
    site.n8n.status = 502
    assert "answers 502" in (await site.sync(503))["message"]
    site.n8n.status = 404
    assert "correct the address" in (await site.sync(422))["message"]
    site.n8n.status = 0
    for body in (b"<html>", b'{"data": 5}', b'{"data": [], "nextCursor": 5}', b"[" * 100_000, b"\xff\xfe"):
        site.n8n.answers["/api/v1/workflows"] = Reply(body)
        assert (await site.sync(422))["message"]
    site.n8n.answers["/api/v1/workflows"] = json_reply({"data": [], "nextCursor": "again"})
    assert "in circles" in (await site.sync(422))["message"]
    assert await site.flows() == {}


async def test_one_that_cannot_be_brought_does_not_hold_up_the_others(site):
    site.n8n.workflows |= {
        "nul": {"id": "nul", "name": "a\x00b", "nodes": [], "connections": {}},
        "bad": {"id": "bad", "name": "Bad", "nodes": 5, "connections": {}},
        "huge": {"id": "huge", "name": "Huge", "nodes": [{"type": "t", "name": str(n)} for n in range(5_001)]},
        "none": {"id": "none", "name": "No steps", "nodes": [], "connections": {}},
        "far": {"id": "far", "name": "x" * 400, "nodes": [{"type": "t", "name": "a", "parameters": {"n": 10**40}}]},
    }  # fmt: skip
    done = await site.sync()
    assert {one["workflow_id"] for one in done["errors"]} == {"nul", "bad", "huge"}
    assert all(one["message"] and "\n" not in one["message"] for one in done["errors"])
    assert done["synced_count"] == 9
    gone = await site.sync(workflow_ids=["gone", "../../credentials", "lP3loop"])
    assert [one["workflow_id"] for one in gone["errors"]] == ["gone", "../../credentials"]
    assert "there is no workflow 'gone'" in gone["errors"][0]["message"]


async def test_a_private_address_is_refused_unless_the_operator_opens_it(site, monkeypatch):
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
    refused = await site.sync(422)
    assert "not on the public internet" in refused["message"]
    assert site.server.connections == 0
    for url in ("http://169.254.169.254", "file:///etc/passwd", "http://[::1]:5678", "nonsense"):
        body = {"n8n_url": url, "api_key": KEY}
        assert (await site.ask("POST", "/integrations/n8n/sync", 422, body))["message"]


async def test_limits_and_rights_are_those_of_flows(site, sign_up):
    viewer = await sign_up("viewer", site.person.organization_id)
    mine, site.person = site.person, viewer
    await site.sync(403)
    site.person = mine
    other = await sign_up(name="Others")
    site.person = other
    await site.ask("POST", "/workspaces", 201, {"name": "Theirs"})
    done = await site.sync(workflow_ids=["lP3loop"])
    assert done["flows"][0]["outcome"] == "created"
    site.person = mine
    done = await site.sync(workflow_ids=["lP3loop"])
    assert done["flows"][0]["outcome"] == "created", "what others brought is theirs"


async def test_the_plan_counts_each_flow_that_comes(site, admin):
    path = f"{API}/subscriptions/{site.person.organization_id}/overrides/flows_per_workspace"
    assert (await site.client.put(path, json={"value": 3}, headers=admin.headers)).is_success
    done = await site.sync()
    assert (done["synced_count"], len(done["errors"]), len(await site.flows())) == (3, 4, 3)
    assert all("flows per workspace" in one["message"] for one in done["errors"])
    assert {one["outcome"] for one in (await site.sync())["flows"]} == {"unchanged", "failed"}


async def test_an_integration_is_kept_with_its_key_hidden_and_notes_how_it_went(site):
    body = {"service_name": "Our n8n", "service_url": site.url, "credentials": {"api_key": KEY}}
    made = await site.ask("POST", "/integrations", 201, body)
    assert (made["service"], made["status"], made["last_sync"]) == ("n8n", "inactive", None)
    assert made["credentials"]["api_key"]["set"] is True
    path = f"/integrations/{made['id']}"
    done = await site.ask("POST", f"{path}/sync", 201, {"workflow_ids": ["lP3loop"]})
    assert done["synced_count"] == 1
    now = await site.ask("GET", path)
    assert now["status"] == "active"
    assert now["last_sync"]
    site.n8n.status = 500
    await site.ask("POST", f"{path}/sync", 503, {})
    failed = await site.ask("GET", path)
    assert (failed["status"], failed["last_sync"]) == ("error", now["last_sync"])
    assert "answers 500" in failed["error_message"]
    site.n8n.status = 0
    moved = {"service_url": "https://n8n.example.org", "row_version": failed["row_version"]}
    assert "enter 'api_key' again" in (await site.ask("PATCH", path, 422, moved))["message"]
    changed = await site.ask("PATCH", path, 200, {"service_name": "N", "row_version": failed["row_version"]})
    put = {"service_name": "N2", "service_url": site.url, "row_version": changed["row_version"]}
    assert (await site.ask("PUT", path, 200, put))["service_name"] == "N2"
    assert [one["service_name"] for one in await site.ask("GET", "/integrations")] == ["N2"]
    await site.ask("POST", "/connections", 201, {"name": "Files", "connector": "local_files", "config": {"root": "."}})
    assert len(await site.ask("GET", "/integrations")) == 1, "a connection without flows is none"
    await site.ask("DELETE", path)
    await site.ask("GET", path, 404)
    wrong = await site.ask("POST", "/integrations", 422, {**body, "service": "local_files"})
    assert "has no flows to bring here; choose one of: n8n" in wrong["message"]


WORKER = (
    "from headrace.infra.settings import load_settings; from headrace.worker.timing import Timing; "
    "from headrace.worker.supervisor import main; main(load_settings(), timing=Timing(poll_s=0.1))"
)
ROWS = [
    {"customer": "Ann", "state": "open", "amount": 150},
    {"customer": "Bob", "state": "OPEN", "amount": 100},
    {"customer": "Cem", "state": "open", "amount": 7},
    {"customer": "Dee", "state": "closed", "amount": 900},
    {"customer": "a TEST", "state": "open", "amount": 900},
]
LOOPED = [{"n": number} for number in range(5)]


@pytest.fixture
def worker(headrace_settings) -> Iterator[None]:
    settings = headrace_settings
    settings.home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HEADRACE_HOME": str(settings.home), "HEADRACE_WORKER_PROCESSES": "1",
        "HEADRACE_DATABASE_URL": settings.database_url.reveal(), "HEADRACE_REDIS_URL": settings.redis_url.reveal(),
        "HEADRACE_DATABASE_WORKER_URL": settings.database_worker_url.reveal(),
        "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(),
    }  # fmt: skip
    child = subprocess.Popen([sys.executable, "-c", WORKER], env=environment, start_new_session=True)
    yield
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGTERM)
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


async def rows(site: Site, flow: str, node: str, given: list[dict]) -> list[dict]:
    """What a step of a flow gives."""
    ran = await site.ask("POST", f"/flows/{flow}/execute", 202, {"input_data": {"rows": given}})
    until = time.monotonic() + 90
    while (row := await site.ask("GET", f"/executions/{ran['id']}"))["status"] in {"queued", "running", "waiting"}:
        assert time.monotonic() < until, row
        await asyncio.sleep(0.2)
    assert row["status"] == "completed", row["error"]
    found = await site.ask("GET", f"/executions/{ran['id']}/nodes/{node}/preview")
    names = [column["name"] for column in found["schema"]]
    return [one if isinstance(one, dict) else dict(zip(names, one, strict=True)) for one in found["rows"]]


@pytest.mark.slow
async def test_what_comes_from_n8n_is_executed_as_there(client, sign_up, monkeypatch, worker):
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "private")
    n8n = N8n()
    with http_server(n8n) as server:
        site = Site(client, await sign_up(), server, n8n)
        await site.ask("POST", "/workspaces", 201, {"name": "W"})
        body = {"n8n_url": site.url, "api_key": KEY, "workflow_ids": ["kQ7mZ2orders", "lP3loop"]}
        done = {
            one["workflow_id"]: one for one in (await site.ask("POST", "/integrations/n8n/sync", 201, body))["flows"]
        }
    orders = done["kQ7mZ2orders"]
    await site.ask("PATCH", f"/flows/{orders['flow_id']}", 200, {"status": "active", "row_version": 1})
    assert await rows(site, orders["flow_id"], "sorted", ROWS) == [
        {"size": "large", "sum_amount": 250, "max_bonus": 150.0},
        {"size": "small", "sum_amount": 7, "max_bonus": 0.0},
    ]
    looped = await rows(site, done["lP3loop"]["flow_id"], "no_operation_do_nothing", LOOPED)
    assert looped == [{"n": number, "seen": True} for number in range(5)]
