"""Only variables below the prefix are given, and never one of ours."""

from __future__ import annotations

from uuid import uuid4

import pytest
from headrace.sdk import ConfigError, parse_config
from headrace_plugin_secrets_env import EnvConfig
from headrace_plugin_secrets_env.backend import EnvironmentBackend

CANARY = "canary-of-the-environment"
ONE, TWO = uuid4(), uuid4()


def backend(prefix: str = "FLOW_") -> EnvironmentBackend:
    return EnvironmentBackend(parse_config(EnvConfig, {"prefix": prefix}))


def test_a_variable_below_the_prefix_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOW_SHOP", CANARY)
    assert backend().read("FLOW_SHOP", ONE).reveal() == CANARY


@pytest.mark.parametrize("name", ["PATH", "HEADRACE_MASTER_KEYS", "OTHER_SHOP", "flow_shop", "FLOW_SHOP\n", "FLOW-SHOP",
                                  "FLOW_", "FLOW_NONE", "", "XFLOW_SHOP", "FLOW_SHOP=1"])  # fmt: skip
def test_others_are_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for each in ("HEADRACE_MASTER_KEYS", "OTHER_SHOP", "flow_shop", "XFLOW_SHOP", "FLOW_SHOP"):
        monkeypatch.setenv(each, CANARY)
    with pytest.raises(ConfigError) as caught:
        backend().read(name, ONE)
    assert f"'env:{name}'" in caught.value.message
    assert CANARY not in repr(caught.value.__dict__)


def test_organizations_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"FLOW_{ONE.hex.upper()}_SHOP"
    monkeypatch.setenv(name, CANARY)
    opened = backend("FLOW_{organization}_")
    assert opened.read(name, ONE).reveal() == CANARY
    with pytest.raises(ConfigError, match="may not be used"):
        opened.read(name, TWO)


@pytest.mark.parametrize("prefix", ["", "A", "HEAD", "HEADRACE_", "HEADRACE_X", "{organization}", "a_", "FLOW_{other}"])
def test_a_prefix_that_opens_too_much_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError):
        backend(prefix)
