"""Jobs over the API: made, changed, refused with a sentence, scheduled, executed as one flow."""

from __future__ import annotations

import pytest

API = "/api/v1"


@pytest.fixture
async def owner(client, sign_up):
    owner = await sign_up(name="jobs")
    answer = await client.post(f"{API}/workspaces", json={"name": "Work"}, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    return owner


async def send(client, owner, method, path, body=None, **headers):
    answer = await client.request(method, f"{API}{path}", json=body, headers={**owner.headers, **headers})
    return answer.status_code, answer.json()


async def flow(client, owner, name) -> str:
    status, body = await send(client, owner, "POST", "/flows", {"name": name})
    assert status == 201, body
    return body["data"]["id"]


async def test_a_job_has_flows_in_the_order_of_their_dependencies(client, owner):
    first, second = await flow(client, owner, "First"), await flow(client, owner, "Second")
    members = [{"flow_id": first}, {"flow_id": second, "depends_on": [first]}]
    status, made = await send(client, owner, "POST", "/jobs", {"name": "Night", "flows": members})
    assert status == 201, made
    job = made["data"]
    canvas = (await send(client, owner, "GET", f"/flows/{job['id']}/data"))[1]["data"]
    assert [node["data"]["label"] for node in canvas["nodes"]] == ["First", "Second"]
    assert [(e["source"], e["sourceHandle"], e["targetHandle"]) for e in canvas["edges"]] == [(first, "done", "after")]
    assert (await send(client, owner, "POST", f"/flows/{job['id']}/validate"))[1]["data"]["valid"]
    listed = (await send(client, owner, "GET", "/jobs"))[1]
    assert [one["name"] for one in listed["data"]] == ["Night"]
    assert [one["name"] for one in (await send(client, owner, "GET", "/flows"))[1]["data"]] != ["Night"]
    assert "Night" not in [one["name"] for one in (await send(client, owner, "GET", "/flows"))[1]["data"]]


async def test_what_cannot_be_in_a_job_is_refused_with_a_sentence(client, owner):
    first, second = await flow(client, owner, "First"), await flow(client, owner, "Second")
    ring = [{"flow_id": first, "depends_on": [second]}, {"flow_id": second, "depends_on": [first]}]
    status, body = await send(client, owner, "POST", "/jobs", {"name": "Ring", "flows": ring})
    assert status == 422
    assert "wait for each other" in body["error"]["message"]
    ghost = "01900000-0000-7000-8000-000000000000"
    status, body = await send(client, owner, "POST", "/jobs", {"name": "Ghost", "flows": [{"flow_id": ghost}]})
    assert status == 422
    assert "there is no flow" in body["error"]["message"]
    assert body["error"]["details"]["field"] == "flows"
    twice = [{"flow_id": first}, {"flow_id": first}]
    assert (await send(client, owner, "POST", "/jobs", {"name": "Twice", "flows": twice}))[0] == 422


async def test_a_schedule_comes_and_goes_with_the_job(client, owner):
    first = await flow(client, owner, "First")
    said = {"name": "Daily", "flows": [{"flow_id": first}], "schedule_type": "cron", "cron_expression": "0 7 * * 1-5"}
    job = (await send(client, owner, "POST", "/jobs", said | {"timezone": "Europe/Berlin"}))[1]["data"]
    found = (await send(client, owner, "GET", "/schedules"))[1]["data"]
    assert [(one["flow_id"], one["expression"], one["timezone"]) for one in found] == [
        (job["id"], "0 7 * * 1-5", "Europe/Berlin")
    ]
    assert (found[0]["armed"], found[0]["next_run_at"] is not None) == (True, True), "it acts without another word"
    off = {"is_active": False, "settings": {"max_concurrency": 1}, "row_version": job["row_version"]}
    job = (await send(client, owner, "PATCH", f"/jobs/{job['id']}", off))[1]["data"]
    assert (job["is_active"], job["settings"], job["flows"][0]["flow_id"]) == (False, {"max_concurrency": 1}, first)
    assert not (await send(client, owner, "GET", "/schedules"))[1]["data"][0]["armed"]
    wrong = {"settings": {"max_concurrency": 0}, "row_version": job["row_version"]}
    assert (await send(client, owner, "PATCH", f"/jobs/{job['id']}", wrong))[0] == 422
    change = {"schedule_type": "manual", "row_version": job["row_version"]}
    status, body = await send(client, owner, "PATCH", f"/jobs/{job['id']}", change)
    assert status == 200, body
    assert (await send(client, owner, "GET", "/schedules"))[1]["data"] == []
    bad = {**said, "name": "Bad", "cron_expression": "at noon"}
    assert (await send(client, owner, "POST", "/jobs", bad))[0] == 422


async def test_a_package_calls_its_jobs_one_after_the_other(client, owner):
    first = await flow(client, owner, "First")
    jobs = []
    for name in ("One", "Two"):
        made = await send(client, owner, "POST", "/jobs", {"name": name, "flows": [{"flow_id": first}]})
        jobs.append(made[1]["data"]["id"])
    status, body = await send(client, owner, "POST", "/job-packages", {"name": "All", "job_ids": jobs})
    assert status == 201, body
    package = body["data"]
    assert package["job_ids"] == jobs
    canvas = (await send(client, owner, "GET", f"/flows/{package['id']}/data"))[1]["data"]
    assert [(e["source"], e["target"]) for e in canvas["edges"]] == [(jobs[0], jobs[1])]
    status, body = await send(client, owner, "POST", f"/job-packages/{package['id']}/execute")
    assert status == 202, body
    assert (await send(client, owner, "POST", "/job-packages", {"name": "No", "job_ids": [first]}))[0] == 422
