"""The work: ranges and transactions of the JSON gateway."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headrace.kits.records.connector import After
from headrace.kits.records.frames import Record
from headrace.kits.records.keyed import KeyedConnector
from headrace.kits.records.messages import fields_of
from headrace.kits.records.rest import JsonConnector
from headrace.sdk import Column, DataType

from headrace_connector_etcd import EtcdConfig

PAGE = 500
TOGETHER = 100
"""Operations of a transaction; the server's own limit is 128."""


class EtcdConnector(JsonConnector[EtcdConfig], KeyedConnector[EtcdConfig]):
    """One cluster, by one of its members."""

    service = "etcd"
    mark = "/"
    facts = (*KeyedConnector.facts, Column("_revision", DataType.INTEGER, nullable=False, bits=64))
    _token = ""

    def credentials(self) -> dict[str, str]:
        """The token of a login."""
        return {"Authorization": self._token} if self._token else {}

    def _ask(self, path: str, data: Any) -> Any:
        if self.config.user and not self._token:
            login = {"name": self.config.user, "password": self.config.password.reveal()}
            self._token = self.call("POST", "v3/auth/authenticate", data=login)["token"]
        return self.call("POST", f"v3/{path}", data=data)

    def ping(self) -> None:
        """Read a key that need not be there."""
        self._ask("kv/range", {"key": _sent("headrace"), "count_only": True})

    def _pages(self, prefix: str, *, keys_only: bool) -> Iterator[dict[str, Any]]:
        """Pairs of one revision, in the order of their keys."""
        start, end, revision = prefix.encode() or b"\0", _after(prefix.encode()), "0"
        more = True
        while more:
            answer = self._ask("kv/range", {
                "key": b64encode(start).decode(), "range_end": b64encode(end).decode(), "limit": PAGE,
                "revision": revision, "keys_only": keys_only,
            })  # fmt: skip
            revision, pairs, more = answer["header"]["revision"], answer.get("kvs", ()), answer.get("more", False)
            yield from pairs
            start = b64decode(pairs[-1]["key"]) + b"\0" if pairs else start

    def keys(self, prefix: str) -> Iterable[str]:
        """Keys of one revision."""
        return (_text(pair["key"]) for pair in self._pages(prefix, keys_only=True))

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Keys with their values, of one revision."""
        for pair in self._pages(f"{name}/", keys_only=False):
            fields = fields_of(b64decode(pair.get("value", "")))
            yield {**fields, "_key": _text(pair["key"]), "_revision": int(pair["mod_revision"])}

    def values(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """A transaction of reads for each group."""
        found: dict[str, bytes] = {}
        for group in _groups(keys):
            answer = self._ask("kv/txn", {"success": [{"requestRange": {"key": _sent(key)}} for key in group]})
            for one in answer.get("responses", ()):
                for pair in one.get("response_range", {}).get("kvs", ()):
                    found[_text(pair["key"])] = b64decode(pair.get("value", ""))
        return found

    def put(self, values: Mapping[str, bytes]) -> None:
        """A transaction of writes for each group."""
        for group in _groups(list(values)):
            puts = [{"requestPut": {"key": _sent(key), "value": b64encode(values[key]).decode()}} for key in group]
            self._ask("kv/txn", {"success": puts})

    def remove(self, keys: Sequence[str]) -> None:
        """A transaction of deletes for each group."""
        for group in _groups(keys):
            self._ask("kv/txn", {"success": [{"requestDeleteRange": {"key": _sent(key)}} for key in group]})

    def hang_up(self) -> None:
        """Close the link; the token is asked for again."""
        self._token = ""
        super().hang_up()


def _groups(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    yield from (keys[start : start + TOGETHER] for start in range(0, len(keys), TOGETHER))


def _sent(key: str) -> str:
    return b64encode(key.encode()).decode()


def _text(key: str) -> str:
    return b64decode(key).decode(errors="backslashreplace")


def _after(prefix: bytes) -> bytes:
    """The first key after all that begin with a prefix."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\0"
