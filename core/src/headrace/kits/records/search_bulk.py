"""Writing to search servers: which index, what each row becomes in bulk, and what the server says of each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any

import msgspec

from headrace.kits.records.connector import Given, Write, key_of
from headrace.kits.records.messages import bodies
from headrace.kits.records.rest import JsonConnector, path_of
from headrace.kits.records.search_schema import mapping_of
from headrace.kits.records.spool import Part
from headrace.sdk.connectors import Reject
from headrace.sdk.errors import AuthError, ConfigError, TransientError

BULK_BYTES = 5_000_000
DOCUMENT_BYTES = 50_000_000
ID_BYTES = 512
AGAIN_S = (0.2, 1.0, 3.0)
"""Pauses before documents that the server had no room for are sent again."""
MADE = "-headrace-"
"""In the names of indices that an overwrite fills; people see the alias that leads to them."""
_KEPT = ("number_of_shards", "number_of_replicas", "analysis", "refresh_interval", "mapping")
"""Settings that an overwrite takes over from the index before."""


def id_of(record: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The id of a record that is known by a key; a long key by its hash."""
    text = key_of(record, keys)
    return text if len(text.encode()) <= ID_BYTES else sha256(text.encode()).hexdigest()


class Index:
    """The index that a write goes to.

    Attributes:
        into: Its name; of an overwrite, the one that is filled beside.
        kept: Ids that came, of a merge that removes all others.
    """

    def __init__(
        self, server: JsonConnector[Any], write: Write, effect: str, first: Sequence[Mapping[str, Any]]
    ) -> None:
        self.server, self.name, self.first = server, write.name, first
        self.swaps = write.mode == "overwrite"
        self.into = f"{write.name}{MADE}{effect[:12]}" if self.swaps else write.name
        self.kept: set[str] = set()
        self._behind: dict[str, Any] = {}

    def prepare(self) -> None:
        """Make what is missing.

        Raises:
            ConfigError: it is something that cannot be overwritten.
        """
        call, at = self.server.call, path_of(self.name)
        self._behind = call("GET", at, missing={})
        if not self.swaps:
            if not self._behind:
                self._make({})
            return
        streams = call("GET", f"_resolve/index/{at}", missing={}).get("data_streams", ())
        if streams or len(self._behind) > 1:
            what = "a data stream" if streams else f"an alias of {len(self._behind)} indices"
            raise ConfigError(f"'{self.name}' is {what}, which cannot be overwritten; append to it", field="mode")
        made = call("GET", f"{path_of(self.name + MADE)}*", missing={})
        for left in made.keys() - {*self._behind, self.into}:
            call("DELETE", path_of(left), missing=None)  # of an overwrite that did not end
        if self.into not in made:
            self._make(self._like())

    def _like(self) -> dict[str, Any]:
        """Mapping and settings of the index that is there."""
        for found in self._behind.values():
            settings = found.get("settings", {}).get("index", {})
            kept = {key: settings[key] for key in _KEPT if key in settings}
            return {"mappings": found.get("mappings", {}), "settings": {"index": kept}}
        return {}

    def _make(self, body: dict[str, Any]) -> None:
        """Make the index; fields that neither a template nor the index before has are as the first rows have them."""
        at = path_of(self.into)
        try:
            self.server.call("PUT", at, data=body)
        except ConfigError as error:
            if error.details.get("status") != 400 or not self._there_or_stream(error):
                raise
            return
        (found,) = self.server.call("GET", f"{at}/_mapping").values()
        mapping = found.get("mappings", {})
        new = {name: kind for name, kind in mapping_of(self.first).items() if name not in mapping.get("properties", {})}
        if new and not mapping.keys() & {"dynamic", "dynamic_templates"}:  # there the server knows what to do
            self.server.call("PUT", f"{at}/_mapping", data={"properties": new})

    @staticmethod
    def _there_or_stream(error: ConfigError) -> bool:
        """Somebody was faster, or a template makes a data stream of that name with the first document."""
        return "already exists" in error.message or "data stream" in error.message

    def turn(self) -> None:
        """Let the name lead to what was filled, at once; what we had made before goes, what others made stays."""
        actions: list[Any] = [{"add": {"index": self.into, "alias": self.name}}]
        for old, said in self._behind.items():
            if old == self.into:
                continue
            ours = old == self.name or old.startswith(self.name + MADE)
            actions += [
                {"add": {**more, "index": self.into, "alias": alias}}
                for alias, more in said.get("aliases", {}).items() if alias != self.name and ours
            ]  # fmt: skip
            gone = {"remove_index": {"index": old}} if ours else {"remove": {"index": old, "alias": self.name}}
            actions.append(gone)
        self.server.call("POST", "_aliases", data={"actions": actions})


