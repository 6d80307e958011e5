"""The work: the files kit on a WebDAV folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_webdav import WebdavConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class WebdavConnector(FilesConnector[WebdavConfig]):
    """Files below one address."""

    def filesystem(self) -> AbstractFileSystem:
        """The folder, with the connection's credentials."""
        from headrace.kits.files.http_fs import basic_or_bearer

        from headrace_connector_webdav.filesystem import WebdavFileSystem

        config = self.config
        sent = basic_or_bearer(config.user, config.password.reveal(), config.token.reveal())
        return WebdavFileSystem(config.url, sent)

    def root(self) -> str:
        """The folder itself."""
        return "/"
