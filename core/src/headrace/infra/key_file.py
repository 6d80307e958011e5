"""Master keys in a file, read again when it changes: keys come, go and rotate without a restart."""

from __future__ import annotations

import time
from pathlib import Path

from headrace.infra.crypto import master_key_bytes
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError

EVERY_S = 1.0


class KeyFile:
    """Keys separated by lines or commas, the first wraps; a line may be a comment (`#`).

    While the file is missing or unfit, what was read before stays; `problem` says why.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: tuple[Secret, ...] = ()
        self._seen: tuple[int, int, int] | None = None
        self._looked = float("-inf")
        self.problem = ""

    def __call__(self, missing: bool = False) -> tuple[Secret, ...]:
        """The keys of now; with `missing` without waiting for the next look."""
        at = time.monotonic()
        if missing or at - self._looked >= EVERY_S:
            self._looked = at
            self._read()
        return self._keys

    def _read(self) -> None:
        try:
            facts = self._path.stat()
            seen = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
            if seen == self._seen:
                return
            keys = tuple(Secret(text) for text in _texts(self._path.read_text(encoding="utf-8")))
            for key in keys:
                master_key_bytes(key)
        except (OSError, UnicodeDecodeError) as error:
            self.problem = f"the file of master keys {self._path} cannot be read ({type(error).__name__})"
        except ConfigError as error:
            self.problem = f"the file of master keys {self._path}: {error.message}"
        else:
            self._seen, self.problem = seen, ""
            self._keys = keys or self._keys


def _texts(text: str) -> list[str]:
    lines = (line.partition("#")[0] for line in text.splitlines())
    return [part.strip() for line in lines for part in line.split(",") if part.strip()]
