"""The work: objects are found by browsing, values read and written many at a time, in a judged event loop."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from asyncua import ua
from asyncua.client.client import Client as Driver
from asyncua.ua.uaerrors import BadIdentityTokenRejected, BadUserAccessDenied, UaError, UaStatusCodeError
from headrace.kits.records.connector import After, Given, RecordsConnector, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.place import Runner
from headrace.kits.records.schema import as_json
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import AuthError, Column, ConfigError, DataType, HeadraceError
from headrace.sdk.egress import check_host

from headrace_connector_opcua import OpcuaConfig

PAGE = 500
DEPTH, BROWSED = 8, 5_000
"""So deep below Objects, and so many objects, are looked into."""
_DENIED = (BadUserAccessDenied, BadIdentityTokenRejected)
logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what it would say is raised as well


class OpcuaConnector(RecordsConnector[OpcuaConfig]):
    """One server."""

    service = "OPC UA"
    kind = "object"
    key = ("node",)
    facts = (
        Column("node", DataType.TEXT, nullable=False), Column("name", DataType.TEXT),
        Column("number", DataType.FLOAT, bits=64), Column("text", DataType.TEXT),
        Column("status", DataType.TEXT), Column("at", DataType.TIMESTAMP, zone="UTC"),
    )  # fmt: skip
    modes = ("append",)

    def __init__(self, config: OpcuaConfig) -> None:
        super().__init__(config)
        self._runner = Runner()
        self._client: Any = None
        self._found: dict[str, list[Any]] = {}

    async def _link(self) -> Any:
        if self._client is None:
            config = self.config
            check_host(config.host, config.port)  # a refusal at once, in words; the loop judges every connection
            host = f"[{config.host}]" if ":" in config.host else config.host
            client = Driver(f"opc.tcp://{host}:{config.port}/{config.path.lstrip('/')}", timeout=10)
            if config.user:
                client.set_user(config.user)
                client.set_password(config.password.reveal())
            await client.connect()
            self._client = client
        return self._client

    def ping(self) -> None:
        """Look at the Objects folder."""
        self._runner.run(self._objects())

    async def _objects(self) -> Any:
        return await (await self._link()).nodes.objects.read_browse_name()

    def names(self) -> Iterable[str]:
        """Objects that have variables, by their path; the server's own are left out."""
        self._found = self._runner.run(self._browse())
        return self._found

    async def _browse(self) -> dict[str, list[Any]]:
        client, found = await self._link(), dict[str, list[Any]]()
        todo, seen = [("", client.nodes.objects, 0)], 0
        while todo and seen < BROWSED:
            path, node, depth = todo.pop(0)
            seen += 1
            for child in await node.get_children_descriptions():
                place = f"{path}/{child.BrowseName.Name}".lstrip("/")
                if child.NodeClass == ua.NodeClass.Variable and path:
                    found.setdefault(path, []).append((child.BrowseName.Name, child.NodeId))
                elif child.NodeClass == ua.NodeClass.Object and depth < DEPTH and child.NodeId.NamespaceIndex:
                    todo.append((place, client.get_node(child.NodeId), depth + 1))
        return found

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """A row for each variable of an object."""
        if name not in self._found:
            self.names()
        variables = self._found.get(name, [])
        for start in range(0, len(variables), PAGE):
            page = variables[start : start + PAGE]
            for (label, node), value in zip(
                page, self._runner.run(self._read([node for _, node in page])), strict=True
            ):
                yield _row(label, node, value)

    async def _read(self, nodes: list[Any]) -> Any:
        client = await self._link()
        return await client.read_attributes([client.get_node(node) for node in nodes])

    def begin(self, write: Write, spool: Spool) -> None:
        """Rows say which variable, and its value."""
        if spool.rows and ("node" not in spool.columns or not {"number", "text"} & set(spool.columns)):
            raise ConfigError("the rows need a column 'node', and 'number' or 'text' with the value", field="stream")

    def give(self, write: Write, part: Part) -> Given:
        """Write the values of a part; each refusal is told with its row."""
        rejects = []
        for index, why in self._runner.run(self._send(part)):
            rejects.append(part.rejected(index, why))
        return Given(0, rejects)

    async def _send(self, part: Part) -> list[tuple[int, str]]:
        client, refused = await self._link(), []
        for index, record in enumerate(part.records):
            value = record.get("number") if record.get("number") is not None else record.get("text")
            try:
                node = client.get_node(str(record.get("node")))
                kind = await node.read_data_type_as_variant_type()
                await node.write_value(ua.DataValue(ua.Variant(_as(kind, value), kind)))
            except (UaError, ValueError, TypeError, OverflowError) as error:
                if isinstance(error, ConnectionError):
                    raise
                refused.append((index, f"the variable does not take it ({type(error).__name__}: {str(error)[:150]})"))
        return refused

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the server's status."""
        if isinstance(error, _DENIED):
            return self.refused(error)
        if isinstance(error, UaStatusCodeError) and "Denied" in type(error).__name__:
            return AuthError(f"the user has not the right to do this in {self.where}; grant it", detail=repr(error))
        if isinstance(error, UaStatusCodeError) and not isinstance(error, ConnectionError):
            return ConfigError(
                f"{self.where} refuses ({type(error).__name__}); correct the connection", detail=repr(error)
            )
        return self.away(error) if isinstance(error, UaError | ConnectionError) else None

    def hang_up(self) -> None:
        """End the session and close the loop."""
        client, self._client, self._found = self._client, None, {}
        try:
            if client is not None:
                self._runner.run(client.disconnect())
        finally:
            self._runner.close()


def _row(label: str, node: Any, value: Any) -> Record:
    held = value.Value.Value if value.Value is not None else None
    number = float(held) if isinstance(held, bool | int | float) else None
    text = held if isinstance(held, str) or held is None or number is not None else as_json(held)
    moment = value.SourceTimestamp or value.ServerTimestamp
    return {
        "node": node.to_string(), "name": label, "number": number, "text": None if number is not None else text,
        "status": value.StatusCode.name, "at": moment.replace(tzinfo=UTC) if moment is not None else None,
    }  # fmt: skip


def _as(kind: Any, value: Any) -> Any:
    """The value as a variable of that type takes it.

    Raises:
        ValueError: it is none of that type.
    """
    name = kind.name
    if name == "Boolean":
        return bool(value)
    if "Int" in name or name in {"Byte", "SByte"}:
        if int(value) != float(value):
            raise ValueError(f"{value} is no whole number")
        return int(value)
    if name in {"Float", "Double"}:
        if not math.isfinite(float(value)):
            raise ValueError(f"{value} is no number")
        return float(value)
    if name == "String":
        return str(value)
    raise ValueError(f"values of the type {name} are only read")
