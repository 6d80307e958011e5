"""The contract on pulsar-lite, another server of the protocol, or on a cluster that the environment names."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, TransientError
from headrace.testing.connector import DeclareRules
from headrace.testing.counterparts import folder, free_port, started
from headrace.testing.records import CITIES, MessagesContract
from headrace.testing.services import needs
from headrace_connector_pulsar.connector import record_of

INSTALLED = importlib.util.find_spec("pulsar") is not None
with_driver = pytest.mark.skipif(not INSTALLED, reason="the driver is an extra that is not installed")


def opened(**more: Any) -> Any:
    entry = load_plugins(only=["connector-pulsar"], strict=True).registry.connector("pulsar")
    return entry.open({"host": "127.0.0.1", "token": "s3cret", **more})


class TestDeclaration(DeclareRules):
    connector_id = "pulsar"

    def test_the_proof_says_so(self, manifest: Any) -> None:
        assert manifest.proof == "wire-compatible"
        assert "[driver]" in manifest.docs


@pytest.mark.parametrize(("more", "url"), [
    ({}, "pulsar://127.0.0.1:6650"), ({"host": "::1", "port": 7}, "pulsar://[::1]:7"),
    ({"tls": True, "port": 6651}, "pulsar+ssl://127.0.0.1:6651"),
])  # fmt: skip
def test_the_address_has_all_of_the_config(more: dict[str, Any], url: str) -> None:
    assert opened(**more).url() == url


def test_a_closed_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="never opened"):
        opened(host="169.254.169.254").url()
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
    with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW="):
        opened().url()


@pytest.mark.skipif(INSTALLED, reason="the driver is installed")
def test_a_missing_driver_is_one_sentence() -> None:
    with (
        closing(opened()) as connector,
        pytest.raises(ConfigError, match=r"install headrace-connector-pulsar\[driver\]"),
    ):
        connector.check()


@pytest.mark.parametrize(("name", "module", "kind"), [
    ("AuthenticationError", "_pulsar", AuthError), ("AuthorizationError", "_pulsar", AuthError),
    ("TopicNotFound", "_pulsar", ConfigError), ("ConsumerBusy", "_pulsar", ConfigError),
    ("ConnectError", "_pulsar", TransientError), ("Timeout", "_pulsar", TransientError),
])  # fmt: skip
def test_errors_have_their_class(name: str, module: str, kind: type[Exception]) -> None:
    error = type(name, (Exception,), {"__module__": module})("broker said s3cret")
    found = opened().trouble(error)
    assert isinstance(found, kind)
    assert "s3cret" not in str(found)


def test_errors_of_others_are_no_errors_of_the_driver() -> None:
    assert opened().trouble(KeyError("x")) is None


def test_a_message_is_a_row() -> None:
    class Message:
        data = staticmethod(lambda: b'{"id": 1}')
        message_id = staticmethod(lambda: "(7,8,-1,0)")
        publish_timestamp = staticmethod(lambda: 1_711_846_799_500)
        partition_key = staticmethod(str)
        properties = staticmethod(lambda: {"a": "b"})
        redelivery_count = staticmethod(int)

    assert record_of(Message()) == {
        "id": 1, "_id": "(7,8,-1,0)", "_at": dt.datetime(2024, 3, 31, 0, 59, 59, 500_000, dt.UTC), "_key": None,
        "_properties": {"a": "b"}, "_redelivered": 0,
    }  # fmt: skip


@with_driver
@pytest.mark.slow
def test_the_driver_takes_the_config_and_a_cluster_that_is_away_is_told() -> None:
    import pulsar

    names = {name for name, one in vars(pulsar).items() if isinstance(one, type) and issubclass(one, Exception)}
    assert {"AuthenticationError", "AuthorizationError", "TopicNotFound", "ConsumerBusy", "Timeout"} <= names
    with closing(opened(port=free_port())) as connector, pytest.raises(TransientError, match="does not answer"):
        connector.check()


@cache
def lite() -> str:
    """Address of a pulsar-lite, or of the cluster in `HEADRACE_TEST_PULSAR_URL`."""
    if os.environ.get("HEADRACE_TEST_PULSAR_URL"):
        return needs("pulsar")
    found = importlib.util.find_spec("pulsar_lite")
    if found is None or found.origin is None:
        pytest.skip("pulsar-lite has no wheel for this machine; set HEADRACE_TEST_PULSAR_URL")
    port, place = free_port(), folder()
    (place / "pulsar-lite.toml").touch()
    started(
        [str(Path(found.origin).parent / "bin" / "pulsar-lite"), "--config", str(place / "pulsar-lite.toml"), "--addr",
         f"127.0.0.1:{port}", "--db-path", str(place / "db"), "--log-level", "error"], port,
    )  # fmt: skip
    return f"pulsar://127.0.0.1:{port}"


@with_driver
class TestPulsar(MessagesContract):
    connector_id = "pulsar"
    skip_reasons = {
        "test_the_same_effect_key_is_one_effect": "class C: deduplication is a setting of the cluster",
        "test_what_was_taken_and_not_acknowledged_comes_again": "the server of the tests gives nothing a second time",
    }

    @pytest.fixture
    def config(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        place, run = urlsplit(lite()), uuid4().hex[:8]
        monkeypatch.setattr(type(self), "target", f"contract_{run}")
        config = {"host": place.hostname, "port": place.port or 6650, "topics": [f"city_{run}"]}
        with closing(opened(**config, token="")) as connector:
            producer = connector._link().create_producer(f"city_{run}")
            for city in CITIES:
                producer.send(json.dumps(city).encode())
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "token": "s3cret-and-wrong"}

    def test_the_readme_has_an_example_that_runs(self, config: dict[str, Any]) -> None:
        """Overrides the shared rule: topics are named by run."""
        with closing(opened(**config, token="")) as connector:
            stream = connector.stream(config["topics"][0])
            assert [row["id"] for frame in connector.read(stream) for row in frame.to_dicts()] == [1, 2, 5]
