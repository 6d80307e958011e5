"""The work: the files kit on a folder of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.kits.files import listing, paths
from headrace.kits.files.connector import FilesConnector
from headrace.sdk import ConfigError, FileFacts, WriteResult

from headrace_connector_local_files import LocalFilesConfig

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class LocalFilesConnector(FilesConnector[LocalFilesConfig]):
    """Files below one folder of the worker."""

    def filesystem(self) -> AbstractFileSystem:
        """The folder; links do not lead out of it."""
        from headrace.kits.files.local import FolderFileSystem

        return FolderFileSystem(Path(self.root()))

    def root(self) -> str:
        """The folder."""
        return str(paths.resolve_root(self.config.root)[0])

    def fingerprint(self, stream: str, *, options: Any = None) -> str:
        """Path, size, times and inode of each file."""
        found = listing.matching(self.fs, self.root(), stream)
        return json.dumps([(entry.path, entry.size, entry.version) for entry in found])

    def files(self, pattern: str) -> Iterator[FileFacts]:
        """Files that a path or glob matches; the folder to look in must be there."""
        root = Path(self.root())
        folder = paths.clean(pattern).rpartition("/")[0]
        while listing.SIGNS.search(folder):
            folder = folder.rpartition("/")[0]
        if folder and not paths.inside(root, folder).is_dir():
            raise ConfigError(
                f"there is no folder '{folder}' in {root.name}; create it or correct the path", field="path"
            )
        return super().files(pattern)

    def write(self, name: str, *args: Any, **kwargs: Any) -> WriteResult:
        """Write into the folder, if it may be."""
        root, writable = paths.resolve_root(self.config.root)
        if not writable:
            raise ConfigError(
                "this folder belongs to a package and cannot be written; use another connection", field="connection"
            )
        paths.inside(root, name)
        return super().write(name, *args, **kwargs)
