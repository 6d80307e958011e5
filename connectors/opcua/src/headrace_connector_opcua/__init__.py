"""OPC UA: variables of a server's objects, read and written."""

from typing import Annotated

from headrace.kits.records.declare import READ_WRITE, Password, PlainServer, Port, ReadOptions, User, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy

DOCS = """A stream is an object with variables, named by its path below Objects (`Plant/Oven`). Each variable is a row:
`number` has numbers and truth values, `text` everything else (arrays and structures as JSON), `status` what the server
thinks of it. Rows with `node` and `number` or `text` are written as the variable's own type.

The link is not encrypted: reach servers through a network of their own, or through a gateway with TLS."""


class OpcuaConfig(PlainServer, kw_only=True):
    """How to reach the server."""

    port: Port = 4840
    path: Annotated[
        str,
        Field(
            "Path",
            "Of the endpoint.",
            pattern=r"^[A-Za-z0-9_./-]{0,200}$",
            expected="letters, digits and _ . / - only",
            order=2,
        ),
    ] = ""
    user: User = ""
    password: Password = Secret("")


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="opcua", title="OPC UA", category="nosql", summary="Variables of an OPC UA server", config=OpcuaConfig,
            factory=lazy("headrace_connector_opcua.connector:OpcuaConnector"), capabilities=READ_WRITE,
            read_options=ReadOptions, write_options=WriteOptions, effect_class=EffectClass.OTHER,
            icon="lucide:radio-tower", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