class Bulk:
    """Sends documents of a part and sorts out what became of each."""

    def __init__(self, server: JsonConnector[Any], index: Index, write: Write) -> None:
        self.server, self.index, self.write = server, index, write
        self._updated = self._deleted = 0

    def give(self, part: Part) -> Given:
        """Documents by their ids: again is once."""
        mark, keeps = self.write.mark, self.write.mode == "merge" and not self.write.mark
        marked = {n for n, record in enumerate(part.records) if mark and record.pop(mark, None) is True}
        made, rejects = bodies(part, DOCUMENT_BYTES)
        lines: dict[int, bytes] = {}
        for index, body in made.items():
            one, lines[index] = self._lines(part.records[index], part.ids[index], body, gone=index in marked)
            if keeps:
                self.index.kept.add(one)
        for group in _groups(lines):
            rejects += self._sent(part, {number: lines[number] for number in group})
        return Given(self._updated, rejects, self._deleted)

    def remove(self, ids: Iterable[str]) -> int:
        """Delete documents by their ids; how many there were."""
        found = iter(ids)
        while some := list(islice(found, 5_000)):
            body = b"".join(_line({"delete": {"_id": one}}) for one in some)
            for item in self._bulk(body):
                self._count(item)
        return self._deleted

    def _lines(self, record: Mapping[str, Any], own: str, body: bytes, *, gone: bool) -> tuple[str, bytes]:
        """The id of a record, and what is sent for it."""
        if self.write.keyed:
            one = id_of(record, self.write.keys)
            if gone:
                return one, _line({"delete": {"_id": one}})
            return one, _line({"update": {"_id": one}}) + b'{"doc":' + body + b',"doc_as_upsert":true}\n'
        given = record.get("_id")
        if given is not None:
            return str(given), _line({"index": {"_id": str(given)}}) + body + b"\n"
        return own, _line({"create": {"_id": own}}) + body + b"\n"

    def _sent(self, part: Part, lines: Mapping[int, bytes]) -> list[Reject]:
        left, rejects = list(lines), list[Reject]()
        for pause in (0.0, *AGAIN_S):
            time.sleep(pause)
            items = self._bulk(b"".join(lines[number] for number in left))
            again: list[int] = []
            for number, item in zip(left, items, strict=True):
                if item["status"] in {429, 503}:
                    again.append(number)
                elif reason := self._count(item):
                    rejects.append(part.rejected(number, f"the server refuses it: {reason}"))
            left = again
            if not left:
                return rejects
        raise TransientError(f"{self.server.where} has no room for {len(left):,} documents now; it is tried again")

    def _bulk(self, body: bytes) -> list[dict[str, Any]]:
        path = f"{path_of(self.index.into)}/_bulk"
        answer = self.server.call("POST", path, body=body, kind="application/x-ndjson")
        return [next(iter(item.values())) | {"op": next(iter(item))} for item in answer["items"]]

    def _count(self, item: Mapping[str, Any]) -> str:
        """Why the server refuses a document, or nothing."""
        status, op = item["status"], item["op"]
        if status in {401, 403}:
            raise AuthError(f"the user may not write '{self.index.name}' in {self.server.where}; grant it",
                            detail=_reason(item))  # fmt: skip
        if (op, status) in {("create", 409), ("delete", 404)}:
            return ""  # the same row of the same effect is there; or nobody is to be removed
        if status >= 300:
            return _reason(item)
        self._deleted += op == "delete"
        self._updated += op == "update" and item.get("result") != "created"
        return ""


def _groups(lines: Mapping[int, bytes]) -> Iterator[list[int]]:
    """Numbers of documents that go together, by bytes."""
    group: list[int] = []
    size = 0
    for number, line in lines.items():
        if group and size + len(line) > BULK_BYTES:
            yield group
            group, size = [], 0
        group.append(number)
        size += len(line)
    if group:
        yield group


def _line(action: Any) -> bytes:
    return msgspec.json.encode(action) + b"\n"


def _reason(item: Mapping[str, Any]) -> str:
    error: Any = item.get("error", {})
    if not isinstance(error, dict):
        return str(error)[:300]
    cause = error.get("caused_by", {})
    words = [error.get("reason", error.get("type", "")), cause.get("reason", "") if isinstance(cause, dict) else ""]
    return ": ".join(dict.fromkeys(str(word) for word in words if word))[:300]
