"""The work: the files kit on the libraries of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_sharepoint import SharepointConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class SharepointConnector(FilesConnector[SharepointConfig]):
    """Files below one site, library or folder."""

    def filesystem(self) -> AbstractFileSystem:
        """The site, as who connected it or as an app by itself."""
        from headrace.kits.files.graph_fs import graph_sign_in

        from headrace_connector_sharepoint.filesystem import SharepointFileSystem

        config = self.config
        sign_in = graph_sign_in(config, lambda: self.host)
        return SharepointFileSystem(config.endpoint, sign_in, site=config.site, library=config.library)

    def root(self) -> str:
        """The folder."""
        return f"/{self.config.folder.strip('/')}"
