"""An execution shows what kind of trigger started it, by the name that people know."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from headrace.executions.leases import as_json
from headrace.infra.ids import new_id
from headrace.plugins.manager import load_plugins
from headrace.triggers import statements as sql
from headrace.triggers.starting import kind_of
from headrace.triggers.ticker import Ticker

SHOWN = {
    "manual": "manual", "cron": "scheduled", "interval": "scheduled", "rrule": "scheduled", "webhook": "webhook",
    "form": "form", "flow_completed": "flow", "asset": "asset", "poll": "poll", "file": "file", "email": "email",
    "redis_stream": "message", "rabbitmq": "message", "mqtt": "message", "nats": "message",
    "cdc": "cdc", "cdc_mysql": "cdc", "cdc_mariadb": "cdc",
}  # fmt: skip
PLUGINS = ["node-lab", "node-triggers", "plugin-engine_polars", "connector-imap", "connector-postgresql",
           "connector-mysql", "connector-mariadb"]  # fmt: skip


@pytest.fixture(scope="module")
def installed(lab):
    return load_plugins(only=PLUGINS, strict=True)


def test_every_trigger_shows_its_own_name():
    registry = load_plugins().registry
    shown = {
        name: kind_of(registry, SimpleNamespace(type=name, mode=entry.manifest.mode))
        for name, entry in registry.triggers.items()
    }
    declared = {f"{connector.manifest.id}_{trigger.id}" for connector in registry.connectors.values()
                for trigger in connector.manifest.triggers}  # fmt: skip
    assert {shown[name] for name in declared} == {"poll", "message"}
    assert {name: kind for name, kind in shown.items() if name in SHOWN} == SHOWN
    assert "event" not in shown.values(), "a trigger that ships with headrace says what it is"
    gone = SimpleNamespace(type="of_a_plugin_that_was_removed", mode="source")
    assert kind_of(registry, gone) == "event"


@pytest.mark.parametrize("type_", sorted(name for name, kind in SHOWN.items() if kind not in {"manual", "scheduled"}))
async def test_an_execution_bears_the_name_of_its_trigger(works, installed, worker_database, database_urls, type_):
    made = new_id()
    mode = installed.registry.trigger(type_).manifest.mode
    await works.do(
        "insert into triggers (organization_id, id, flow_id, type, mode, name) values (:o, :id, :f, :type, :mode, 'T')",
        o=works.organization_id, id=made, f=works.flow_id, type=type_, mode=mode,
    )  # fmt: skip
    async with works.database.transaction(works.organization_id) as session:
        key = {"organization_id": works.organization_id, "id": made}
        await session.execute(sql.ADD_EVENTS, {**key, "events": as_json([{"key": "e1", "payload": {"rows": []}}])})
    assert await Ticker(worker_database, database_urls.worker_url, installed).tick() == 1
    (found,) = await works.rows("select trigger_type from executions")
    assert found.trigger_type == SHOWN[type_]
