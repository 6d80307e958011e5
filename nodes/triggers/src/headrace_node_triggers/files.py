"""Files that arrive or change: their marks are the place, so that neither clocks nor old times of files matter."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from headrace.sdk import ConfigError, Event, FileFacts, Received, SourceContext, SourceTrigger

from headrace_node_triggers.configs import FileConfig

MARK_BYTES = 8
FILES_MAX = 50_000
"""Files of one trigger. What it knows is their marks, 8 bytes each, of those that are still there."""
EVENTS_MAX = 200


class Files(SourceTrigger[FileConfig]):
    """Lists files. One is new when its mark is not known, and is taken once it stays as it is for a while.

    What a look finds is given in parts; the folder is listed again only after the last one.
    """

    def __init__(self, config: FileConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._settling: dict[bytes, float] = {}
        self._there: dict[bytes, FileFacts] = {}
        self._ready: list[bytes] = []

    @property
    def every_s(self) -> float:
        """As the config says; sooner while a file settles."""
        every = self.config.every_seconds
        return max(1.0, min(every, self.config.settle_seconds)) if self._settling else every

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """New files, those that were changed first before the others.

        Raises:
            ConfigError: the folder does not exist, or holds too many files.
        """
        known = _marks(cursor)
        if not self._ready:
            self._there = {self._mark(facts): facts for facts in self._listed(ctx)}
            if not cursor and self.config.first == "new":
                return Received(cursor=_place(self._there))
            self._ready = self._settled({mark: facts for mark, facts in self._there.items() if mark not in known})
        most = EVENTS_MAX if self.config.start == "file" else self.config.batch_files
        taken, self._ready = self._ready[:most], self._ready[most:]
        events = _events([self._there[mark] for mark in taken], batch=self.config.start == "batch")
        place = _place((known & self._there.keys()).union(taken))
        return Received(events=events, cursor=place, more=bool(self._ready))

    def _listed(self, ctx: SourceContext) -> list[FileFacts]:
        found: list[FileFacts] = []
        for facts in ctx.connector(self.config.connection).files(self.config.path):
            found.append(facts)
            if len(found) > FILES_MAX:
                raise ConfigError(
                    f"'{self.config.path}' matches more than {FILES_MAX:,} files; narrow it, or move files away that "
                    "are done with",
                    field="path",
                )
        return found

    def _mark(self, facts: FileFacts) -> bytes:
        """What makes a file another one: its name, and with changes its size and time too."""
        return _state(facts) if self.config.changed else _hash(facts.path)

    def _settled(self, fresh: Mapping[bytes, FileFacts]) -> list[bytes]:
        """Marks of the files that have stayed as they are, by this process's own clock; the oldest change first."""
        now, before = time.monotonic(), self._settling
        since = {mark: (state := _state(facts), before.get(state, now)) for mark, facts in fresh.items()}
        ready = [mark for mark, (_, at) in since.items() if now - at >= self.config.settle_seconds]
        self._settling = {state: at for state, at in since.values() if now - at < self.config.settle_seconds}
        return sorted(ready, key=lambda mark: (fresh[mark].modified_at, fresh[mark].path))


def _events(files: Sequence[FileFacts], *, batch: bool) -> list[Event]:
    """One event for each file, or one for all. A file names its event by what it is, at whatever look it is found."""
    groups = [files] if batch and files else [[one] for one in files]
    return [Event(key=_hash(*(_state(one).hex() for one in group)).hex(), rows=[_row(one) for one in group])
            for group in groups]  # fmt: skip


def _row(facts: FileFacts) -> dict[str, Any]:
    path = facts.path.encode(errors="surrogateescape").decode(errors="replace")
    folder, _, name = path.rpartition("/")
    return {
        "path": path, "folder": folder, "name": name, "size_bytes": facts.size_bytes,
        "modified_at": facts.modified_at,
    }  # fmt: skip


def _state(facts: FileFacts) -> bytes:
    return _hash(facts.path, str(facts.size_bytes), facts.modified_at.isoformat())


def _hash(*parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(errors="surrogateescape"), digest_size=MARK_BYTES).digest()


def _place(marks: Iterable[bytes]) -> dict[str, Any]:
    return {"known": b64encode(b"".join(sorted(marks))).decode()}


def _marks(cursor: Mapping[str, Any]) -> set[bytes]:
    joined = b64decode(cursor.get("known", ""))
    return {joined[at : at + MARK_BYTES] for at in range(0, len(joined), MARK_BYTES)}
