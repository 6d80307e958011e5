"""The contract, against a server that speaks OpenSearch's API."""

from __future__ import annotations

from typing import Any

import pytest
from headrace.sdk import parse_config
from headrace.testing.counterparts import opensearch
from headrace.testing.search import SearchContract
from headrace_connector_opensearch import OpensearchConfig
from headrace_connector_opensearch.connector import OpensearchConnector


class TestOpensearch(SearchContract):
    connector_id = "opensearch"

    @staticmethod
    def port() -> int:
        return opensearch()


@pytest.mark.parametrize(
    ("number", "tie"), [("2.4.0", "_id"), ("3.2.1", "_id"), ("3.3.0", "_shard_doc"), ("10.0.0", "_shard_doc")]
)
def test_how_documents_are_told_apart_is_by_version(monkeypatch: pytest.MonkeyPatch, number: str, tie: str) -> None:
    def answered(*_: Any, **__: Any) -> Any:
        return {"version": {"number": number}}

    connector = OpensearchConnector(parse_config(OpensearchConfig, {"host": "127.0.0.1"}))
    monkeypatch.setattr(connector, "call", answered)
    assert connector.tie == tie
