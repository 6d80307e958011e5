"""The work: results pulled in pages, nodes merged in parts; a part that is refused is halved until the row is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.declare import MergeOptions
from headrace.kits.records.frames import Record
from headrace.kits.records.place import Runner, tls_context
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import AuthError, Column, ConfigError, DataType, HeadraceError, Reject, TransientError
from headrace.sdk.egress import check_host

from headrace_connector_neo4j import Neo4jConfig
from headrace_connector_neo4j.values import plain, quoted, sent

try:
    import neo4j
    from neo4j import exceptions as said
except ImportError:
    raise ConfigError("the driver of Neo4j is not installed; install headrace-connector-neo4j[driver]") from None

PAGE = 1_000
AWAY_S = 8.0
GONE_AT_ONCE = 10_000
_OF_ROW = ("ConstraintValidationFailed", "TypeError", "ArgumentError", "PropertyTypeError")
"""What the server says of values, and not of the statement."""


class Neo4jConnector(RecordsConnector[Neo4jConfig]):
    """One database."""

    service = "Neo4j"
    kind = "label"
    key = ("_id",)
    facts = (Column("_id", DataType.INTEGER, nullable=False, bits=64),)
    ordered = True
    modes = ("append", "overwrite", "upsert", "merge")
    write_options = MergeOptions

    def __init__(self, config: Neo4jConfig) -> None:
        super().__init__(config)
        self._runner = Runner()
        self._driver: Any = None

    def _session(self) -> Any:
        if self._driver is None:
            config = self.config
            check_host(config.host, config.port)  # a refusal at once, in words; the loop judges every connection
            host = f"[{config.host}]" if ":" in config.host else config.host
            scheme = "neo4j" if config.cluster else "bolt"
            login = (config.user, config.password.reveal()) if config.user else None
            more: dict[str, Any] = {"ssl_context": tls_context(config.authority)} if config.tls else {}
            self._driver = neo4j.AsyncGraphDatabase.driver(
                f"{scheme}://{host}:{config.port}", auth=login, connection_timeout=AWAY_S, user_agent="headrace",
                connection_acquisition_timeout=AWAY_S, max_transaction_retry_time=0, **more,
            )  # fmt: skip
        return self._driver.session(database=self.config.database or None, fetch_size=PAGE)

    async def _all(self, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._session() as session:
            result = await session.run(statement, dict(values))
            return [record.data() async for record in result]

    def _run(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._runner.run(self._all(statement, values))
        return found

    def ping(self) -> None:
        """The labels: needs the right to read."""
        self._run("CALL db.labels() YIELD label RETURN label")

    def names(self) -> Iterable[str]:
        """Labels, and types of relationships in brackets."""
        labels = [row["label"] for row in self._run("CALL db.labels() YIELD label RETURN label")]
        types = self._run("CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType")
        return [*labels, *(f"[{row['relationshipType']}]" for row in types)]

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Nodes or relationships with their properties."""
        between = name.startswith("[") and name.endswith("]")
        found = f"(a)-[n:{quoted(name[1:-1])}]->(b)" if between else f"(n:{quoted(name)})"
        ends = ", id(a) AS a, id(b) AS b" if between else ""
        field = ("id(n)" if after.column == "_id" else f"n.{quoted(after.column)}") if after else ""
        bound, order = (f" WHERE {field} > $after", f" ORDER BY {field}") if after else ("", "")
        statement = f"MATCH {found}{bound} RETURN id(n) AS i, properties(n) AS p{ends}{order}"
        session = self._session()
        try:
            result = self._runner.run(session.run(statement, {"after": sent(after.value)} if after else {}))
            while page := self._runner.run(result.fetch(PAGE)):
                for record in page:
                    own = {field: plain(value) for field, value in record["p"].items()}
                    yield {**own, **({"_from": record["a"], "_to": record["b"]} if between else {}), "_id": record["i"]}
        finally:
            with suppress(Exception):  # a link that is broken already
                self._runner.run(session.close())

    def begin(self, write: Write, spool: Spool) -> None:
        """An index finds what is there again."""
        if write.name.startswith("["):
            raise ConfigError("relationships are only read; write nodes, by their label", field="stream")
        if not write.keyed or (write.mode == "merge" and not write.mark):
            with suppress(said.Neo4jError):  # it is there, or the user may not make one
                self._run(f"CREATE INDEX FOR (n:{quoted(write.name)}) ON (n._headrace)")

    def give(self, write: Write, part: Part) -> Given:
        """Merge the nodes of a part."""
        rows: dict[int, dict[str, Any]] = {}
        rejects: list[Reject] = []
        gone: list[dict[str, Any]] = []
        for number, (record, own) in enumerate(zip(part.records, part.ids, strict=True)):
            marked = write.mark and record.pop(write.mark, None) is True
            try:
                held = {name: sent(value) for name, value in record.items() if not name.startswith("_")}
            except ValueError as error:
                rejects.append(part.rejected(number, f"the row {error}"))
                continue
            key = {name: held[name] for name in write.keys} if write.keyed else {"_headrace": own}
            if marked:
                gone.append({"k": key})
            else:
                rows[number] = {"k": key, "p": {**held, **({} if write.mode == "upsert" else {"_headrace": own})}}
        pattern = self._pattern(write)
        updated = deleted = 0
        if write.keyed and rows:
            updated = self._count(f"MATCH {pattern} RETURN count(n) AS c", list(rows.values()))
        refused = self._merged(f"MERGE {pattern} SET n += r.p", rows)
        rejects += [part.rejected(number, f"the server refuses it: {words}") for number, words in refused.items()]
        if gone:
            deleted = self._count(f"MATCH {pattern} DETACH DELETE n RETURN count(n) AS c", gone)
        return Given(updated, rejects, deleted)

    @staticmethod
    def _pattern(write: Write) -> str:
        names = write.keys if write.keyed else ("_headrace",)
        return f"(n:{quoted(write.name)} {{{', '.join(f'{quoted(name)}: r.k.{quoted(name)}' for name in names)}}})"

    def _count(self, statement: str, rows: Sequence[Any]) -> int:
        return int(self._run(f"UNWIND $rows AS r {statement}", rows=rows)[0]["c"])

    def _merged(self, statement: str, rows: Mapping[int, Any]) -> dict[int, str]:
        """Numbers of the rows that the server refuses, with its words."""
        if not rows:
            return {}
        try:
            self._run(f"UNWIND $rows AS r {statement}", rows=list(rows.values()))
        except said.ClientError as error:
            if not str(error.code).endswith(_OF_ROW):
                raise
            numbers = list(rows)
            if len(numbers) == 1:
                return {numbers[0]: str(error.message)[:300]}
            half = len(numbers) // 2
            parts = ({n: rows[n] for n in some} for some in (numbers[:half], numbers[half:]))
            return {number: words for some in parts for number, words in self._merged(statement, some).items()}
        return {}

    def end(self, write: Write, spool: Spool) -> int | None:
        """An overwrite, and a merge without a mark, remove the nodes that did not come."""
        if write.mode != "overwrite" and (write.mode != "merge" or write.mark):
            return None
        removed = 0
        while True:
            old = "n._headrace IS NULL OR NOT n._headrace STARTS WITH $effect"
            statement = (
                f"MATCH (n:{quoted(write.name)}) WHERE {old} WITH n LIMIT $most DETACH DELETE n RETURN count(n) AS c"
            )
            count = int(self._run(statement, effect=spool.effect, most=GONE_AT_ONCE)[0]["c"])
            removed += count
            if count < GONE_AT_ONCE:
                return removed

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the driver's class and the server's code."""
        if isinstance(error, said.AuthError):
            return self.refused(error)
        if isinstance(error, said.Forbidden):
            return AuthError(f"the user has not the right to do this in {self.where}; grant it", detail=repr(error))
        if isinstance(error, said.ServiceUnavailable | said.SessionExpired | said.DriverError):
            return self.away(error)
        if isinstance(error, said.TransientError):
            return TransientError(f"{self.where} cannot answer now; it is tried again", detail=repr(error))
        if isinstance(error, said.Neo4jError):
            return ConfigError(
                f"{self.where} refuses: {str(error.message)[:200]}; correct the step", detail=repr(error)
            )
        return None

    def hang_up(self) -> None:
        """Close the links and their loop."""
        driver, self._driver = self._driver, None
        try:
            if driver is not None:
                self._runner.run(driver.close())
        finally:
            self._runner.close()
