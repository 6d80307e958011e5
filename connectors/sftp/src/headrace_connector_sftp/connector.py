"""The work: the files kit on an SFTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_sftp import SftpConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class SftpConnector(FilesConnector[SftpConfig]):
    """Files below one folder of a server."""

    @property
    def broken(self) -> tuple[type[Exception], ...]:
        """Paramiko's own."""
        from paramiko import SSHException

        return (SSHException,)

    def filesystem(self) -> AbstractFileSystem:
        """The server, with the connection's credentials."""
        from headrace_connector_sftp.filesystem import SftpFileSystem

        return SftpFileSystem(self.config)

    def root(self) -> str:
        """The folder."""
        return self.config.folder
