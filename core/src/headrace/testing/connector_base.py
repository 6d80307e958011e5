"""What the rules of the connector contract share: fixtures, rows, and a small nasty frame."""

# ruff: noqa: D102 - fixtures, named by what they give

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from headrace.plugins.manager import load_plugins
from headrace.sdk import Capability, Connector, Stream
from headrace.sdk.manifests import ConnectorManifest

if TYPE_CHECKING:
    import polars as pl


class ConnectorRules:
    """Base of each group of rules.

    Attributes:
        connector_id: Id in the manifest.
        target: Name of the stream that write rules use.
        skip_reasons: `{"test_...": "why"}`, the only way to skip.
    """

    connector_id: ClassVar[str]
    target: ClassVar[str] = "contract_target"
    skip_reasons: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _only_named_skips(self, request: pytest.FixtureRequest) -> None:
        reason = self.skip_reasons.get(request.node.originalname)
        if reason:
            pytest.skip(reason)

    @pytest.fixture
    def manifest(self) -> ConnectorManifest:
        manifest: ConnectorManifest = self.entry().manifest
        return manifest

    def entry(self) -> Any:
        """The connector and its plugin; only the plugin under test is loaded."""
        return load_plugins(only=[f"connector-{self.connector_id}"], strict=True).registry.connector(self.connector_id)

    @pytest.fixture
    def connector(self, config: dict[str, Any]) -> Iterator[Connector[Any]]:
        opened = self.entry().open(config)
        yield opened
        opened.close()

    @pytest.fixture
    def writer(self, connector: Connector[Any], manifest: ConnectorManifest) -> Connector[Any]:
        needs(manifest, Capability.WRITE)
        return connector

    @pytest.fixture
    def upserter(self, connector: Connector[Any], manifest: ConnectorManifest) -> Connector[Any]:
        needs(manifest, Capability.UPSERT)
        return connector


def needs(manifest: ConnectorManifest, capability: Capability) -> None:
    """Skip a rule that the manifest does not switch on."""
    if capability not in manifest.capabilities:
        pytest.skip(f"the manifest does not claim {capability}")


def rows(connector: Connector[Any], stream: Stream) -> list[dict[str, Any]]:
    """All rows of a stream."""
    return [row for frame in connector.read(stream) for row in frame.to_dicts()]


def nasty() -> pl.DataFrame:
    """Small, with what breaks naive writers: quotes, separators, emoji, nulls beside empty texts, 1e300."""
    import polars as pl

    return pl.DataFrame(
        {
            "id": [1, 2, 3, 4, 5],
            "text": ["plain", "", None, 'quo"te, comma; tab\t new\nline \\N', "emoji 😀 '); --"],
            "number": [1.5, None, 1e300, -0.25, 0.0],
            "select": ["a", "NULL", "null", None, "0012"],
        }
    )
