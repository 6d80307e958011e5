"""Object stores: buckets of keys. A store brings its pages of keys and how an object is put."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headrace.kits.files.http_fs import PART_BYTES, HttpFileSystem, header_facts

Page = tuple[list[dict[str, Any]], list[str]]
"""Files (`name` the key, `size`, `mtime`, `etag`) and prefixes."""


class ObjectFileSystem(HttpFileSystem):
    """Paths are `bucket/key`."""

    objects = True

    @abstractmethod
    def pages(self, bucket: str, prefix: str, *, deep: bool, limit: int = 1_000) -> Iterator[Page]:
        """Objects whose key begins with `prefix`; up to the next `/` unless `deep`."""

    @abstractmethod
    def put_parts(self, path: str, part: Path, size: int) -> None:
        """Put a large file in parts; it shows when the last one is there."""

    def put_bytes(self, path: str, body: bytes) -> None:
        """Put a small file."""
        self.call("PUT", self.url(path), body=body)

    def probe(self, path: str) -> None:
        """One cheap request that lists."""
        bucket, _, prefix = path.strip("/").partition("/")
        next(self.pages(bucket, prefix and f"{prefix}/", deep=False, limit=1), None)

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """Files and folders right below."""
        bucket, _, key = path.strip("/").partition("/")
        found = []
        for files, prefixes in self.pages(bucket, key and f"{key.rstrip('/')}/", deep=False):
            found += [{**facts, "name": f"{bucket}/{facts['name']}", "type": "file"} for facts in files]
            found += [{"name": f"{bucket}/{name.rstrip('/')}", "type": "directory", "size": 0} for name in prefixes]
        return found if detail else [facts["name"] for facts in found]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """All files below, by pages of keys rather than folder by folder."""
        bucket, _, key = path.strip("/").partition("/")
        start = key and f"{key.rstrip('/')}/"
        found = {}
        for files, _ in self.pages(bucket, start, deep=maxdepth != 1):
            for facts in files:
                name = facts["name"]
                if not name.endswith("/") and (maxdepth is None or name[len(start) :].count("/") < maxdepth):
                    found[f"{bucket}/{name}"] = {**facts, "name": f"{bucket}/{name}", "type": "file"}
        return found if detail else sorted(found)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Facts of one object; a folder is what has keys below it."""
        bucket, _, key = path.strip("/").partition("/")
        try:
            return self.head(path)
        except FileNotFoundError:
            files, prefixes = next(self.pages(bucket, f"{key}/", deep=False, limit=1), ([], []))
            if not files and not prefixes:
                raise
            return {"name": path, "type": "directory", "size": 0}

    def head(self, path: str) -> dict[str, Any]:
        """Facts of one object."""
        return header_facts(path, self.call("HEAD", self.url(path)))

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        """Put a file of this machine."""
        part = Path(lpath)
        size = part.stat().st_size
        if size <= PART_BYTES:
            self.put_bytes(rpath, part.read_bytes())
        else:
            self.put_parts(rpath, part, size)

    def rm_file(self, path: str) -> None:
        """Delete an object."""
        self.call("DELETE", self.url(path))
