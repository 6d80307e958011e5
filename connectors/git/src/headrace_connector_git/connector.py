"""The work: the files kit on a copy of one commit's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.kits.files.connector import FilesConnector
from headrace.sdk import Connector

from headrace_connector_git import GitConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class GitConnector(FilesConnector[GitConfig]):
    """Files of one commit."""

    write = Connector.write  # read only

    def check(self) -> None:
        """The repository answers and has the ref; nothing is copied."""
        from headrace_connector_git.repository import found

        found(self.config)

    def filesystem(self) -> AbstractFileSystem:
        """A copy of the files as the ref is now, kept until `close`."""
        from headrace.kits.files.local import FolderFileSystem

        from headrace_connector_git.repository import checked_out

        folder = self.scratch() / "files"
        if not folder.exists():
            checked_out(self.config, folder)
        return FolderFileSystem(folder)

    def root(self) -> str:
        """The copy."""
        return str(self.scratch().resolve() / "files")
