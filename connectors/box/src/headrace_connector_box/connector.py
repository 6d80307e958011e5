"""The work: the files kit on a Box account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_box import BoxConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from headrace.kits.http.auth import SignIn


class BoxConnector(FilesConnector[BoxConfig]):
    """Files below one folder."""

    def filesystem(self) -> AbstractFileSystem:
        """The account of who connected it, or of an app."""
        from headrace_connector_box.filesystem import BoxFileSystem

        config = self.config
        return BoxFileSystem(config.endpoint, config.upload_endpoint, self._sign_in(), config.folder)

    def _sign_in(self) -> SignIn:
        from headrace.kits.http.auth import by_person

        from headrace_connector_box.app import AppSignIn

        return (
            by_person(self.config, lambda: self.host) if self.config.auth == "oauth2_code" else AppSignIn(self.config)
        )

    def root(self) -> str:
        """The folder itself."""
        return "/"
