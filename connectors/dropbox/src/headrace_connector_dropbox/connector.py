"""The work: the files kit on a Dropbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector

from headrace_connector_dropbox import DropboxConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from headrace.kits.http.auth import SignIn


class DropboxConnector(FilesConnector[DropboxConfig]):
    """Files below one folder."""

    def filesystem(self) -> AbstractFileSystem:
        """The Dropbox, as who connected it or by a refresh token."""
        from headrace_connector_dropbox.filesystem import DropboxFileSystem

        config = self.config
        return DropboxFileSystem(config.endpoint, config.content_endpoint, self._sign_in(), config.namespace)

    def _sign_in(self) -> SignIn:
        from headrace.kits.http.auth import SignIn, by_person
        from headrace.kits.http.parts import OAuth2
        from headrace.sdk.egress_http import EgressClient

        if self.config.auth == "oauth2_code":
            return by_person(self.config, lambda: self.host)
        return SignIn(OAuth2(grant="refresh_token", client_auth="form"), self.config, EgressClient())

    def root(self) -> str:
        """The folder."""
        return f"/{self.config.folder.strip('/')}"
