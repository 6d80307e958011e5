"""The work: the files kit on a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_azure_blob import AzureBlobConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class AzureBlobConnector(FilesConnector[AzureBlobConfig]):
    """Blobs of one container, below a prefix."""

    def filesystem(self) -> AbstractFileSystem:
        """The store, with the connection's key or token."""
        from headrace_connector_azure_blob.filesystem import AzureFileSystem

        config = self.config
        endpoint = config.endpoint or f"https://{config.account}.blob.core.windows.net"
        return AzureFileSystem(endpoint, config.account, config.account_key.reveal(), config.sas_token.reveal())

    def root(self) -> str:
        """Container and prefix."""
        return f"{self.config.container}/{self.config.prefix}".strip("/")
