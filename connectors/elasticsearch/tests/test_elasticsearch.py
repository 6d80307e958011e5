"""The contract, against a server that speaks Elasticsearch's API; signing in and refusals, against one of the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, TransientError
from headrace.testing.certificates import certificate
from headrace.testing.counterparts import elasticsearch
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply
from headrace.testing.search import SearchContract


class TestElasticsearch(SearchContract):
    connector_id = "elasticsearch"

    @staticmethod
    def port() -> int:
        return elasticsearch()


class Cluster:
    """Takes one API key; has room for a document at the third try."""

    def __init__(self) -> None:
        self.tries = 0
        self.said: list[Asked] = []

    def answer(self, asked: Asked) -> Reply:
        self.said.append(asked)
        if asked.headers.get("authorization") not in {"ApiKey a2V5", "Basic YW5uOnJpZ2h0"}:
            return json_reply({"error": {"type": "security_exception", "reason": "missing credentials"}}, 401)
        if asked.path == "/_resolve/index/%2A" or asked.path.startswith("/_resolve"):
            return json_reply({"indices": [], "aliases": [], "data_streams": []})
        if asked.path.endswith("/_bulk"):
            self.tries += 1
            full = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}
            done = {"status": 201, "result": "created"}
            count = asked.body.count(b'"create"')
            items = [{"create": {"_id": "x", **(full if n or self.tries < 3 else done)}} for n in range(count)]
            items = [{"create": {"_id": "x", **done}}] if self.tries == 3 else items
            return json_reply({"errors": True, "items": items})
        if asked.path == "/busy/_pit":
            return json_reply(
                {"error": {"type": "circuit_breaking_exception", "reason": "too large"}}, 429, Retry_After="7"
            )
        return json_reply({"t": {"mappings": {"properties": {}}, "aliases": {}}})


@pytest.fixture
def cluster() -> Iterator[tuple[Cluster, HttpServer]]:
    made = Cluster()
    with http_server(made.answer) as server:
        yield made, server


def opened(server: HttpServer, **more: Any) -> Any:
    entry = load_plugins(only=["connector-elasticsearch"], strict=True).registry.connector("elasticsearch")
    return entry.open({"host": server.host, "port": server.port, **more})


def test_signs_in_with_a_key_or_a_user(cluster: tuple[Cluster, HttpServer]) -> None:
    for login in ({"api_key": "a2V5"}, {"user": "ann", "password": "right"}):
        with closing(opened(cluster[1], **login)) as connector:
            connector.check()
    for login in ({"api_key": "wr0ng"}, {"user": "ann", "password": "wr0ng"}, {}):
        with closing(opened(cluster[1], **login)) as connector, pytest.raises(AuthError) as caught:
            connector.check()
        assert "wr0ng" not in caught.value.message


def test_documents_without_room_are_sent_again(
    cluster: tuple[Cluster, HttpServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.kits.records.search_bulk.AGAIN_S", (0.0, 0.0, 0.0))
    with closing(opened(cluster[1], api_key="a2V5")) as connector:
        assert connector.write("t", iter([pl.DataFrame({"n": [1]})])).written == 1
        assert cluster[0].tries == 3
        cluster[0].tries = -9
        with pytest.raises(TransientError, match="no room for 1 documents"):
            connector.write("t", iter([pl.DataFrame({"n": [1]})]))


def test_a_busy_server_says_when_to_come_back(cluster: tuple[Cluster, HttpServer]) -> None:
    with closing(opened(cluster[1], api_key="a2V5")) as connector, pytest.raises(TransientError) as caught:
        connector.stream("busy")
    assert caught.value.retry_after_s == 7


def test_a_private_authority_is_trusted_if_it_is_given(tmp_path: Path) -> None:
    """As clusters sign their own certificates; without it nothing is sent."""
    context, authority = certificate(tmp_path)
    made = Cluster()
    with http_server(made.answer, context=context) as server:
        given = {"tls": True, "api_key": "a2V5"}
        with closing(opened(server, **given)) as connector, pytest.raises(TransientError):
            connector.check()
        assert not made.said
        with closing(opened(server, **given, authority=authority)) as connector:
            connector.check()
        wrong = opened(server, **given, authority="none")
        with closing(wrong), pytest.raises(ConfigError, match="no PEM text"):
            wrong.check()
