"""Changes of a database: documents that were written or deleted after a place, each with its last state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.kits.records.rest import path_of
from headrace.sdk import ConfigError, Event, Received, SourceContext, SourceTrigger

from headrace_connector_couchdb import ChangesConfig
from headrace_connector_couchdb.connector import CouchdbConnector


class Changes(SourceTrigger[ChangesConfig]):
    """Looks for changes; the place is the server's own, and opaque."""

    @property
    def every_s(self) -> float:
        """As the config says."""
        return self.config.every_seconds

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next changes as one event.

        Raises:
            ConfigError: there is no such database.
            AuthError, TransientError: as the server answers.
        """
        connector = ctx.connector(self.config.connection)
        if not isinstance(connector, CouchdbConnector):
            raise ConfigError("changes are read from CouchDB; choose a connection to it", field="connection")
        if not cursor:
            since = "now" if self.config.first == "new" else "0"
            place = self._asked(connector, since=since, limit=1)["last_seq"] if since == "now" else 0
            return Received(cursor={"since": place}, more=True)
        most = self.config.batch_changes
        found = self._asked(connector, since=cursor["since"], limit=most, include_docs="true")
        rows = [_row(one) for one in found["results"] if not one["id"].startswith("_design/")]
        events = [Event(key=f"{self.config.database}:{cursor['since']}", rows=rows)] if rows else []
        return Received(events=events, cursor={"since": found["last_seq"]}, more=len(found["results"]) >= most)

    def _asked(self, connector: CouchdbConnector, **params: Any) -> Any:
        name = self.config.database
        with connector.told():
            found = connector.call("GET", f"{path_of(name)}/_changes", params=params, missing=None)
        if found is None:
            raise ConfigError(f"there is no database '{name}' in {connector.where}; correct its name", field="database")
        return found


def _row(change: Mapping[str, Any]) -> dict[str, Any]:
    gone = bool(change.get("deleted"))
    return {
        "operation": "delete" if gone else "write", "id": change["id"], "revision": change["changes"][0]["rev"],
        "position": str(change["seq"]), "document": None if gone else change.get("doc"),
    }  # fmt: skip
