"""The work, where OpenSearch differs from others of its family: points in time, and what tells documents apart."""

from __future__ import annotations

from headrace.kits.records.rest import path_of
from headrace.kits.records.search import KEEP, SearchConnector

from headrace_connector_opensearch import OpensearchConfig

_POINT = "_search/point_in_time"
_SHARD_DOC = (3, 3)
"""Servers before this version know no sort by place in a shard; theirs is by id, which takes memory there."""


class OpensearchConnector(SearchConnector[OpensearchConfig]):
    """One cluster, version 2.4 and later."""

    service = "OpenSearch"
    _tie = ""

    @property
    def tie(self) -> str:  # type: ignore[override]  # by the server's version
        """Sort that tells the documents of a point in time apart."""
        if not self._tie:
            number = self.call("GET", "").get("version", {}).get("number", "0")
            known = tuple(int(part) for part in number.split(".")[:2] if part.isdigit())
            self._tie = "_shard_doc" if known >= _SHARD_DOC else "_id"
        return self._tie

    def open_point(self, name: str) -> str:
        """Freeze an index; empty if there is none."""
        found = self.call("POST", f"{path_of(name)}/{_POINT}", params={"keep_alive": KEEP}, missing={})
        return str(found.get("pit_id", ""))

    def close_point(self, point: str) -> None:
        """Let go of it."""
        self.call("DELETE", _POINT, data={"pit_id": [point]}, missing=None)
