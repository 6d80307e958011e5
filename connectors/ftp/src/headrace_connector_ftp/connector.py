"""The work: the files kit on an FTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_ftp import FtpConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class FtpConnector(FilesConnector[FtpConfig]):
    """Files below one folder of a server."""

    def filesystem(self) -> AbstractFileSystem:
        """The server, with the connection's credentials."""
        from headrace_connector_ftp.filesystem import FtpFileSystem

        return FtpFileSystem(self.config)

    def root(self) -> str:
        """The folder."""
        return f"/{self.config.folder.strip('/')}"
