"""Plugins are switched off and on while processes work; each follows within seconds, by hearing or by looking."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest
from headrace.infra import states
from headrace.plugins.follow import Follower
from headrace.plugins.manager import Host, load_plugins
from headrace.plugins.records import PluginRecord
from headrace.sdk import ConfigError, Feature, hookimpl


def feature(name: str) -> SimpleNamespace:
    @hookimpl
    def headrace_features():
        return [Feature(id=name, title=name)]

    @hookimpl(tryfirst=True)
    def headrace_limit(limit, organization):
        return 5 if limit == name else None

    return SimpleNamespace(headrace_features=headrace_features, headrace_limit=headrace_limit)


def host_of(*names: str) -> Host:
    host = Host()
    for name in names:
        record = PluginRecord(name=f"plugin-{name}", module="m", distribution=name, version="1", fingerprint="f")
        host.add(record, lambda name=name: feature(name))
    return host


def states_of(host: Host) -> list[str]:
    return [record.state for record in host.records]


def test_off_and_on_again_leave_everything_as_it_was():
    host = host_of("one", "two")
    registry, before = host.registry, host.plugin_set_hash
    held = registry.features
    assert not host.switch(())
    assert host.switch({"one"})
    assert states_of(host) == ["disabled", "enabled"]
    assert host.registry is registry
    assert registry.features.keys() == {"two"}
    assert held.keys() == {"one", "two"}, "what was taken out before goes on"
    assert host.distributions == {"two"}
    assert host.plugin_set_hash != before
    assert host.decide("headrace_limit", limit="one", organization=None) is None
    assert host.decide("headrace_limit", limit="two", organization=None) == 5
    assert not host.switch({"one"})
    assert host.switch(())
    assert (host.plugin_set_hash, list(registry.features)) == (before, ["one", "two"])
    assert host.decide("headrace_limit", limit="one", organization=None) == 5
    assert [record.provides for record in host.records] == [{"features": ["one"]}, {"features": ["two"]}]


def test_one_that_failed_stays_failed():
    host = host_of("one")
    record = PluginRecord(name="plugin-bad", module="m", distribution="bad", version="1", fingerprint="f")
    host.add(record, lambda: 1 / 0)
    assert host.switch({"bad", "one"})
    assert host.switch(())
    assert states_of(host) == ["enabled", "failed"]


def test_steps_of_a_plugin_that_is_off_are_missing_and_come_back():
    host = load_plugins(only=["node-transform", "node-control"], strict=True)
    assert host.registry.node("transform.filter")
    host.switch({"headrace-node-transform"})
    with pytest.raises(ConfigError, match="not installed or not enabled"):
        host.registry.node("transform.filter")
    assert host.registry.node("control.if")
    host.switch(())
    assert host.registry.node("transform.filter")


@pytest.mark.parametrize("hears", [True, False])
async def test_every_process_follows_what_it_hears_or_looks_up(database, worker_database, database_urls, hears):
    hosts = [host_of("one", "two") for _ in range(3)]
    deaf = "postgresql://nobody:nothing@127.0.0.1:9/none"
    followers = [
        Follower(database, database_urls.app_url if hears else deaf, hosts[0], look_s=60 if hears else 1),
        Follower(worker_database, database_urls.worker_url if hears else deaf, hosts[1], look_s=60 if hears else 1),
        Follower(worker_database, database_urls.worker_url if hears else deaf, hosts[2], look_s=60 if hears else 1),
    ]
    tasks = [asyncio.create_task(follower.serve()) for follower in followers]
    try:
        await asyncio.sleep(0.5)
        for off in (True, False):
            async with database.transaction() as session:
                await states.switch_plugin(session, "one", enabled=not off, by=None)
            begun = time.monotonic()
            while {states_of(host)[0] for host in hosts} != {"disabled" if off else "enabled"}:
                assert time.monotonic() - begun < 50, "who hears does not wait for its next look"
                await asyncio.sleep(0.02)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_database_that_is_away_changes_nothing():
    from headrace.infra.database import Database

    host = host_of("one")
    away = Database.from_url("postgresql://nobody:nothing@127.0.0.1:9/none")
    await Follower(away, "", host).look()
    assert states_of(host) == ["enabled"]
    await away.close()
