"""The work: the driver's pages become records, rows become prepared inserts by primary key."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from decimal import InvalidOperation
from typing import Any

from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.place import tls_context
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import AuthError, ConfigError, HeadraceError, Reject, Stream, TransientError
from headrace.sdk.egress import check_host

from headrace_connector_cassandra import CassandraConfig
from headrace_connector_cassandra.values import column_for, cql_type, plain, quoted, sent

try:
    import cassandra
    from cassandra import cluster as drivers
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.concurrent import execute_concurrent
    from cassandra.policies import AddressTranslator, DCAwareRoundRobinPolicy, TokenAwarePolicy
    from cassandra.query import SimpleStatement, dict_factory
except ImportError:
    raise ConfigError(
        "the driver of Cassandra is not installed; install headrace-connector-cassandra[driver]"
    ) from None

PAGE = 1_000
AWAY_S = 10
OWN = "headrace_id"
"""Key of tables that are made for rows without one."""


class _Judged(AddressTranslator):  # type: ignore[misc]  # the driver has no types
    """Every node that the driver hears of passes the door before it is dialled."""

    def __init__(self, port: int) -> None:
        self._port = port

    def translate(self, addr: str) -> str:
        """The same address, if it may be reached."""
        return check_host(str(addr), self._port)[0]


class CassandraConnector(RecordsConnector[CassandraConfig]):
    """One keyspace."""

    service = "Cassandra"
    kind = "table"

    def __init__(self, config: CassandraConfig) -> None:
        super().__init__(config)
        self._cluster: Any = None
        self._session: Any = None
        self._types: dict[str, str] = {}
        self._insert: Any = None

    @property
    def where(self) -> str:
        """Host and keyspace."""
        return f"{super().where}/{self.config.keyspace}"

    @property
    def session(self) -> Any:
        """The session; its links are made at first use."""
        if self._session is None:
            config = self.config
            login = PlainTextAuthProvider(config.user, config.password.reveal()) if config.user else None
            tls: dict[str, Any] = {}
            if config.tls:
                tls = {"ssl_context": tls_context(config.authority), "ssl_options": {"server_hostname": config.host}}
            policy = TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=config.datacenter))
            profile = drivers.ExecutionProfile(policy, row_factory=dict_factory, request_timeout=60)
            self._cluster = drivers.Cluster(
                check_host(config.host, config.port), port=config.port, auth_provider=login, connect_timeout=AWAY_S,
                control_connection_timeout=AWAY_S, address_translator=_Judged(config.port),
                execution_profiles={drivers.EXEC_PROFILE_DEFAULT: profile}, application_name="headrace", **tls,
            )  # fmt: skip
            self._session = self._cluster.connect(config.keyspace)
        return self._session

    def _tables(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.session.cluster.metadata.keyspaces[self.config.keyspace].tables
        return found

    def ping(self) -> None:
        """A query of the keyspace's tables, which needs the right to look at them."""
        self.session.execute("SELECT release_version FROM system.local")

    def names(self) -> Iterable[str]:
        """Tables of the keyspace."""
        return list(self._tables())

    def key_in(self, name: str) -> tuple[str, ...]:
        """Columns of the primary key."""
        table = self._tables().get(name)
        return tuple(column.name for column in table.primary_key) if table else ()

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """Columns as the table has them.

        Raises:
            ConfigError: there is no such table.
        """
        if options is not None and options.columns:
            return super().stream(name, options=options)
        table = self._call(self._tables).get(name)
        if table is None:
            raise ConfigError(f"there is no table '{name}' in {self.where}; correct its name", field="stream")
        key = self.key_in(name)
        columns = tuple(column_for(c.name, c.cql_type, nullable=c.name not in key) for c in table.columns.values())
        return Stream(name=name, columns=columns, primary_key=key)

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Rows in the order of the ring, page after page."""
        if name in self._tables():
            for row in self.session.execute(SimpleStatement(self.select(name), fetch_size=PAGE)):
                yield {field: plain(value) for field, value in row.items()}

    @staticmethod
    def select(name: str) -> str:
        """The statement of a read."""
        return f"SELECT * FROM {quoted(name)}"  # noqa: S608 - quoted

    @staticmethod
    def create(name: str, types: Mapping[str, str], keys: Iterable[str]) -> str:
        """The statement that makes a table."""
        columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in types.items())
        return f"CREATE TABLE IF NOT EXISTS {quoted(name)} ({columns}, PRIMARY KEY ({', '.join(map(quoted, keys))}))"

    @staticmethod
    def empty(name: str) -> str:
        """The statement that takes all rows of a table away."""
        return f"TRUNCATE {quoted(name)}"

    @staticmethod
    def insert(name: str, columns: Iterable[str]) -> str:
        """The statement that writes a row."""
        names = list(columns)
        marks = ", ".join("?" for _ in names)
        return f"INSERT INTO {quoted(name)} ({', '.join(map(quoted, names))}) VALUES ({marks})"  # noqa: S608 - quoted

    def begin(self, write: Write, spool: Spool) -> None:
        """Make the table if it is missing; empty it for an overwrite.

        Raises:
            ConfigError: the key columns are not those of the table.
        """
        own = self.key_in(write.name)
        if not own:
            first = next(spool.parts()).records if spool.rows else []
            types = {name: cql_type([record[name] for record in first]) for name in spool.columns}
            keys = write.keys or (OWN,)
            self.session.execute(self.create(write.name, types if write.keys else {OWN: "text", **types}, keys))
            self._cluster.refresh_table_metadata(self.config.keyspace, write.name)
            own = self.key_in(write.name)
        elif write.mode == "overwrite":
            self.session.execute(self.empty(write.name))
        if write.keyed and set(write.keys) != set(own):
            raise ConfigError(
                f"the table '{write.name}' has the key ({', '.join(own)}); choose these columns", field="keys"
            )
        self._types = {c.name: c.cql_type for c in self._tables()[write.name].columns.values()}
        columns = [OWN, *spool.columns] if OWN in own and OWN not in spool.columns else list(spool.columns)
        self._insert = self.session.prepare(self.insert(write.name, columns))

    def give(self, write: Write, part: Part) -> Given:
        """Insert by primary key; Cassandra does not tell which rows were there."""
        rejects: list[Reject] = []
        values: dict[int, Any] = {}
        for number, (record, own) in enumerate(zip(part.records, part.ids, strict=True)):
            whole = record if OWN in record or OWN not in self._types else {OWN: own, **record}
            try:
                row = [sent(value, self._types.get(name, "text")) for name, value in whole.items()]
                values[number] = self._insert.bind(row)
            except (ValueError, TypeError, InvalidOperation, struct.error) as error:
                text = str(error) if str(error).startswith("holds") else f"has a value that does not fit: {error}"
                rejects.append(part.rejected(number, f"the row {text[:300]}"))
        found = failed(self.session, values)
        for number, refusal in found.items():
            if not isinstance(refusal, cassandra.InvalidRequest):
                raise refusal
            rejects.append(part.rejected(number, f"the server refuses it: {str(refusal)[:300]}"))
        return Given(0, rejects)

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the driver's class."""
        if isinstance(error, drivers.NoHostAvailable):
            inner = list(error.errors.values()) if isinstance(error.errors, dict) else []
            if any(isinstance(one, cassandra.AuthenticationFailed) for one in inner):
                return self.refused(error)
            return self.away(error)
        if isinstance(error, cassandra.AuthenticationFailed):
            return self.refused(error)
        if isinstance(error, cassandra.Unauthorized):
            return AuthError(f"the user has not the right to do this in {self.where}; grant it", detail=repr(error))
        if isinstance(error, cassandra.InvalidRequest | cassandra.AlreadyExists | cassandra.ConfigurationException):
            return ConfigError(f"{self.where} refuses: {str(error)[:200]}; correct the step", detail=repr(error))
        if isinstance(error, cassandra.DriverException | cassandra.OperationTimedOut):
            return TransientError(f"{self.where} cannot answer now; it is tried again", detail=repr(error))
        return None

    def hang_up(self) -> None:
        """Close the links."""
        found, self._cluster, self._session = self._cluster, None, None
        if found is not None:
            found.shutdown()


def failed(session: Any, bound: Mapping[int, Any]) -> dict[int, Exception]:
    """Execute bound statements together; the errors by number."""
    if not bound:
        return {}
    found = execute_concurrent(session, [(one, None) for one in bound.values()], raise_on_first_error=False)
    return {number: one.result_or_exc for number, one in zip(bound, found, strict=True) if not one.success}
