"""The work: the files kit on WebHDFS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_hdfs import HdfsConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class HdfsConnector(FilesConnector[HdfsConfig]):
    """Files below one folder of a cluster."""

    def filesystem(self) -> AbstractFileSystem:
        """The cluster, as the connection's user."""
        from headrace_connector_hdfs.filesystem import HdfsFileSystem

        config = self.config
        return HdfsFileSystem(config.url, config.user, config.password.reveal(), config.token.reveal())

    def root(self) -> str:
        """The folder."""
        return self.config.folder
