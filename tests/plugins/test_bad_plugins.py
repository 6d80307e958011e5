"""Broken, slow and clashing plugins never stop the host."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from headrace.plugins.manager import Host, load_plugins
from headrace.plugins.records import PluginRecord
from headrace.sdk import (
    Capability,
    Command,
    Config,
    ConfigError,
    ConnectorManifest,
    Feature,
    Field,
    MigrationBranch,
    NodeManifest,
    PluginError,
    config_schema,
    hookimpl,
    lazy,
)


class Place(Config):
    """Where."""

    path: Annotated[str, Field("Path", "Where it is.")]


def connector(**changes: Any) -> ConnectorManifest:
    given: dict[str, Any] = {
        "id": "thing", "title": "Thing", "category": "file", "config": Place, "factory": lazy("nowhere:Thing"),
        "capabilities": frozenset({Capability.READ, Capability.WRITE, Capability.UPSERT}),
    }  # fmt: skip
    return ConnectorManifest(**{**given, **changes})


def plugin(name: str, dist: str) -> PluginRecord:
    return PluginRecord(name=name, module="m", distribution=dist, version="1.2", fingerprint="f")


def offering(**hooks: Any) -> Any:
    """A declaration module."""

    def give(value: Any) -> Any:
        return hookimpl(lambda: value() if callable(value) else value)

    return SimpleNamespace(**{f"headrace_{kind}": give(value) for kind, value in hooks.items()})


def host_with(*modules: Any) -> Host:
    host = Host()
    for number, module in enumerate(modules):
        host.add(plugin(f"connector-p{number}", f"dist-{number}"), lambda module=module: module)
    return host


def test_a_good_plugin_gives_its_node_types() -> None:
    registry = host_with(offering(connectors=[connector()])).registry
    assert set(registry.nodes) == {"thing.read", "thing.write"}
    schema = config_schema(registry.config_of("thing.write"))
    assert schema["properties"]["connection"]["x-ui"]["connection_type"] == "thing"
    assert schema["properties"]["mode"]["enum"] == ["append", "overwrite", "upsert"]


def test_import_error_is_recorded_and_the_rest_go_on() -> None:
    host = Host()

    def broken() -> Any:
        raise ImportError("no module named 'driver'")

    host.add(plugin("connector-broken", "acme-broken"), broken)
    host.add(plugin("connector-good", "acme-good"), lambda: offering(connectors=[connector()]))
    failed, good = host.records
    assert failed.state == "failed"
    assert "acme-broken 1.2" in failed.reason
    assert "no module named 'driver'" in failed.reason
    assert "ImportError" in failed.trace
    assert good.state == "enabled"
    assert "thing" in host.registry.connectors


def test_a_clash_names_both_distributions_and_the_first_stays() -> None:
    host = host_with(offering(connectors=[connector()]), offering(connectors=[connector()]))
    assert host.records[1].state == "failed"
    for part in ("connector 'thing'", "dist-0 1.2", "dist-1 1.2", "uninstall one"):
        assert part in host.records[1].reason
    assert host.registry.connectors["thing"].plugin is host.records[0]


def test_a_declaration_that_fails_half_way_leaves_nothing() -> None:
    host = host_with(offering(connectors=[connector(), connector(id="Wrong Id")]))
    assert host.records[0].state == "failed"
    assert "'Wrong Id'" in host.records[0].reason
    assert host.registry.connectors == {}


@pytest.mark.parametrize("answer", [["no manifest"], [None], [lazy("a:b")]])
def test_wrong_type_is_refused(answer: list[Any]) -> None:
    host = host_with(offering(nodes=answer))
    assert "NodeManifest" in host.records[0].reason


def test_a_slow_plugin_is_loaded_and_its_time_shown() -> None:
    def slow() -> list[ConnectorManifest]:
        until = time.perf_counter() + 0.02
        while time.perf_counter() < until:
            pass
        return [connector()]

    host = host_with(offering(connectors=slow))
    assert host.records[0].state == "enabled"
    assert host.records[0].load_ms >= 20


def test_a_disabled_distribution_offers_nothing() -> None:
    host = Host()
    record = plugin("connector-off", "acme-off")
    record.state = "disabled"
    host.add(record, lambda: pytest.fail("was imported"))
    assert host.registry.connectors == {}
    assert host.distributions == frozenset()


def test_work_that_cannot_be_imported_names_the_plugin() -> None:
    entry = host_with(offering(connectors=[connector()])).registry.connector("thing")
    with pytest.raises(PluginError, match=r"connector-p0 \(dist-0 1\.2\) cannot be used"):
        entry.open({"path": "x"})
    with pytest.raises(ConfigError, match="path"):
        entry.open({})


def test_unknown_ids_say_what_to_do() -> None:
    node = NodeManifest(id="filter", title="Filter", config=Place, factory=lazy("a:b"))
    host = Host()
    host.add(plugin("node-transform", "d"), lambda: offering(nodes=[node]))
    with pytest.raises(ConfigError, match=r"did you mean 'transform\.filter'"):
        host.registry.node("transform.filtr")
    with pytest.raises(ConfigError, match="needs a plugin 'acme'"):
        host.registry.node("acme.thing")
    with pytest.raises(ConfigError, match="no connector 'nothing'"):
        host.registry.connector("nothing")


def test_a_broken_decision_denies() -> None:
    host = Host()
    host.register_default(SimpleNamespace(headrace_feature_enabled=hookimpl(lambda feature, organization: 1 / 0)))
    assert host.decide("headrace_feature_enabled", feature="x", organization=None) is False


def test_a_plugin_may_own_a_migration_branch() -> None:
    class Module:
        @hookimpl
        def headrace_migrations(self) -> list[MigrationBranch]:
            return [MigrationBranch(id="lineage", package="acme.migrations")]

    assert host_with(Module()).registry.migrations["lineage"].package == "acme.migrations"


def test_every_installed_plugin_loads() -> None:
    assert [r.reason for r in load_plugins().records if r.state == "failed"] == []


def test_a_plugin_may_offer_a_switch_and_a_command() -> None:
    class Module:
        @hookimpl
        def headrace_features(self) -> list[Feature]:
            return [Feature(id="radar", title="Radar")]

        @hookimpl
        def headrace_cli(self) -> list[Command]:
            return [Command(id="hello", title="Say hello", function=lazy("sys:exit"))]

    registry = host_with(Module()).registry
    assert registry.features["radar"].default is False
    assert set(registry.cli) == {"p0.hello"}
