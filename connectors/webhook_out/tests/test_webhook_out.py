"""The contract against a receiver that checks signatures as Standard Webhooks says; the README's flow."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stamina
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, Connector, DataError, TransientError, parse_config
from headrace.testing.connector import ConnectorContract
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply
from headrace.testing.no_streams import no_streams
from headrace.testing.readme_flow import execute_readme

KEY = b"thirty-two bytes of a secret key"
SECRET = f"whsec_{b64encode(KEY).decode()}"


class Receiver:
    """Takes each event once, if its signature is right and not old."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.status = 0

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "HEAD":
            return json_reply({}, 405)
        if self.status:
            return json_reply({"error": "not now"}, self.status)
        given = asked.headers
        text = f"{given.get('webhook-id')}.{given.get('webhook-timestamp')}.".encode() + asked.body
        wanted = b64encode(hmac.new(KEY, text, hashlib.sha256).digest()).decode()
        fresh = abs(time.time() - int(given.get("webhook-timestamp", 0))) < 300
        signed = [one.partition(",") for one in given.get("webhook-signature", "").split()]
        if not fresh or not any(version == "v1" and hmac.compare_digest(one, wanted) for version, _, one in signed):
            return json_reply({"error": "bad signature"}, 401)
        self.events.setdefault(given["webhook-id"], asked.json())
        return json_reply({}, 202)


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(receiver: Receiver) -> Iterator[HttpServer]:
    with http_server(receiver.answer) as running:
        yield running


class TestWebhookOut(ConnectorContract):
    connector_id = "webhook_out"
    action_inputs = {"send": {"type": "order.created", "data": {"number": 7, "text": "é😀"}}}
    skip_reasons = no_streams("nothing is read")

    @pytest.fixture
    def config(self, server: HttpServer) -> dict[str, Any]:
        return {"url": f"{server.url}/in", "secret": SECRET}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "secret": "whsec_no base64!"}

    def effects(self, connector: Connector[Any], action: str) -> int:
        return len(self.receiver.events)

    @pytest.fixture(autouse=True)
    def _takes(self, receiver: Receiver) -> None:
        self.receiver = receiver


@pytest.fixture
def opened(server: HttpServer) -> Iterator[Any]:
    entry = load_plugins(only=["connector-webhook_out"], strict=True).registry.connector("webhook_out")
    with closing(entry.open({"url": server.url, "secret": SECRET})) as made:
        yield made


def send(connector: Any) -> Any:
    entry = load_plugins(only=["connector-webhook_out"], strict=True).registry.connector("webhook_out")
    return connector.act("send", parse_config(entry.manifest.actions[0].input, {"type": "t", "data": [1]}), key="k")


@pytest.mark.parametrize(
    ("status", "kind", "asked"),
    [(503, TransientError, 3), (429, TransientError, 3), (422, DataError, 1), (401, AuthError, 1)],
)
def test_what_the_other_side_says_is_what_happens(
    status: int, kind: type[Exception], asked: int, opened: Any, receiver: Receiver, server: HttpServer
) -> None:
    receiver.status = status
    with pytest.raises(kind, match=f"{status}: not now"):
        send(opened)
    assert len(server.asked) == asked
    receiver.status = 0
    assert send(opened).status == 202
    assert [event["data"] for event in receiver.events.values()] == [[1]]


def test_a_secret_that_is_no_base64_is_told(server: HttpServer) -> None:
    entry = load_plugins(only=["connector-webhook_out"], strict=True).registry.connector("webhook_out")
    with (
        closing(entry.open({"url": server.url, "secret": "whsec_%%%"})) as made,
        pytest.raises(ConfigError, match="whsec_"),
    ):
        made.check()


def test_the_readme_s_flow(
    server: HttpServer, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    (tmp_path / "orders.csv").write_text("order\n17\n18\n")
    links = {
        "Files": ("local_files", {"root": str(tmp_path)}),
        "Shop": ("webhook_out", {"url": server.url, "secret": SECRET}),
    }
    done = execute_readme(Path(__file__).parents[1], links)
    assert done["tell"].outputs["out"].rows == 2
    assert [json.dumps(event["data"]) for event in receiver.events.values()] == ["17", "18"]
