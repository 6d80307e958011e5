"""Servers are reached through the door: a closed host is refused before a packet is sent, an open one is pinned."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from headrace.kits.sql import reader as kit
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError
from headrace.sdk.egress import check_host


def open_(url: str, **changes: Any) -> Any:
    parts = urlsplit(url)
    config = {
        "host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
        "password": parts.password or "", **changes,
    }  # fmt: skip
    return load_plugins(only=["connector-postgresql"], strict=True).registry.connector("postgresql").open(config)


def test_without_the_operator_loopback_is_closed(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = open_(postgres_url)
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
    for call in (connector.check, connector.discover, lambda: list(connector.query("select 1"))):
        with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW="):
            call()
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", f"127.0.0.1:{urlsplit(postgres_url).port}")
    connector.check()


@pytest.mark.parametrize("host", ["", "/var/run/postgresql", "127.0.0.1,10.0.0.1", "127.1", "169.254.169.254"])
def test_hosts_that_a_driver_would_read_in_its_own_way_are_refused(host: str, postgres_url: str) -> None:
    with pytest.raises(ConfigError, match=r"host|never opened"):
        open_(postgres_url, host=host).check()


def test_the_driver_does_not_look_the_name_up_again(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else knows this name: only the judged address can have been dialled."""
    monkeypatch.setattr(kit, "check_host", lambda host, port: check_host(host, port, resolver=lambda *_: ["127.0.0.1"]))
    open_(postgres_url, host="only-we-know.invalid").check()
