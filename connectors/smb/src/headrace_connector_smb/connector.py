"""The work: the files kit on a Windows share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_smb import SmbConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class SmbConnector(FilesConnector[SmbConfig]):
    """Files below one folder of a server."""

    def filesystem(self) -> AbstractFileSystem:
        """The server, with the connection's credentials."""
        from headrace_connector_smb.filesystem import SmbFileSystem

        return SmbFileSystem(self.config)

    def root(self) -> str:
        """The folder."""
        return self.config.folder.strip("/")
