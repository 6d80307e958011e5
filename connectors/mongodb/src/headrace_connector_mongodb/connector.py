"""The work: pages of a cursor become records, parts become bulk writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bson.errors import BSONError
from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.place import Runner
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import AuthError, ConfigError, HeadraceError
from headrace.sdk.egress import check_host
from pymongo import AsyncMongoClient, ReplaceOne, UpdateOne
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
)

from headrace_connector_mongodb import MongodbConfig
from headrace_connector_mongodb.values import plain, sent

PAGE = 1_000
AWAY_MS = 8_000
_NO_RIGHT, _NO_LOGIN = 13, {18, 8000}


class MongodbConnector(RecordsConnector[MongodbConfig]):
    """One database."""

    service = "MongoDB"
    key = ("_id",)
    ordered = True

    def __init__(self, config: MongodbConfig) -> None:
        super().__init__(config)
        self._runner = Runner()
        self._client: Any = None

    @property
    def where(self) -> str:
        """Server and database."""
        return f"{super().where}/{self.config.database}"

    @property
    def database(self) -> Any:
        """The database; its link is made at first use."""
        if self._client is None:
            config = self.config
            check_host(config.host, config.port)  # a refusal at once, in words; the loop judges every connection
            login: dict[str, Any] = {
                "username": config.user,
                "password": config.password.reveal(),
                "authSource": config.auth_source,
            }
            self._client = AsyncMongoClient(
                config.host, config.port, directConnection=not config.replica_set, tls=config.tls, tz_aware=True,
                replicaSet=config.replica_set or None, serverSelectionTimeoutMS=AWAY_MS, connectTimeoutMS=AWAY_MS,
                socketTimeoutMS=60_000, appname="headrace", **(login if config.user else {}),
            )  # fmt: skip
        return self._client[self.config.database]

    def choices(self, field: str) -> list[str]:
        """Databases that the user sees."""
        with self.told():
            return sorted(self._runner.run(self.database.client.list_database_names()))

    def ping(self) -> None:
        """The names of the collections: needs the right to read."""
        self.names()

    def names(self) -> Iterable[str]:
        """Collections, without the server's own."""
        found: list[str] = self._runner.run(self._names())
        return [name for name in found if not name.startswith("system.")]

    async def _names(self) -> Any:
        return await self.database.list_collection_names()

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Documents, in the order of the cursor's column or as the server has them."""
        wanted = {after.column: {"$gt": sent(after.value)}} if after else {}
        cursor = self._runner.run(self._found(name, wanted, after))
        try:
            while page := self._runner.run(cursor.to_list(PAGE)):
                for document in page:
                    yield {field: plain(value) for field, value in document.items()}
        finally:
            self._runner.run(cursor.close())

    async def _found(self, name: str, wanted: dict[str, Any], after: After | None) -> Any:
        found = self.database[name].find(wanted, batch_size=PAGE)
        return found.sort(after.column, 1) if after else found

    def begin(self, write: Write, spool: Spool) -> None:
        """An overwrite begins with an empty collection beside the target."""
        if write.mode == "overwrite":
            self._runner.run(self._drop(_beside(write.name)))

    async def _drop(self, name: str) -> None:
        await self.database.drop_collection(name)

    def give(self, write: Write, part: Part) -> Given:
        """Replace or update the documents of a part in one bulk write."""
        name = _beside(write.name) if write.mode == "overwrite" else write.name
        work: list[Any] = []
        for record, own in zip(part.records, part.ids, strict=True):
            document = {field: sent(value) for field, value in record.items()}
            if write.mode == "upsert":
                key = {field: document.pop(field) for field in write.keys}
                first = {} if "_id" in key else {"_id": document.pop("_id", own)}
                work.append(UpdateOne(key, {"$set": document, "$setOnInsert": first} if document else
                                      {"$setOnInsert": first}, upsert=True))  # fmt: skip
            else:
                document = {"_id": document.pop("_id", own), **document}
                work.append(ReplaceOne({"_id": document["_id"]}, document, upsert=True))
        matched, errors = self._runner.run(self._bulk(name, work))
        words = "the server refuses it: "
        rejects = [part.rejected(error["index"], words + str(error["errmsg"])[:200]) for error in errors]
        return Given(matched if write.mode == "upsert" else 0, rejects)

    async def _bulk(self, name: str, work: list[Any]) -> tuple[int, list[Any]]:
        try:
            done = await self.database[name].bulk_write(work, ordered=False)
        except BulkWriteError as error:
            return int(error.details.get("nMatched", 0)), list(error.details.get("writeErrors", ()))
        return int(done.matched_count), []

    def end(self, write: Write, spool: Spool) -> None:
        """An overwrite ends with a rename, which the server does at once."""
        if write.mode == "overwrite":
            self._runner.run(self._swap(write.name))

    async def _swap(self, name: str) -> None:
        await self.database[_beside(name)].rename(name, dropTarget=True)

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the server's code."""
        if isinstance(error, OperationFailure) and error.code in _NO_LOGIN:
            return self.refused(error)
        if isinstance(error, OperationFailure) and error.code == _NO_RIGHT:
            return AuthError(f"the user has not the right to do this in {self.where}; grant it", detail=repr(error))
        if isinstance(error, AutoReconnect | ConnectionFailure):
            return self.away(error)
        if isinstance(error, ConfigurationError | OperationFailure | BSONError | DocumentTooLarge):
            words = str(error).partition(", full error")[0][:200]
            return ConfigError(f"{self.where} refuses: {words}; correct the step", detail=repr(error))
        return self.away(error) if isinstance(error, PyMongoError) else None

    def hang_up(self) -> None:
        """Close the link and its loop."""
        client, self._client = self._client, None
        try:
            if client is not None:
                self._runner.run(client.close())
        finally:
            self._runner.close()


def _beside(name: str) -> str:
    return f"{name}_headrace_new"
