"""Stored secrets stay when a change leaves them out, are never shown, and never follow a changed address."""

from __future__ import annotations

from typing import Annotated

import pytest
from headrace.connections.secrets import merged, shown, values
from headrace.sdk import Capability, Config, ConfigError, ConnectorManifest, Field, Secret, lazy


class Place(Config, kw_only=True):
    """Where and how."""

    host: Annotated[str, Field("Host")]
    password: Annotated[Secret, Field("Password")] = Secret("")


MANIFEST = ConnectorManifest(
    id="thing",
    title="Thing",
    category="database",
    config=Place,
    factory=lazy("a:b"),
    capabilities=frozenset({Capability.READ}),
)
STORED = {"host": "db.example.org", "password": "correct-horse-battery"}


def test_a_secret_is_shown_by_its_end_only() -> None:
    assert shown(MANIFEST, STORED)["password"] == {"$secret": True, "set": True, "hint": "…tery"}
    assert shown(None, STORED) == {}
    assert values(MANIFEST, STORED) == ["correct-horse-battery"]


@pytest.mark.parametrize(
    "given", [{}, {"password": {"$secret": True, "set": True}}, {"password": None}, {"password": "***"}]
)
def test_a_secret_that_is_left_out_stays(given: dict[str, object]) -> None:
    assert merged(MANIFEST, STORED, {"host": "db.example.org", **given}) == STORED


def test_a_secret_does_not_follow_a_changed_host() -> None:
    with pytest.raises(ConfigError, match="'host' has changed; enter 'password' again"):
        merged(MANIFEST, STORED, {"host": "evil.example.org"})
    moved = merged(MANIFEST, STORED, {"host": "new.example.org", "password": "another"})
    assert moved == {"host": "new.example.org", "password": "another"}
