"""Object store over fsspec: whole objects, written atomically, under a prefix per organization."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import fsspec

from headrace.sdk.errors import ConfigError, NotFound, TransientError

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=-]{0,199}(/[A-Za-z0-9_][A-Za-z0-9._=-]{0,199}){0,15}")


class Store:
    """Objects of all organizations under one URL. Synchronous; call it in a thread from async code.

    Args:
        url: An fsspec URL, e.g. `file:///var/lib/headrace/objects` or `s3://bucket/prefix`.
        **options: For the file system, e.g. `key` and `secret`.
    """

    def __init__(self, url: str, **options: Any) -> None:
        try:
            self._fs, root = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"the storage URL with scheme '{url.partition(':')[0]}' cannot be used; is its package installed?",
                detail=str(error),
            ) from None
        self._root = root.rstrip("/")
        self.url = url
        self._local = "file" in self._fs.protocol or self._fs.protocol == "file"

    def path(self, organization_id: UUID, key: str) -> str:
        """Full path of an object, for engines that read and write themselves; with `url_of` for a URL.

        Raises:
            ConfigError: a key that could leave the organization's prefix.
        """
        if not _KEY.fullmatch(key):
            raise ConfigError(f"the object key {key[:80]!r} is not allowed; use letters, digits, . _ = - and /")
        return f"{self._root}/{organization_id}/{key}"

    def url_of(self, organization_id: UUID, key: str) -> str:
        """URL of an object, for Polars and DuckDB."""
        path = self.path(organization_id, key)
        return path if self._local else str(self._fs.unstrip_protocol(path))

    def put(self, organization_id: UUID, key: str, content: bytes) -> None:
        """Write an object: readers see the old or the new one, never half."""
        with self.writer(organization_id, key) as out:
            out.write(content)

    def get(self, organization_id: UUID, key: str) -> bytes:
        """Read an object.

        Raises:
            NotFound: there is none.
        """
        with self.open(organization_id, key) as file:
            return file.read()

    @contextmanager
    def open(self, organization_id: UUID, key: str) -> Iterator[IO[bytes]]:
        """Read an object as a file.

        Raises:
            NotFound: there is none.
        """
        path = self.path(organization_id, key)
        try:
            file = self._fs.open(path, "rb")
        except FileNotFoundError:
            raise NotFound("there is no such object; it may have been removed by retention", key=key) from None
        with file:
            yield file

    @contextmanager
    def writer(self, organization_id: UUID, key: str) -> Iterator[IO[bytes]]:
        """Write an object as a file; it appears at the end of the block, and not at all after an error."""
        path = self.path(organization_id, key)
        folder, _, name = path.rpartition("/")
        staged = f"{folder}/.{name}.{secrets.token_hex(6)}"
        try:
            if self._local:
                self._fs.makedirs(folder, exist_ok=True)
                with Path(staged).open("xb") as out:
                    yield out
                    out.flush()
                    os.fsync(out.fileno())
                Path(staged).replace(path)
            else:
                out = self._fs.open(path, "wb", autocommit=False)
                try:
                    yield out
                except BaseException:
                    out.discard()
                    raise
                out.close()
                out.commit()
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise TransientError(
                    "the disk of the object store is full; free some space and try again", detail=str(error)
                ) from None
            raise
        finally:
            if self._local:
                Path(staged).unlink(missing_ok=True)

    def exists(self, organization_id: UUID, key: str) -> bool:
        """Whether there is such an object."""
        return bool(self._fs.exists(self.path(organization_id, key)))

    def size_bytes(self, organization_id: UUID, key: str) -> int:
        """Size of an object."""
        try:
            return int(self._fs.size(self.path(organization_id, key)))
        except FileNotFoundError:
            raise NotFound("there is no such object; it may have been removed by retention", key=key) from None

    def delete(self, organization_id: UUID, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self.path(organization_id, key))

    def delete_under(self, organization_id: UUID, key: str) -> None:
        """Remove every object whose key begins with `key/`."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm(self.path(organization_id, key), recursive=True)

    def folders(self, organization_id: UUID, key: str) -> list[str]:
        """Names of the folders directly under `key`, sorted."""
        try:
            found = self._fs.ls(self.path(organization_id, key), detail=True)
        except FileNotFoundError:
            return []
        return sorted(one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory")

    def list(self, organization_id: UUID, key: str = "") -> list[str]:
        """Keys of the objects under `key`, sorted."""
        base = f"{self._root}/{organization_id}"
        folder = self.path(organization_id, key) if key else base
        try:
            found = self._fs.find(folder)
        except FileNotFoundError:
            return []
        keys = (path[path.index(str(organization_id)) + 37 :] for path in found)
        return sorted(key for key in keys if not key.rpartition("/")[2].startswith("."))

    def ping(self) -> None:
        """Ask the store for something cheap; raises when it does not answer."""
        if self._local:
            self._fs.makedirs(self._root, exist_ok=True)
        self._fs.exists(self._root)
