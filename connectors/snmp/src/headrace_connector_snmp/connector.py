"""The work: tables that the agent has, read in bulk at the moment they are asked for, and the traps that it sends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from headrace.kits.records.connector import After, RecordsConnector
from headrace.kits.records.declare import ReadOptions
from headrace.kits.records.frames import Record
from headrace.sdk import (
    AuthError,
    Column,
    ConfigError,
    Connector,
    DataType,
    HeadraceError,
    Message,
    Stream,
    Taken,
    Taking,
    TransientError,
)
from msgspec import Struct
from pysnmp.error import PySnmpError
from pysnmp.proto import errind

from headrace_connector_snmp import GetInput, GetOutput, SetInput, SetOutput, SnmpConfig
from headrace_connector_snmp.agent import Agent, RefusedByAgent
from headrace_connector_snmp.tables import USUAL, Oid, Table, is_oid, oid_of, table_of, values_of
from headrace_connector_snmp.traps import KINDS, Traps
from headrace_connector_snmp.values import made, plain
from headrace_connector_snmp.walk import everything, rows_of

VALUES, TRAPS = "values", "traps"
_UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_WALKED = {"oid": "text", "kind": "text", "value": "text"}
_SIGNED = (
    errind.UnknownUserName, errind.WrongDigest, errind.DecryptionError, errind.AuthenticationError,
    errind.AuthenticationFailure, errind.UnsupportedSecurityLevel, errind.UnknownSecurityName,
    errind.UnknownCommunityName, errind.UnsupportedAuthProtocol, errind.UnsupportedPrivProtocol,
)  # fmt: skip
_DENIED = {"noAccess", "authorizationError", "notWritable", "readOnly"}


class SnmpConnector(RecordsConnector[SnmpConfig]):
    """One agent."""

    service = "SNMP agent"
    kind = "table"
    key = ("_index",)
    cursors = ("_at",)
    facts = (
        Column("_index", DataType.TEXT, nullable=False), Column("_at", DataType.TIMESTAMP, nullable=False, zone="UTC"),
    )  # fmt: skip
    write = Connector.write  # a value is set by the action

    def __init__(self, config: SnmpConfig) -> None:
        super().__init__(config)
        self._agent, self._traps = Agent(config), Traps(config)

    def ping(self) -> None:
        """How long the agent is up."""
        self._agent.get(_UPTIME)

    def _tables(self) -> dict[str, Table]:
        """Those that a user declares, before the usual ones."""
        own = {name: table_of(name, text) for name, text in self.config.tables.items()}
        return {**USUAL, **own, **({VALUES: values_of(self.config.values)} if self.config.values else {})}

    def names(self) -> Iterable[str]:
        """Usual tables that the agent has, and all that are declared."""
        usual = list(USUAL)
        found = self._agent.following(*(USUAL[name].entry for name in usual))
        has = [name for name, (oid, _) in zip(usual, found, strict=True) if _below(oid, USUAL[name].entry)]
        own = [*self.config.tables, *([VALUES] if self.config.values else [])]
        return [*has, *own, *([TRAPS] if self.config.trap_port else [])]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """A table with its columns, or all that is below an object identifier.

        Raises:
            ConfigError: there is no such table.
        """
        said: ReadOptions = options or ReadOptions()
        if name == TRAPS:
            return super().stream(name, options=msgspec.structs.replace(said, columns=KINDS))
        table = self._tables().get(name)
        if table is None and not is_oid(name):
            raise ConfigError(f"there is no table '{name}'; declare it in the connection, or name an object identifier",
                              field="stream")  # fmt: skip
        return super().stream(
            name, options=msgspec.structs.replace(said, columns=table.kinds if table else _WALKED)
        )  # fmt: skip

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """The table as it is now; traps until nothing has come for a while."""
        if name == TRAPS:
            for number, row in enumerate(self._heard(self.config.quiet_s)):
                yield {"_index": str(number), **row}
            return
        table, rows, now = self._tables().get(name), self.config.rows_at_once, _now(after)
        if table is None:
            for oid, value in everything(self._agent, oid_of(name, "stream"), rows):
                kind, shown = type(value).__name__, plain(value, "text")
                yield {"_index": _text(oid), "_at": now, "oid": _text(oid), "kind": kind,
                       "value": None if shown is None else str(shown)}  # fmt: skip
        elif table.single:
            found = self._agent.get(*(column.oid for column in table.columns))
            values = {c.name: plain(value, c.kind) for c, (_, value) in zip(table.columns, found, strict=True)}
            if any(value is not None for value in values.values()):
                yield {"_index": "0", "_at": now, **values}
        else:
            for index, row in rows_of(self._agent, table, rows):
                yield {"_index": _text(index), "_at": now, **row}

    def _heard(self, quiet_s: float) -> Iterator[Record]:
        """What comes until it is quiet."""
        while True:
            if not self._traps.heard:
                self._traps.wait(quiet_s)
            if not self._traps.heard:
                return
            yield self._traps.heard.popleft()

    def hold(self, most: int = 0) -> None:
        """Reading a table takes nothing away, and an agent does not keep traps."""

    def take(self, asked: Taking) -> Taken:
        """Traps that came since the last call; what comes while nobody listens is gone.

        Raises:
            ConfigError: another stream is asked for.
        """
        if asked.stream != TRAPS:
            raise ConfigError(f"only '{TRAPS}' come by themselves; poll '{asked.stream[:50]}' instead", field="stream")

        def some() -> list[Message]:
            if not self._traps.heard:
                self._traps.wait(asked.wait_s)
            count = min(asked.most, len(self._traps.heard))
            return [Message(uuid4().hex, dict(self._traps.heard.popleft())) for _ in range(count)]

        return Taken(messages=self._call(some), cursor=dict(asked.cursor), more=bool(self._traps.heard))

    def acknowledge(self) -> None:
        """An agent waits for nobody."""

    def act(self, action: str, value: Struct, *, key: str) -> GetOutput | SetOutput:
        """Get or set values. A repeat sets the same value again.

        Raises:
            ConfigError: there is no such value, or it does not take this one.
            AuthError, TransientError: as the agent answers.
        """
        with self.told():
            if action == "get":
                asked = msgspec.convert(msgspec.to_builtins(value), GetInput).oids
                found = self._agent.get(*(oid_of(text, "oids") for text in asked))
                return GetOutput({text: _shown(one) for text, (_, one) in zip(asked, found, strict=True)})
            given = msgspec.convert(msgspec.to_builtins(value), SetInput)
            ((_, now),) = self._agent.set(oid_of(given.oid, "oid"), made(given.kind, given.value))
            return SetOutput(_shown(now))

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the driver's indication, or the agent's status."""
        if isinstance(error, _SIGNED):
            said = f"{self.where} refuses user, signing or encryption ({error}); correct them in the connection"
            return AuthError(said, detail=repr(error), field="user")
        if isinstance(error, RefusedByAgent):
            words, at = f"{self.where} refuses ({error.status})", f" at {error.oid}" if error.oid else ""
            if error.status in _DENIED:
                return AuthError(f"{words}{at}; grant the right to this user or community", detail=repr(error))
            return ConfigError(f"{words}{at}; correct the identifier, the kind or the value", detail=repr(error))
        if isinstance(error, errind.RequestTimedOut) and self.config.version == "v2c":
            said = f"{self.where} does not answer; check host, port and community, and that it runs"
            return TransientError(said, detail=repr(error), field="host")
        return self.away(error) if isinstance(error, errind.ErrorIndication | PySnmpError) else None

    def hang_up(self) -> None:
        """Close the sockets."""
        self._agent.close()
        self._traps.close()


def _below(oid: Oid, entry: Oid) -> bool:
    return oid[: len(entry)] == entry


def _text(oid: Oid) -> str:
    return ".".join(map(str, oid))


def _shown(value: Any) -> str | None:
    shown = plain(value, "text")
    return None if shown is None else str(shown)


def _now(after: After | None) -> datetime:
    """The moment, later than the one that was seen last even where a clock was set back."""
    now = datetime.now(UTC)
    if after is None or not isinstance(after.value, datetime):
        return now
    return max(now, after.value + timedelta(microseconds=1))
