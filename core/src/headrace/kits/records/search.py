"""Search servers of Elasticsearch's family: documents of indices, read at a point in time, written in bulk."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from typing import Any, ClassVar

import msgspec

from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.declare import MergeOptions
from headrace.kits.records.frames import Record
from headrace.kits.records.rest import JsonConnector, path_of
from headrace.kits.records.search_bulk import MADE, Bulk, Index
from headrace.kits.records.search_config import SearchReadOptions
from headrace.kits.records.search_schema import columns_of, is_moment, later, mapped
from headrace.kits.records.spool import Part, Spool
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Stream
from headrace.sdk.egress_http import Answer
from headrace.sdk.errors import AuthError, ConfigError, DataError, HeadraceError, TransientError
from headrace.sdk.types import Column, DataType

PAGE = 1_000
KEEP = "10m"
"""So long a point in time outlives the last page that was asked for."""
LOOKED_AT = 50
"""Documents of an index that `discover` looks at, beside its mapping."""
_CURSORS = frozenset({"long", "integer", "short", "byte", "double", "date", "date_nanos"})
"""Types whose order the server keeps as exactly as the document has it; a date to the millisecond, see `later`."""


class SearchConnector(JsonConnector[ConfigT]):
    """One cluster; a stream is an index, an alias, a data stream or a pattern of them.

    Attributes:
        tie: Sort that tells the documents of a point in time apart.
    """

    kind = "index"
    key = ("_id",)
    facts = (Column("_id", DataType.TEXT, nullable=False),)
    modes = ("append", "overwrite", "upsert", "merge")
    write_options = MergeOptions
    read_options = SearchReadOptions
    tie: ClassVar[str] = "_shard_doc"
    _index: Index | None = None

    @abstractmethod
    def open_point(self, name: str) -> str:
        """Freeze an index for reading; empty if there is none."""

    @abstractmethod
    def close_point(self, point: str) -> None:
        """Let go of it."""

    def credentials(self) -> dict[str, str]:
        """An API key, or user and password."""
        config: Any = self.config
        found = config.api_key.reveal() if hasattr(config, "api_key") else ""
        return {"Authorization": f"ApiKey {found}"} if found else super().credentials()

    def ping(self) -> None:
        """The names: needs the right to look at indices."""
        self.names()

    def names(self) -> Iterable[str]:
        """Indices, aliases and data streams, without the server's own and those behind our aliases."""
        found = self.call("GET", "_resolve/index/*")
        every = [one["name"] for kind in ("indices", "aliases", "data_streams") for one in found.get(kind, ())]
        return [name for name in every if not name.startswith(".") and MADE not in name]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """Columns of the mapping, checked against documents: a field that holds lists is JSON whatever it is mapped as.

        Raises:
            ConfigError: there is no such index, or it has neither fields nor documents.
        """
        said = options or self.read_options()
        if said.columns:
            return super().stream(name, options=said)
        kinds = self._call(lambda: self._kinds(name))
        first = self._call(lambda: self._looked_at(name, said))
        columns = columns_of(kinds, first, late=said.late == "keep")
        if not columns:
            return super().stream(name, options=said)  # tells what is missing
        exact = [column.name for column in columns if column.type not in {DataType.JSON, DataType.TEXT}]
        cursors = tuple(name for name in exact if kinds.get(name) in _CURSORS)
        return Stream(name=name, columns=(*self.facts, *columns), primary_key=self.key, cursors=cursors)

    def _looked_at(self, name: str, options: Any) -> list[dict[str, Any]]:
        with closing(self.hits(name, _query(options), [], size=min(PAGE, options.sample))) as found:
            return [hit.get("_source", {}) for hit in islice(found, options.sample)]

    def _offered(self, name: str) -> Stream:
        try:
            return self.stream(name, options=self.read_options(sample=LOOKED_AT))
        except ConfigError as error:
            return Stream(name=name, columns=(), warnings=(error.message,))

    def _kinds(self, name: str) -> dict[str, str]:
        found = self.call("GET", f"{path_of(name)}/_mapping", missing={})
        return mapped([one.get("mappings", {}) for one in found.values()])

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Documents as they are at the begin of the read."""
        query, moments = _query(options), False
        if after is not None:
            moments = is_moment(self._kinds(name).get(after.column, ""))
            bound = {"gte" if moments else "gt": after.value}
            query = {"bool": {"filter": [query, {"range": {after.column: bound}}]}}
        for hit in self.hits(name, query, [{after.column: "asc"}] if after else []):
            record = {**hit.get("_source", {}), "_id": hit["_id"]}
            if not (after and moments) or later(record.get(after.column), after.value):
                yield record

    def hits(
        self, name: str, query: Any, sort: Sequence[Any], *, source: bool = True, size: int = 0
    ) -> Generator[Any, None, None]:
        """Hits of a point in time, page after page; a page that is too large for one answer is asked for in parts."""
        point = self.open_point(name)
        if not point:
            return
        body: dict[str, Any] = {"query": query, "sort": [*sort, {self.tie: "asc"}], "size": size or PAGE,
                                "_source": source, "track_total_hits": False}  # fmt: skip
        try:
            while True:
                body["pit"] = {"id": point, "keep_alive": KEEP}
                try:
                    answer = self._page(body)
                except DataError:
                    if body["size"] == 1:
                        raise
                    body["size"] //= 2
                    continue
                found = answer["hits"]["hits"]
                yield from found
                if len(found) < body["size"]:
                    return
                point, body["search_after"] = answer.get("pit_id", point), found[-1]["sort"]
        finally:
            with suppress(HeadraceError):  # it ends by itself
                self.close_point(point)

    def _page(self, body: Any) -> Any:
        """A page is the same whenever it is asked for, so a link that broke is no reason to begin anew."""
        try:
            return self.call("POST", "_search", data=body)
        except TransientError as error:
            if error.details.get("status"):
                raise
            self.hang_up()
            return self.call("POST", "_search", data=body)

    def refusal(self, answer: Answer) -> HeadraceError:
        """A point in time that the server has let go of is read anew."""
        if answer.status == 404 and b"search_context_missing" in answer.body:
            return TransientError(
                f"{self.where} has ended the read, as nothing was asked for in {KEEP}; it begins anew"
            )
        return super().refusal(answer)

    def begin(self, write: Write, spool: Spool) -> None:
        """Find the index, or make it with the types of the first rows; an overwrite fills one beside it."""
        first = next(spool.parts()).records if spool.rows else []
        self._index = Index(self, write, spool.effect, first)
        self._index.prepare()

    def give(self, write: Write, part: Part) -> Given:
        """One document for each record, in bulk; what the server refuses is rejected with its reason."""
        assert self._index is not None  # noqa: S101 - made by begin
        return Bulk(self, self._index, write).give(part)

    def end(self, write: Write, spool: Spool) -> int | None:
        """Show what was written; then an overwrite turns the alias, and a merge removes what did not come."""
        index = self._index
        assert index is not None  # noqa: S101 - made by begin
        with suppress(AuthError):  # without this right it shows when the server refreshes by itself
            self.call("POST", f"{path_of(index.into)}/_refresh", missing=None)
        if write.mode == "overwrite":
            index.turn()
        if write.mode != "merge" or write.mark:
            return None
        every = self.hits(index.into, {"match_all": {}}, [], source=False)
        gone = Bulk(self, index, write).remove(hit["_id"] for hit in every if hit["_id"] not in index.kept)
        with suppress(AuthError):
            self.call("POST", f"{path_of(index.into)}/_refresh", missing=None)
        return gone


def _query(options: Any) -> Any:
    """What the options narrow a read to.

    Raises:
        ConfigError: it is no JSON object.
    """
    if not options.query.strip():
        return {"match_all": {}}
    try:
        return msgspec.json.decode(options.query, type=dict[str, Any])
    except msgspec.DecodeError:
        raise ConfigError(
            'the query is no JSON object; write e.g. {"term": {"state": "open"}}', field="query"
        ) from None
