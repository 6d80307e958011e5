"""Rules of messages: nothing is lost between the other side and what is stored here, and nothing stays once it is."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import time
from contextlib import closing
from typing import Any, ClassVar

import pytest

from headrace.sdk import Capability, Connector, Message, Taking
from headrace.sdk.manifests import ConnectorManifest
from headrace.testing.connector_base import ConnectorRules, needs, rows


class TakingRules(ConnectorRules):
    """Rules of MESSAGES.

    Attributes:
        messages: A stream of `config` with three messages.
        patience_s: How long messages may take to come, or to come again.
    """

    messages: ClassVar[str] = "city"
    patience_s: ClassVar[float] = 20.0

    def taken(
        self, connector: Connector[Any], count: int, cursor: dict[str, Any], *, most: int = 50, patience_s: float = 0
    ) -> tuple[list[Message], dict[str, Any]]:
        """So many messages, each batch acknowledged as its event would be stored, and the cursor behind them."""
        found: list[Message] = []
        end = time.monotonic() + (patience_s or self.patience_s)
        while len(found) < count and time.monotonic() < end:
            got = connector.take(Taking(stream=self.messages, cursor=cursor, most=most, wait_s=0.5))
            assert len(got.messages) <= most
            connector.acknowledge()
            found, cursor = [*found, *got.messages], dict(got.cursor)
        return found, cursor

    def test_what_was_taken_and_not_acknowledged_comes_again(
        self, config: dict[str, Any], manifest: ConnectorManifest
    ) -> None:
        needs(manifest, Capability.MESSAGES)
        first: list[Message] = []
        end = time.monotonic() + self.patience_s
        with closing(self.entry().open(config)) as connector:
            while not first and time.monotonic() < end:
                asked = Taking(stream=self.messages, most=2, wait_s=0.5)
                first = list(connector.take(asked).messages)
            assert 1 <= len(first) <= 2
        with closing(self.entry().open(config)) as connector:
            found, cursor = self.taken(connector, 3, {}, most=2)
            assert len({one.key for one in found}) == len(found) == 3
            assert {one.key for one in first} <= {one.key for one in found}, "a message keeps its key"
            assert sorted(one.row["id"] for one in found) == [1, 2, 5]
            connector.acknowledge()
        with closing(self.entry().open(config)) as connector:
            assert self.taken(connector, 1, cursor, patience_s=1.5)[0] == [], "what was acknowledged is done with"

    def test_a_read_that_is_held_takes_nothing_away_before_it_is_acknowledged(
        self, config: dict[str, Any], manifest: ConnectorManifest
    ) -> None:
        needs(manifest, Capability.MESSAGES)
        with closing(self.entry().open(config)) as connector:
            options = connector.taking("contract", 1_000)
            if getattr(options, "take", "") != "consume":
                pytest.skip("a read of this connector takes nothing away")
            assert self._held(connector, options, most=0) == [1, 2, 5]
        with closing(self.entry().open(config)) as connector:
            assert sorted(row["id"] for row in rows(connector, connector.stream(self.messages))) == [1, 2, 5]
            held = self._held(connector, options, most=2)
            assert len(held) == 2, "no more than the step wants is held"
            connector.acknowledge()
            connector.acknowledge()
        with closing(self.entry().open(config)) as connector:
            left = [row["id"] for row in rows(connector, connector.stream(self.messages))]
            assert sorted([*held, *left]) == [1, 2, 5], "the rows that were stored are gone, the others are not"

    def _held(self, connector: Any, options: Any, *, most: int) -> list[int]:
        stream = connector.stream(self.messages)
        connector.hold(most)
        return sorted(row["id"] for frame in connector.read(stream, options=options) for row in frame.to_dicts())
