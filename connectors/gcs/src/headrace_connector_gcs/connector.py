"""The work: the files kit on a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_gcs import GcsConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class GcsConnector(FilesConnector[GcsConfig]):
    """Objects of one bucket, below a prefix."""

    def filesystem(self) -> AbstractFileSystem:
        """The store, as the connection's service account."""
        from headrace_connector_gcs.filesystem import GcsFileSystem

        return GcsFileSystem(self.config.endpoint, self.config.private_key.reveal())

    def root(self) -> str:
        """Bucket and prefix."""
        return f"{self.config.bucket}/{self.config.prefix}".strip("/")
