"""The work: the files kit on a web server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.kits.files.connector import FilesConnector
from headrace.kits.files.http_fs import Body, HttpFileSystem, basic_or_bearer, header_facts
from headrace.kits.files.paths import clean
from headrace.sdk import Connector

from headrace_connector_http_files import HttpFilesConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class HttpFilesConnector(FilesConnector[HttpFilesConfig]):
    """Files below one address."""

    write = Connector.write  # read only

    def filesystem(self) -> AbstractFileSystem:
        """The folder, with the connection's credentials; its redirects pass the door's rules."""
        config = self.config
        sent = basic_or_bearer(config.user, config.password.reveal(), config.token.reveal())
        return WebFileSystem(config.url, [clean(path) for path in config.paths], sent)

    def root(self) -> str:
        """The folder itself."""
        return "/"


class WebFileSystem(HttpFileSystem):
    """Files by their addresses; those that are listed are what the user has named."""

    def __init__(self, base_url: str, paths: list[str], credentials: Mapping[str, str]) -> None:
        super().__init__(base_url)
        self._paths, self._credentials = paths, dict(credentials)

    def sign(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> dict[str, str]:
        """The credentials; other origins do not see them."""
        return self._credentials

    def probe(self, path: str) -> None:
        """Ask for the first file, else for the folder."""
        self.info(self._paths[0] if self._paths else path)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Facts of a file, from the headers of an answer without body."""
        if not path.strip("/"):
            return {"name": "/", "type": "directory", "size": 0}
        answer = self.call("HEAD", self.url(path))
        self.ranged = answer.headers.get("accept-ranges") == "bytes" and "content-length" in answer.headers
        return header_facts("/" + path.strip("/"), answer)

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """The files that the user has named."""
        start = path.strip("/")
        names = [name for name in self._paths if not start or name.startswith(f"{start}/")]
        found = {f"/{name}": self.info(name) for name in names}
        return found if detail else sorted(found)
