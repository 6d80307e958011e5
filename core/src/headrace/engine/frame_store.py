"""Frames of an execution in the object store, as local Parquet files while a segment works on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from headrace.engine.messages import FrameRef
from headrace.sdk.types import FrameFacts


class FrameStore:
    """Maps keys to local paths: directly for `file:` stores, through the scratch folder for others."""

    def __init__(self, storage_url: str, prefix: str, scratch: Path) -> None:
        parts = urlsplit(storage_url)
        self._root = Path(url2pathname(parts.path)) if parts.scheme == "file" else None
        self._url = storage_url.rstrip("/")
        self._prefix = prefix
        self._scratch = scratch

    def key(self, node_id: str, port: str, attempt: int) -> str:
        """Key of an output; attempts do not share keys, so a late one cannot overwrite what children read."""
        return f"{self._prefix}/{_safe(node_id)}.{_safe(port)}.{attempt}.parquet"

    def path(self, key: str) -> Path:
        """Where to write the frame of a key."""
        path = (self._root or self._scratch / "frames") / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def publish(self, key: str, facts: FrameFacts) -> FrameRef:
        """Make a written frame visible to others."""
        if self._root is None:
            self._remote().put_file(str(self.path(key)), f"{self._url}/{key}")
        return FrameRef(key=key, rows=facts.rows, bytes=facts.bytes, columns=facts.columns)

    def fetch(self, ref: FrameRef) -> Path:
        """Local path of a stored frame."""
        path = self.path(ref.key)
        if self._root is None and not path.exists():
            self._remote().get_file(f"{self._url}/{ref.key}", str(path))
        return path

    def exists(self, ref: FrameRef) -> bool:
        """Whether the frame is still stored."""
        if self._root is not None:
            return (self._root / ref.key).is_file()
        return bool(self._remote().exists(f"{self._url}/{ref.key}"))

    def remove(self, ref: FrameRef) -> None:
        """Remove a stored frame; one that is not there is fine."""
        if self._root is not None:
            (self._root / ref.key).unlink(missing_ok=True)
        elif self.exists(ref):
            self._remote().rm_file(f"{self._url}/{ref.key}")

    def _remote(self) -> Any:
        from fsspec.core import url_to_fs

        return url_to_fs(self._url)[0]


def _safe(name: str) -> str:
    """A node id as part of a file name."""
    return "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in name)
