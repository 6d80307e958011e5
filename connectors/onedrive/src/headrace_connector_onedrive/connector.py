"""The work: the files kit on a drive of Microsoft Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from headrace.kits.files.connector import FilesConnector
from headrace.sdk import ConfigError

from headrace_connector_onedrive import OnedriveConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class OnedriveConnector(FilesConnector[OnedriveConfig]):
    """Files below one folder."""

    def filesystem(self) -> AbstractFileSystem:
        """The drive of who connected it, or of the user that an app may see."""
        from headrace.kits.files.graph_fs import GraphFileSystem, graph_sign_in

        config = self.config
        if config.auth == "client_credentials" and not config.user:
            raise ConfigError("an app by itself has no OneDrive; enter whose it is", field="user")
        drive = f"users/{quote(config.user, safe='@')}/drive" if config.auth == "client_credentials" else "me/drive"
        return GraphFileSystem(config.endpoint, graph_sign_in(config, lambda: self.host), drive)

    def root(self) -> str:
        """The folder."""
        return f"/{self.config.folder.strip('/')}"
