"""Assets: what steps write is kept, and starts the flows that wait for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from headrace.connections import service as connections
from headrace.connections.service import Vault
from headrace.engine.messages import NodeFinished
from headrace.executions import assets
from headrace.infra.crypto import KeyRing
from headrace.infra.ids import new_id
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import ConfigError
from headrace.triggers import service as triggers

PLUGINS = ("node-lab", "node-triggers", "plugin-engine_polars", "connector-local_files")
ORDERS = {"connection": "Files", "object": "orders.csv"}
STOCK = {"connection": "Files", "object": "stock.csv"}


@pytest.fixture
async def files(works):
    """A connection named Files."""
    made = new_id()
    await works.do(
        "insert into connections (organization_id, id, name, connector, config) values (:o, :i, 'Files', 'x', '')",
        o=works.organization_id, i=made,
    )  # fmt: skip
    return made


async def write(works, *objects, rows=3, chain=0):
    """What settling a segment keeps of its write steps."""
    made = await works.trigger("manual", {})
    reports = [
        SimpleNamespace(report=NodeFinished(node_id=name, status="completed", rows_out=rows, asset=("Files", name)))
        for name in objects
    ]
    async with works.database.transaction(works.organization_id) as session:
        execution_id = await triggers.run(session, works.actor, works.host, made)
        key = {"organization_id": works.organization_id, "execution_id": execution_id}
        await assets.record(session, key["organization_id"], [(key["execution_id"], reports)])
    if chain:
        await works.do("update asset_updates set chain = :c", c=chain)
    return execution_id


async def started(works, trigger_id):
    return await works.rows(
        "select id, input_data from executions where execution_details ->> 'trigger_id' = :t order by queued_at",
        t=str(trigger_id),
    )  # fmt: skip


async def watch(works, *wanted, **config):
    flow = await works.flow(f"Waiting {new_id()}")
    return await works.trigger("asset", {"assets": list(wanted), "quiet_seconds": 0, **config}, flow_id=flow)


async def test_a_write_starts_the_flow_once_with_what_was_written(works, ticker, files):
    await write(works, "orders.csv")
    made = await watch(works, ORDERS)
    assert await ticker.tick() == 0, "what was written before does not count"
    await write(works, "orders.csv", "stock.csv")
    last = await write(works, "orders.csv", rows=7)
    assert sum(await asyncio.gather(*(ticker.tick() for _ in range(4)))) == 1
    (one,) = await started(works, made)
    (row,) = one.input_data["rows"]
    assert {name: row[name] for name in ("connection", "object", "times", "rows", "execution_id")} == {
        "connection": "Files", "object": "orders.csv", "times": 2, "rows": 7, "execution_id": str(last),
    }  # fmt: skip
    assert await ticker.tick() == 0
    await write(works, "orders.csv")
    assert await ticker.tick() == 1


async def test_all_means_each_since_the_last_start(works, ticker, files):
    made = await watch(works, ORDERS, STOCK, when="all")
    await write(works, "orders.csv")
    assert await ticker.tick() == 0
    await write(works, "stock.csv")
    assert await ticker.tick() == 1
    await write(works, "stock.csv")
    assert await ticker.tick() == 0
    (one,) = await started(works, made)
    assert [row["object"] for row in one.input_data["rows"]] == ["orders.csv", "stock.csv"]


async def test_writes_that_follow_each_other_are_waited_for_but_not_for_ever(works, ticker, files):
    await watch(works, ORDERS, quiet_seconds=60)
    await write(works, "orders.csv")
    assert await ticker.tick() == 0
    await works.do("update assets set last_updated_at = last_updated_at - interval '61 s'")
    assert await ticker.tick() == 1
    await write(works, "orders.csv")
    await works.do("update asset_updates set created_at = created_at - interval '601 s'")
    assert await ticker.tick() == 1, "it is written again and again, and is not waited for any longer"


async def test_what_was_written_while_switched_off_does_not_count(works, ticker, files):
    made = await watch(works, ORDERS)
    await works.do("update triggers set is_active = false where id = :i", i=made)
    await write(works, "orders.csv")
    await works.do("update triggers set is_active = true where id = :i", i=made)
    assert await ticker.tick() == 0


async def test_a_flow_cannot_wait_for_what_it_writes(works, files):
    canvas = {"nodes": [{"id": "w", "data": {"nodeType": "sqlite.write", "config": {
        "connection": "Files", "stream": "orders.csv"}}, "position": {"x": 0, "y": 0}}], "edges": []}  # fmt: skip
    flow = await works.flow("Circle", canvas)
    with pytest.raises(ConfigError, match=r"this flow writes 'orders.csv' itself and would start itself without end"):
        await works.trigger("asset", {"assets": [ORDERS]}, flow_id=flow)
    with pytest.raises(ConfigError, match="there is no connection 'Nowhere'"):
        await works.trigger("asset", {"assets": [{"connection": "Nowhere", "object": "x"}]})


async def test_a_ring_of_flows_ends_with_a_sentence(works, ticker, files):
    made = await watch(works, ORDERS)
    await write(works, "orders.csv", chain=19)
    assert await ticker.tick() == 1
    await write(works, "orders.csv", chain=20)
    assert await ticker.tick() == 0
    (row,) = await works.rows("select error from triggers where id = :i", i=made)
    assert row.error == "more than 20 flows started each other; break the ring of triggers"
    assert await ticker.tick() == 0


async def test_a_write_step_of_one_flow_starts_another(works, schedulers, headrace_settings, tmp_path, wait_until):
    works.host, works.vault = load_plugins(only=PLUGINS, strict=True), Vault(KeyRing(headrace_settings.master_keys))
    async with works.database.transaction(works.organization_id) as session:
        await connections.create(
            session, works.actor, works.vault, works.host.registry, name="Files", connector="local_files",
            config={"root": str(tmp_path)},
        )  # fmt: skip
    step = {"connection": "Files", "stream": "orders.csv", "mode": "overwrite"}
    writing = await works.flow("Writing", {
        "nodes": [{"id": "rows", "data": {"nodeType": "lab.rows"}, "position": {"x": 0, "y": 0}},
                  {"id": "w", "data": {"nodeType": "local_files.write", "config": step}, "position": {"x": 1, "y": 0}}],
        "edges": [{"id": "e", "source": "rows", "target": "w"}],
    })  # fmt: skip
    waiting = await works.trigger("asset", {"assets": [ORDERS], "quiet_seconds": 0})
    by_hand = await works.trigger("manual", {}, flow_id=writing)
    await schedulers.start("scheduler", plugins=PLUGINS)
    await schedulers.start("worker", plugins=PLUGINS)
    async with works.database.transaction(works.organization_id) as session:
        execution_id = await triggers.run(session, works.actor, works.host, by_hand)

    async def look():
        return await started(works, waiting)

    (one,) = await wait_until(look)
    assert one.input_data["rows"][0]["execution_id"] == str(execution_id)
    async with works.database.transaction(works.organization_id) as session:
        (asset,), _ = await assets.list_(session, works.organization_id)
        (update,), _ = await assets.updates(session, works.organization_id, asset["id"])
    assert (asset["object"], asset["updates"], update["node_id"]) == ("orders.csv", 1, "w")
