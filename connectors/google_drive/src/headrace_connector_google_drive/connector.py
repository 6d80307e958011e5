"""The work: the files kit on a drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_google_drive import SCOPE, GoogleDriveConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from headrace.kits.http.auth import SignIn


class GoogleDriveConnector(FilesConnector[GoogleDriveConfig]):
    """Files below one folder of one drive."""

    def filesystem(self) -> AbstractFileSystem:
        """The drive, as who connected it or as a service account."""
        from headrace_connector_google_drive.filesystem import GoogleDriveFileSystem

        config = self.config
        return GoogleDriveFileSystem(config.endpoint, self._sign_in(), drive=config.drive, folder=config.folder)

    def _sign_in(self) -> SignIn:
        from headrace.kits.http.auth import by_person
        from headrace.kits.http.google import ServiceAccount

        config = self.config
        if config.auth == "oauth2_code":
            return by_person(config, lambda: self.host)
        return ServiceAccount(config, "private_key", SCOPE, token_url=config.token_url, subject=config.user)

    def root(self) -> str:
        """The folder itself."""
        return "/"
