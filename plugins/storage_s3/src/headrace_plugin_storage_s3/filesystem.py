"""Buckets as the object store opens them: by URL, from many threads, whole objects only."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from headrace.kits.files.s3_fs import S3FileSystem
from headrace.kits.http.signatures import Keys
from headrace.sdk.egress_http import Answer, EgressClient


class PerThread(EgressClient):
    """A client for each thread: one serves no two at once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._options, self._own = options, threading.local()

    def request(self, *args: Any, **kwargs: Any) -> Answer:
        """Send a request by the client of this thread."""
        if not hasattr(self._own, "client"):
            self._own.client = EgressClient(**self._options)
        answer: Answer = self._own.client.request(*args, **kwargs)
        return answer


class S3Storage(S3FileSystem):
    """A bucket with the keys of this process: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION.

    AWS_ENDPOINT_URL names another store than Amazon's; where that has a private address, HEADRACE_EGRESS_ALLOW lets it.
    """

    protocol = "s3"

    def __init__(self, **options: Any) -> None:
        told = os.environ.get
        region = str(options.get("region") or told("AWS_REGION") or told("AWS_DEFAULT_REGION") or "us-east-1")
        keys = Keys(
            str(options.get("key") or told("AWS_ACCESS_KEY_ID", "")),
            str(options.get("secret") or told("AWS_SECRET_ACCESS_KEY", "")),
            str(options.get("token") or told("AWS_SESSION_TOKEN", "")),
        )
        given = options.get("endpoint_url") or told("AWS_ENDPOINT_URL_S3") or told("AWS_ENDPOINT_URL")
        super().__init__(str(given or f"https://s3.{region}.amazonaws.com"), region, keys)
        self._calls = PerThread(deadline_s=300)
        self._loads = PerThread(deadline_s=4 * 3600, answer_bytes=2**50)

    def url(self, path: str) -> str:
        """The address of an object, which may be named with its protocol."""
        return super().url(str(self._strip_protocol(path)))

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Facts of one object."""
        return super().info(str(self._strip_protocol(path)), **kwargs)

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        return Staged(self, path) if mode == "wb" else super()._open(path, mode, **kwargs)


class Staged:
    """An object that is being written: beside, on this machine, until `commit`."""

    def __init__(self, storage: S3Storage, path: str) -> None:
        self._storage, self._path = storage, path
        self._file = tempfile.NamedTemporaryFile(prefix="headrace-", delete=False)  # noqa: SIM115 - until close
        self._part = Path(self._file.name)

    def write(self, content: bytes) -> int:
        """Take a piece."""
        return self._file.write(content)

    def close(self) -> None:
        """That was all."""
        self._file.close()

    def commit(self) -> None:
        """Put it: readers see the old or the new object, never a part."""
        try:
            self._storage.put_file(str(self._part), self._path)
        finally:
            self._part.unlink(missing_ok=True)

    def discard(self) -> None:
        """Let it go."""
        self._file.close()
        self._part.unlink(missing_ok=True)
