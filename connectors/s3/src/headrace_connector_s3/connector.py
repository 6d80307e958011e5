"""The work: the files kit on a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_s3 import S3Config

if TYPE_CHECKING:
    from headrace.kits.files.s3_fs import S3FileSystem


class S3Connector(FilesConnector[S3Config]):
    """Objects of one bucket, below a prefix."""

    def choices(self, field: str) -> list[str]:
        """Buckets of the keys."""
        return self.filesystem().buckets()

    def filesystem(self) -> S3FileSystem:
        """The store, with the connection's keys and no others."""
        from headrace.kits.files.s3_fs import S3FileSystem

        return S3FileSystem.of(self.config)

    def root(self) -> str:
        """Bucket and prefix."""
        return f"{self.config.bucket}/{self.config.prefix}".strip("/")
