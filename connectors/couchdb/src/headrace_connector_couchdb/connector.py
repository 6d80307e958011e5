"""The work: pages by key, batches of documents, and what the server says of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from headrace.kits.records.connector import After, Given, Write, key_of
from headrace.kits.records.declare import MergeOptions
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies
from headrace.kits.records.rest import JsonConnector, path_of
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import Column, DataType, Stream

from headrace_connector_couchdb import CouchdbConfig

PAGE = 500
DOCUMENT_BYTES = 8_000_000
"""What the server takes by default."""
AGAIN = 3
"""Times that a document which somebody has changed meanwhile is looked at anew."""
_ORDERED = {DataType.INTEGER, DataType.FLOAT}
_OURS = ("_id", "_rev")


class CouchdbConnector(JsonConnector[CouchdbConfig]):
    """One server."""

    service = "CouchDB"
    kind = "database"
    key = ("_id",)
    facts = (Column("_id", DataType.TEXT, nullable=False), Column("_rev", DataType.TEXT, nullable=False))
    modes = ("append", "overwrite", "upsert", "merge")
    write_options = MergeOptions
    _kept: set[str] = set()

    def ping(self) -> None:
        """The names of the databases."""
        self.names()

    def names(self) -> Iterable[str]:
        """Databases, without the server's own."""
        return [name for name in self.call("GET", "_all_dbs") if not name.startswith("_")]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """As learned; cursors are numbers with an index, as the server sorts by nothing else."""
        found = super().stream(name, options=options)
        every = self._call(lambda: self.call("GET", f"{path_of(name)}/_index", missing={"indexes": ()}))["indexes"]
        first = {next(iter(one["def"]["fields"][0])) for one in every if one.get("type") == "json"}
        cursors = tuple(column.name for column in found.columns if column.name in first and column.type in _ORDERED)
        return msgspec.structs.replace(found, cursors=cursors)

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Documents by id, or those behind a place by the index of its field."""
        return self._later(name, after) if after else (row["doc"] for row in self._rows(name, include_docs="true"))

    def _rows(self, name: str, **more: str) -> Iterator[Mapping[str, Any]]:
        """Ids and revisions in the order of the ids, page after page; not those of designs."""
        params: dict[str, Any] = {"limit": PAGE, **more}
        while True:
            found = self.call("GET", f"{path_of(name)}/_all_docs", params=params, missing={"rows": []})["rows"]
            yield from (row for row in found if not row["id"].startswith("_design/"))
            if len(found) < PAGE:
                return
            params |= {"startkey": msgspec.json.encode(found[-1]["id"]).decode(), "skip": 1}

    def _later(self, name: str, after: After) -> Iterator[Record]:
        body: dict[str, Any] = {"selector": {after.column: {"$gte": after.value}}, "sort": [{after.column: "asc"}],
                                "limit": PAGE}  # fmt: skip
        passed = 0
        while True:
            answer = self.call("POST", f"{path_of(name)}/_find", data=body, missing={"docs": []})
            yield from (doc for doc in answer["docs"] if doc[after.column] != after.value)
            passed += len(answer["docs"])
            if len(answer["docs"]) < PAGE:
                return
            mark = answer.get("bookmark", "nil")
            body |= {"skip": passed} if mark == "nil" else {"bookmark": mark}

    def begin(self, write: Write, spool: Spool) -> None:
        """Make the database if it is missing."""
        self._kept = set()
        if self.call("GET", path_of(write.name), missing=None) is None:
            self.call("PUT", path_of(write.name))

    def give(self, write: Write, part: Part) -> Given:
        """Put documents over the revisions that are there; what somebody else has changed is rejected."""
        marked = {n for n, one in enumerate(part.records) if write.mark and one.pop(write.mark, None) is True}
        made, rejects = bodies(part, DOCUMENT_BYTES)
        ids = {n: self._id(write, part.records[n], part.ids[n]) for n in made}
        for number in [n for n, one in ids.items() if one.startswith("_") or not one]:
            rejects.append(part.rejected(number, f"its id '{ids.pop(number)}' is none that a document may have"))
        new = {n: msgspec.json.decode(made[n]) for n in ids}
        self._kept.update(ids.values())
        there: dict[str, Any] = {}
        left, updated, deleted = list(ids), 0, 0
        for turn in range(AGAIN):
            there = self._there(write.name, [ids[n] for n in left])
            ours = {n for n in left if not write.keyed and ids[n] == part.ids[n] and ids[n] in there}
            docs = {n: self._doc(write, part.records[n], new[n], ids[n], there, gone=n in marked) for n in left}
            changed = {n: doc for n, doc in docs.items() if doc is not None and n not in ours}
            said = self._put(write.name, list(changed.values()))
            refused = {n: one for n, one in zip(changed, said, strict=True) if "error" in one}
            done = [n for n in left if n not in refused]
            updated += sum(write.keyed and n not in marked and ids[n] in there for n in done)
            deleted += sum(n in marked and ids[n] in there for n in done)
            left = [n for n, one in refused.items() if one["error"] == "conflict" and not part.records[n].get("_rev")]
            final = refused if turn == AGAIN - 1 else {n: one for n, one in refused.items() if n not in left}
            rejects += [part.rejected(n, f"the server refuses it: {one.get('reason') or one['error']}")
                        for n, one in final.items()]  # fmt: skip
            if not left:
                break
        return Given(updated, rejects, deleted)

    @staticmethod
    def _id(write: Write, record: Mapping[str, Any], own: str) -> str:
        if write.keyed:
            return key_of(record, write.keys)
        return own if record.get("_id") is None else str(record["_id"])

    @staticmethod
    def _doc(
        write: Write, record: Mapping[str, Any], new: Mapping[str, Any], one: str, there: Mapping[str, Any], *,
        gone: bool,
    ) -> dict[str, Any] | None:  # fmt: skip
        """What is to be sent for a record; None if nothing changes."""
        old = there.get(one)
        rev = (record.get("_rev") or old["_rev"]) if old else None
        if gone:
            return None if old is None else {"_id": one, "_rev": rev, "_deleted": True}
        held = {name: value for name, value in (old or {}).items() if name not in _OURS}
        kept = held if write.keyed else {name: value for name, value in held.items() if name.startswith("_")}
        whole = {**kept, **new}
        if old is not None and whole == held:
            return None
        if write.mode == "append" and old is not None and not record.get("_rev"):
            return {"_id": one, **new}  # the server says that it is there
        return {"_id": one, **({"_rev": rev} if rev else {}), **whole}

    def _there(self, name: str, ids: Sequence[str]) -> dict[str, Any]:
        asked = {"keys": list(ids)}
        found = self.call("POST", f"{path_of(name)}/_all_docs", params={"include_docs": "true"}, data=asked)["rows"]
        return {row["id"]: row["doc"] for row in found if row.get("doc")}

    def _put(self, name: str, docs: Sequence[Any]) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        if docs:
            said = self.call("POST", f"{path_of(name)}/_bulk_docs", data={"docs": docs})
        return said

    def end(self, write: Write, spool: Spool) -> int | None:
        """An overwrite, and a merge without a mark, remove the documents that did not come."""
        if write.mode != "overwrite" and (write.mode != "merge" or write.mark):
            return None
        gone = 0
        old = (row for row in list(self._rows(write.name)) if row["id"] not in self._kept)
        while page := list(islice(old, PAGE)):
            said = self._put(write.name, [{"_id": r["id"], "_rev": r["value"]["rev"], "_deleted": True} for r in page])
            gone += sum("error" not in one for one in said)
        return gone
