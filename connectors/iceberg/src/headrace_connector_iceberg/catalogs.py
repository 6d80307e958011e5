"""Catalogues: a file of SQLite beside the tables, or a server with the REST interface of Iceberg."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from headrace.sdk.egress_requests import egress_session
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.rest.auth import AuthManagerAdapter
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import FileIO
from pyiceberg.typedef import EMPTY_DICT, Properties

from headrace_connector_iceberg.stores import STORE, BucketIO, BucketStore, FolderStore

if TYPE_CHECKING:
    from headrace_connector_iceberg import IcebergConfig

_SAID = ("prefix", "warehouse", "namespace-separator", "default-base-location")
"""What a server may say of itself. Classes to load, keys, endpoints of stores and ways to sign are the connection's."""


class FileCatalog(SqlCatalog):
    """A catalogue in a file, whose tables are opened by the connection's store."""

    def __init__(self, named: str, file: Path, store: FolderStore | BucketStore) -> None:
        self._store = store
        own: dict[str, Any] = {}
        if isinstance(store, BucketStore):
            own = {"py-io-impl": f"{BucketIO.__module__}.{BucketIO.__name__}", STORE: store}
        at = sa.URL.create("sqlite", database=str(file)).render_as_string()
        super().__init__(named, uri=at, warehouse=store.warehouse, **own)

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        """Not what the properties of a table name."""
        return self._store.io


class ServerCatalog(RestCatalog):
    """A catalogue of a server; every request passes the egress door."""

    def __init__(self, config: IcebergConfig, store: FolderStore | BucketStore) -> None:
        self._store = store
        own = {"uri": config.uri.rstrip("/")}
        if config.warehouse:
            own["warehouse"] = config.warehouse
        if config.token:
            own["token"] = config.token.reveal()
        elif config.client_id:
            own["credential"] = f"{config.client_id}:{config.client_secret.reveal()}"
            own["oauth2-server-uri"] = config.token_uri or f"{own['uri']}/v1/oauth/tokens"
            own["scope"] = config.scope
        self._own = own
        super().__init__(config.catalog, **own)

    def _create_session(self) -> Any:
        session = egress_session()
        self._config_headers(session)
        session.headers.pop("X-Iceberg-Access-Delegation")  # the keys are the connection's
        self._auth_manager = self._create_legacy_oauth2_auth_manager(session)
        session.auth = AuthManagerAdapter(self._auth_manager)
        return session

    def _fetch_config(self) -> None:
        super()._fetch_config()
        self.properties = {**{name: self.properties[name] for name in _SAID if name in self.properties}, **self._own}
        self.uri = self._own["uri"]

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        """Not what the server or the properties of a table name."""
        return self._store.io
