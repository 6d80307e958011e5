"""Rules of actions: they answer as declared, and a repeat has one effect."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from headrace.sdk import Connector, Effect, parse_config
from headrace.sdk.manifests import Action, ConnectorManifest
from headrace.testing.connector_base import ConnectorRules


class ActionRules(ConnectorRules):
    """What every connector with actions keeps.

    Attributes:
        action_inputs: A value that works, by action id; one for each action of the manifest.
    """

    action_inputs: ClassVar[dict[str, dict[str, Any]]] = {}

    def effects(self, connector: Connector[Any], action: str) -> int:
        """How many effects of an action there are on the other side; give it if the manifest has actions."""
        raise NotImplementedError(action)

    @pytest.fixture
    def actions(self, manifest: ConnectorManifest) -> list[tuple[Action, Any]]:
        if not manifest.actions:
            pytest.skip("the manifest has no actions")
        assert set(self.action_inputs) == {action.id for action in manifest.actions}, "each action has an input here"
        return [(action, parse_config(action.input, self.action_inputs[action.id])) for action in manifest.actions]

    def test_actions_answer_as_declared(self, connector: Connector[Any], actions: list[tuple[Action, Any]]) -> None:
        for action, value in actions:
            answer = connector.act(action.id, value, key=f"answer:{action.id}")
            assert type(answer) is (action.output or type(None)), action.id

    def test_a_repeated_action_has_one_effect(
        self, connector: Connector[Any], actions: list[tuple[Action, Any]]
    ) -> None:
        for action, value in actions:
            before = self.effects(connector, action.id)
            first = connector.act(action.id, value, key=f"repeat:{action.id}")
            assert connector.act(action.id, value, key=f"repeat:{action.id}") == first
            each = action.effect not in {Effect.NONE, Effect.READ}
            assert self.effects(connector, action.id) == before + each, action.id
            connector.act(action.id, value, key=f"another:{action.id}")
            assert self.effects(connector, action.id) == before + 2 * each, "another key is another effect"
