"""A person at the canvas, over the real API with a real worker: parts of a flow, looks, pins, replays, their cost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from headrace.cli.children import die_with_parent

API = "/api/v1"
WORKER = (
    "from headrace.infra.settings import load_settings; from headrace.worker.timing import Timing; "
    "from headrace.worker.supervisor import main; main(load_settings(), timing=Timing(poll_s=0.1))"
)
ENDED = {"completed", "failed", "cancelled", "timed_out"}


def step(id_, kind, parent="", **config):
    inside = {"parentId": parent} if parent else {}
    return {"id": id_, "position": {"x": 0, "y": 0}, "data": {"nodeType": kind, "config": config}, **inside}


def canvas(*nodes, edges):
    ends = [[end.partition(".")[::2] for end in edge.split(">")] for edge in edges.split()]
    return {"nodes": list(nodes), "edges": [
        {"id": f"e{n}", "source": a, "sourceHandle": out or "out", "target": b, "targetHandle": into or "in"}
        for n, ((a, out), (b, into)) in enumerate(ends)
    ]}  # fmt: skip


def line(expression="id * 2"):
    return canvas(
        step("read", "local_files.read", connection="Files", stream="a.csv"),
        step("double", "transform.derive", columns=[{"name": "twice", "expression": expression}]),
        step("write", "local_files.write", connection="Files", stream="b.csv", mode="overwrite"),
        edges="read>double double>write",
    )


class Person:
    """Speaks to the API as the browser does."""

    def __init__(self, client, headers, files):
        self.client, self.headers, self.files = client, headers, files

    async def ask(self, method, path, body=None, status=200):
        answer = await self.client.request(method, API + path, json=body, headers=self.headers)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        told = answer.json()
        return told.get("data", told.get("error"))

    async def open(self, definition):
        self.flow = (await self.ask("POST", "/flows", {"name": "F", "definition": definition}, 201))["id"]
        return self

    async def draw(self, definition):
        version = (await self.ask("GET", f"/flows/{self.flow}/data"))["row_version"]
        await self.ask("PUT", f"/flows/{self.flow}/data", {**definition, "row_version": version})

    async def ended(self, id_):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            row = await self.ask("GET", f"/executions/{id_}")
            if row["status"] in ENDED:
                return row
            await asyncio.sleep(0.1)
        pytest.fail(f"{row['status']} after two minutes")

    async def execute(self, node="", **body):
        path = f"/flows/{self.flow}/nodes/{node}/execute" if node else f"/flows/{self.flow}/execute"
        return await self.ended((await self.ask("POST", path, body, 202))["id"])

    async def retry(self, id_, **body):
        return await self.ended((await self.ask("POST", f"/executions/{id_}/retry", body, 202))["id"])

    async def executed(self, id_):
        """Steps that were in fact executed: neither taken from before, nor pinned, nor skipped."""
        rows = await self.ask("GET", f"/executions/{id_}/nodes")
        return [r["node_id"] for r in rows
                if r["status"] == "completed" and not r["cache_hit"] and not r["pinned"]]  # fmt: skip

    async def rows(self, node, query=""):
        return (await self.ask("GET", f"/flows/{self.flow}/nodes/{node}/preview{query}"))["rows"]

    def written(self):
        path = self.files / "b.csv"
        return path.read_text().splitlines()[1:] if path.exists() else None


@pytest.fixture
def files(tmp_path, monkeypatch):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.csv").write_text("id\n1\n2\n3\n")
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(folder))
    return folder


@pytest.fixture
async def ada(client, sign_up, headrace_settings, files, tmp_path):
    """A person with a worker, which is ended by its process id."""
    settings = headrace_settings
    settings.home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HEADRACE_HOME": str(settings.home), "HEADRACE_FILE_ROOTS": str(files),
        "HEADRACE_DATABASE_URL": settings.database_url.reveal(), "HEADRACE_WORKER_PROCESSES": "1",
        "HEADRACE_DATABASE_WORKER_URL": settings.database_worker_url.reveal(),
        "HEADRACE_REDIS_URL": settings.redis_url.reveal(), "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(),
    }  # fmt: skip
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, "-c", WORKER], env=environment, stdout=log, stderr=log,
                                  start_new_session=True, preexec_fn=die_with_parent)  # fmt: skip  # noqa: PLW1509
    person = Person(client, (await sign_up()).headers, files)
    await person.ask("POST", "/workspaces", {"name": "W"}, 201)
    await person.ask(
        "POST", "/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}}, 201
    )
    yield person
    with suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGTERM)
    try:
        worker.wait(20)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


async def test_one_step_up_to_a_step_and_from_a_step_on(ada):
    await ada.open(line())
    here = await ada.execute("double", mode="to_here")
    assert here["status"] == "completed", here["error"]
    assert await ada.executed(here["id"]) == ["read", "double"]
    assert await ada.rows("double") == [[1, 2], [2, 4], [3, 6]]
    assert await ada.rows("double", "?limit=1&offset=2") == [[3, 6]]
    assert ada.written() is None, "what comes after was not executed"
    unseen = await ada.ask("GET", f"/flows/{ada.flow}/nodes/write/preview", status=404)
    assert "stored no rows yet" in unseen["message"]
    again = await ada.execute("double", mode="to_here")
    assert await ada.executed(again["id"]) == [], "nothing has changed, so nothing is executed"
    edited = await ada.execute("double", mode="node", input=[{"id": 10}])
    assert await ada.executed(edited["id"]) == ["double"]
    assert await ada.rows("double") == [[10, 20]]
    onward = await ada.execute("write", mode="from_here")
    assert onward["status"] == "completed", onward["error"]
    assert ada.written() == ["10,20"], "from here on, over the rows that were seen last"


async def test_pins_stand_in_for_a_step_where_somebody_watches_only(ada):
    await ada.open(line())
    await ada.ask("PUT", f"/flows/{ada.flow}/nodes/read/pin", {"rows": [{"id": 7}]})
    tried = await ada.execute("double", mode="to_here")
    assert await ada.executed(tried["id"]) == ["double"]
    assert await ada.rows("double") == [[7, 14]]
    whole = await ada.execute()
    assert whole["status"] == "completed"
    assert ada.written() == ["1,2", "2,4", "3,6"], "a real execution knows no pins"


async def test_a_replay_after_a_failure_costs_what_changed_and_no_more(ada):
    await ada.open(line("id / missing"))
    version = (await ada.ask("POST", f"/flows/{ada.flow}/versions", {}, 201))["number"]
    failed = await ada.execute(observe="all")
    assert failed["status"] == "failed"
    assert "missing" in failed["error_message"]
    assert ada.written() is None
    await ada.draw(line("id * 3"))
    mended = await ada.retry(failed["id"], **{"from": "failed", "version": "latest"})
    assert mended["status"] == "completed", mended["error"]
    assert await ada.executed(mended["id"]) == ["double", "write"], "the file was not read again"
    assert ada.written() == ["1,3", "2,6", "3,9"]
    nothing = await ada.ask("POST", f"/executions/{mended['id']}/retry", {"from": "failed"}, 409)
    assert "every step completed" in nothing["message"]
    (ada.files / "a.csv").write_text("id\n5\n")
    fresh = await ada.retry(mended["id"], **{"from": "start"})
    assert await ada.executed(fresh["id"]) == ["read", "double", "write"], "what is read has changed"
    assert ada.written() == ["5,15"]
    old = await ada.retry(mended["id"], **{"from": "start", "version": version, "input": {"why": "to see it fail"}})
    assert (old["status"], old["version"], old["input_data"]) == ("failed", version, {"why": "to see it fail"})
    shown = await ada.ask("GET", f"/executions/{old['id']}/definition")
    assert {n["id"]: n["data"]["config"] for n in shown["nodes"]}["double"]["columns"][0][
        "expression"
    ] == "id / missing"


async def test_the_children_of_an_execution_are_counted_and_found(ada):
    loop = canvas(
        step("read", "local_files.read", connection="Files", stream="a.csv"),
        step("each", "control.for_each", parallel=2, on_item_error="continue"),
        step("check", "control.stop", "each", message="two is too many", where="id = 2"),
        edges="read>each each.item>check check>each.result",
    )
    await ada.open(loop)
    ended = await ada.execute()
    assert ended["status"] == "completed", ended["error"]
    counts = await ada.ask("GET", f"/executions/{ended['id']}/children")
    assert {(one["mode"], one["status"]): one["count"] for one in counts} == {
        ("body", "completed"): 2, ("body", "failed"): 1,
    }  # fmt: skip
    items = await ada.ask("GET", f"/executions?parent_id={ended['id']}")
    assert sorted(item["item_no"] for item in items) == [0, 1, 2]
    (bad,) = [item for item in items if item["status"] == "failed"]
    assert (bad["item_no"], "two is too many" in bad["error_message"]) == (1, True)
    assert "belongs to a step" in (await ada.ask("POST", f"/executions/{bad['id']}/retry", {}, 409))["message"]
    listed = await ada.ask("GET", f"/executions?flow_id={ada.flow}")
    assert [row["id"] for row in listed] == [ended["id"]], "items are no executions of their own in the list"
    shown = await ada.ask("GET", f"/executions/{ended['id']}/definition")
    assert [n["id"] for n in shown["nodes"]] == ["read", "each", "check"]
    await ada.ask("GET", "/executions/01900000-0000-7000-8000-000000000000/children", status=404)


async def test_what_a_flow_did_is_undone_and_told(ada):
    text = canvas(
        step("read", "local_files.read", connection="Files", stream="a.csv"),
        step("write", "local_files.write", connection="Files", stream="b.csv", mode="overwrite"),
        step("stop", "control.stop", message="no more"),
        step("undo", "local_files.write", connection="Files", stream="undone.csv", mode="append"),
        edges="read>write write.result>stop write.compensate>undo",
    )
    await ada.open(text)
    ended = await ada.execute()
    assert ended["status"] == "failed"
    end = time.monotonic() + 120
    while (await ada.ask("GET", f"/executions/{ended['id']}"))["compensation"] != "compensated":
        assert time.monotonic() < end
        await asyncio.sleep(0.1)
    (one,) = await ada.ask("GET", f"/executions/{ended['id']}/compensations")
    assert (one["node_id"], one["status"], one["rounds"]) == ("write", "completed", 1)
    assert (await ada.ask("GET", f"/executions/{one['compensating_execution_id']}"))["mode"] == "compensation"
    assert (ada.files / "undone.csv").exists()
    told = await ada.ask("POST", f"/executions/{ended['id']}/compensate", {}, 409)
    assert "nothing left to undo" in told["message"]
    retried = await ada.retry(ended["id"], **{"from": "failed"})
    assert "write" in await ada.executed(retried["id"]), "what was undone is done again"
    ports = {p["name"]: p["kind"] for p in (await ada.ask("GET", "/node-types/local_files.write"))["outputs"]}
    assert ports["compensate"] == "compensate", "the canvas and the form learn of it from data"
