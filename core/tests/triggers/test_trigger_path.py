"""The whole way with real processes: a trigger's event is the output of its step, and a webhook gets its answer."""

from __future__ import annotations

import json
import time

import polars as pl
import pytest
from headrace.engine.trigger_step import columns_of, event_rows
from headrace.infra.bus import Bus
from headrace.infra.store import Store
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import DataError
from headrace.triggers import answers, calls, hooks
from headrace.triggers.starting import Preparer

PLUGINS = ("node-triggers", "node-control", "node-transform", "plugin-engine_polars")


def canvas(kind: str, **config):
    nodes = [
        {"id": "start", "data": {"nodeType": f"triggers.{kind}", "config": config}, "position": {"x": 0, "y": 0}},
        {"id": "twice", "data": {"nodeType": "transform.derive",
                                 "config": {"columns": [{"name": "twice", "expression": "n * 2"}]}},
         "position": {"x": 1, "y": 0}},
        {"id": "say", "data": {"nodeType": "control.respond", "config": {"status": 201}}, "position": {"x": 2, "y": 0}},
    ]  # fmt: skip
    return {"nodes": nodes, "edges": [{"id": "a", "source": "start", "target": "twice"},
                                      {"id": "b", "source": "twice", "target": "say"}]}  # fmt: skip


async def test_a_webhook_is_answered_by_the_flow(works, schedulers, redis_url, tmp_path):
    store = Store(f"file://{tmp_path}/objects")
    works.host = load_plugins(only=PLUGINS, strict=True)
    await schedulers.start("scheduler", plugins=PLUGINS)
    await schedulers.start("worker", plugins=PLUGINS)
    flow = await works.flow("Answering", canvas("webhook", authentication="none"))
    made = await works.trigger(
        "webhook", {"authentication": "none", "response": "respond_node", "wait_seconds": 60}, flow_id=flow
    )
    from headrace.triggers.models import Trigger
    from headrace.triggers.secrets import KEY, Sealed

    async with works.database.transaction(works.organization_id) as session:
        row = await session.get_one(Trigger, (works.organization_id, made))
        place = (await Sealed(works.vault, row).open(session))[KEY]
    bus = Bus.from_url(redis_url)
    took, flows = [], Preparer(works.host)
    try:
        for number in range(5):
            body = json.dumps([{"n": number}, {"n": number + 1, "more": {"deep": [1]}}]).encode()
            began = time.monotonic()
            accepted = await hooks.accept(
                works.database, flows, works.vault, store,
                calls.Call(place=place, method="POST", headers={"content-type": "application/json"}, body=body),
            )  # fmt: skip
            state = await answers.wait(
                works.database, bus, works.organization_id, accepted.execution_id, timeout_s=60, respond=True
            )
            took.append(time.monotonic() - began)
            assert state["response"]["status"] == 201, state
            assert json.loads(state["response"]["body"]) == [
                {"n": number, "more": None, "twice": number * 2},
                {"n": number + 1, "more": '{"deep":[1]}', "twice": number * 2 + 2},
            ]
    finally:
        await bus.close()
    print(f"webhook to answer: first {took[0] * 1000:.0f} ms, then {min(took[1:]) * 1000:.0f} ms")


@pytest.mark.parametrize(("rows", "kinds"), [
    ([{"a": 1, "b": "x"}, {"a": None, "b": "y"}], {"a": "integer", "b": "text"}),
    ([{"a": 1}, {"a": 2.5}], {"a": "float"}),
    ([{"a": True}, {"a": 1}], {"a": "json"}),
    ([{"a": 2**63}], {"a": "json"}),
    ([{"a": None}], {"a": "text"}),
    ([{"a": {"b": 1}}, {"c": [1]}], {"a": "json", "c": "json"}),
    ([], {}),
])  # fmt: skip
def test_columns_of_an_event(rows, kinds):
    assert {column.name: str(column.type) for column in columns_of(rows)} == kinds


def test_rows_of_an_input():
    assert event_rows({}) is None
    assert event_rows({"trigger": {"id": 1}}) is None
    assert event_rows({"a": 1}) == [{"a": 1}]
    assert event_rows({"rows": [{"a": 1}], "request": {}}) == [{"a": 1}]
    for wrong in ({"rows": 5}, {"rows": [1]}):
        with pytest.raises(DataError):
            event_rows(wrong)


def test_the_sample_stands_for_an_event_in_a_trial(tmp_path):
    from headrace.engine.trigger_step import TriggerStep
    from headrace.sdk import parse_config
    from headrace.testing.node import FakeContext, installed_engine

    host = load_plugins(only=PLUGINS, strict=True)
    config = parse_config(host.registry.node("triggers.manual").manifest.config, {"sample": [{"id": 7, "x": [1]}]})
    engine = installed_engine()
    for given, expected in (({}, {"id": [7], "x": ["[1]"]}), ({"id": 1.5}, {"id": [1.5]})):
        made = TriggerStep(config).run(FakeContext(engine, tmp_path, input_data=given), {})
        assert pl.concat(engine.batches(made["out"])).to_dict(as_series=False) == expected
