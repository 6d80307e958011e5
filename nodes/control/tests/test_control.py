"""What each control node declares: forms that open, ports, texts for people."""

from __future__ import annotations

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import config_schema
from headrace.sdk.config import parse_config
from headrace.sdk.errors import ConfigError
from headrace.sdk.forms import HINTS

NODES = {node.id: node for node in load_plugins(only=["node-control"], strict=True).registry.nodes.values()}
EXAMPLES = {
    "if": {"where": "id > 1"}, "switch": {"cases": [{"where": "id = 1"}]}, "while": {"where": "id < 9"},
    "subflow": {"flow": "Other"}, "approval": {"title": "Pay?", "deadline_s": 60}, "stop": {"message": "No rows"},
    "wait_webhook": {"deadline_s": None},
}  # fmt: skip


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_a_node_is_declared_for_people(node):
    manifest = node.manifest
    assert manifest.control
    assert manifest.title
    assert manifest.summary.endswith(".")
    assert manifest.docs
    schema = config_schema(manifest.config)
    for name, field in schema.get("properties", {}).items():
        assert field.get("title"), name
        assert field.get("description"), name
        assert set(field.get("x-ui", {})) <= HINTS
    parse_config(manifest.config, EXAMPLES.get(manifest.id, {}))
    with pytest.raises(ConfigError, match="no_such_field"):
        parse_config(manifest.config, {**EXAMPLES.get(manifest.id, {}), "no_such_field": 1})


def test_hard_limits_are_in_the_form():
    for config in ({"where": "x", "max_rounds": 1_001}, {"where": "x", "max_rounds": 0}):
        with pytest.raises(ConfigError, match="max_rounds"):
            parse_config(NODES["control.while"].manifest.config, config)
    with pytest.raises(ConfigError, match="deadline_s"):
        parse_config(NODES["control.approval"].manifest.config, {"title": "x", "deadline_s": 0})
