"""The work, where Elasticsearch differs from others of its family: points in time."""

from __future__ import annotations

from headrace.kits.records.rest import path_of
from headrace.kits.records.search import KEEP, SearchConnector

from headrace_connector_elasticsearch import ElasticsearchConfig


class ElasticsearchConnector(SearchConnector[ElasticsearchConfig]):
    """One cluster, version 7.12 and later."""

    service = "Elasticsearch"

    def open_point(self, name: str) -> str:
        """Freeze an index; empty if there is none."""
        found = self.call("POST", f"{path_of(name)}/_pit", params={"keep_alive": KEEP}, missing={})
        return str(found.get("id", ""))

    def close_point(self, point: str) -> None:
        """Let go of it."""
        self.call("DELETE", "_pit", data={"id": point}, missing=None)
