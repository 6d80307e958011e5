"""SNMP: tables and values of agents, read in bulk; values set by an action."""

from typing import Annotated, Literal

from headrace.kits.records.declare import NEW_MESSAGE, PlainServer, Port, ReadOptions
from headrace.sdk import (
    Action,
    Capability,
    Config,
    ConnectorManifest,
    Effect,
    EffectClass,
    Field,
    Secret,
    hookimpl,
    lazy,
)
from msgspec import Struct, field

DOCS = """A stream is a table of the agent: those of MIB-2, HOST-RESOURCES and UCD that it has are listed, others are
declared with their columns, e.g. `printer: 1.3.6.1.2.1.43.11.1.1: 6 description text, 9 level`. Single values are
declared too, and are the one row of the stream `values`. An object identifier as the name of a stream is walked: a row
for everything below it.

Each row has the moment it was read as `_at`, which is the cursor: a polling trigger or an incremental step takes the
table as it is then. With a port for traps the stream `traps` gives those of this agent, and a trigger starts with each;
the worker must be reachable there. An agent stays silent when the community of v2c is wrong; v3 tells what is wrong."""

Auth = Literal["none", "md5", "sha", "sha224", "sha256", "sha384", "sha512"]
Privacy = Literal["none", "des", "aes128", "aes192", "aes256"]
Kind = Literal["integer", "unsigned", "text", "hex", "oid", "address", "ticks"]


class SnmpConfig(PlainServer, kw_only=True):
    """How to reach the agent, and what it is asked for."""

    port: Port = 161
    version: Annotated[Literal["v2c", "v3"], Field("Version", "v3 signs and encrypts.", order=2)] = "v2c"
    community: Annotated[Secret, Field("Community", "Of v2c; it travels unencrypted.", order=3)] = Secret("public")
    user: Annotated[str, Field("User", "Of v3.", order=4)] = ""
    auth: Annotated[Auth, Field("Signing", "Of v3; none is unsigned.", order=5)] = "sha256"
    auth_password: Annotated[Secret, Field("Signing password", "Of v3, 8 characters or more.", order=6)] = Secret("")
    privacy: Annotated[Privacy, Field("Encryption", "Of v3; it needs signing.", order=7)] = "aes128"
    privacy_password: Annotated[Secret, Field("Encryption password", "Of v3.", order=8)] = Secret("")
    context: Annotated[str, Field("Context", "Of v3; usually empty.", advanced=True, order=9)] = ""
    tables: Annotated[
        dict[str, str],
        Field("Tables", "Name, and `OID of the entry: number column kind, ...`; kinds are integer (if none is said), "
              "text, float and timestamp.", widget="key-value", order=10),
    ] = field(default_factory=dict)  # fmt: skip
    values: Annotated[
        dict[str, str],
        Field("Values", "Column and `OID kind`, e.g. `1.3.6.1.2.1.1.3.0 integer`.", widget="key-value", order=11),
    ] = field(default_factory=dict)
    trap_port: Annotated[
        int, Field("Port for traps", "Of the worker, usually 162 or above 1023; 0: none are heard.", ge=0, le=65_535,
                   group="Traps", order=15)
    ] = 0  # fmt: skip
    trap_address: Annotated[
        str, Field("Address for traps", "Of the worker that listens; empty: all it has.", group="Traps", advanced=True,
                   order=16)
    ] = ""  # fmt: skip
    engine_id: Annotated[
        str, Field("Engine of the agent", "Of v3 traps, in hexadecimal; informs need none.", group="Traps",
                   pattern=r"^$|^(?:0x)?(?:[0-9a-fA-F]{2}:?){5,32}$", examples=["80001f8880e9630000d61ff449"], order=17)
    ] = ""  # fmt: skip
    quiet_s: Annotated[
        float, Field("Quiet for (s)", "A read of traps ends when none came for so long.", ge=0.05, le=3_600,
                     group="Traps", advanced=True, order=18)
    ] = 2.0  # fmt: skip
    timeout_s: Annotated[float, Field("Wait (s)", "For an answer.", ge=0.2, le=60, advanced=True, order=12)] = 2.0
    retries: Annotated[int, Field("Asked again", "So often, when none came.", ge=0, le=10, advanced=True, order=13)] = 2
    rows_at_once: Annotated[
        int, Field("Rows at once", "Of a request; weak agents answer fewer.", ge=1, le=100, advanced=True, order=14)
    ] = 20


class GetInput(Config, kw_only=True):
    """What to read."""

    oids: Annotated[
        list[str], Field("Object identifiers", examples=[["1.3.6.1.2.1.1.3.0"]], min_length=1, max_length=50, order=0)
    ]


class GetOutput(Struct):
    """Values by their object identifier; null is one that the agent has not."""

    values: dict[str, str | None]


class SetInput(Config, kw_only=True):
    """One value."""

    oid: Annotated[str, Field("Object identifier", examples=["1.3.6.1.2.1.1.6.0"], min_length=3, order=0)]
    value: Annotated[str, Field("Value", order=1)]
    kind: Annotated[Kind, Field("Kind", "As the agent has it.", order=2)] = "text"


class SetOutput(Struct):
    """The value as the agent has it now."""

    value: str | None


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    actions = (
        Action(id="get", title="Get values", input=GetInput, output=GetOutput, effect=Effect.READ),
        Action(id="set", title="Set a value", input=SetInput, output=SetOutput, effect=Effect.UPDATE),
    )
    return [
        ConnectorManifest(
            id="snmp", title="SNMP", category="nosql", summary="Tables and values of SNMP agents", config=SnmpConfig,
            factory=lazy("headrace_connector_snmp.connector:SnmpConnector"), actions=actions,
            capabilities=frozenset({Capability.READ, Capability.INCREMENTAL, Capability.MESSAGES}),
            triggers=(NEW_MESSAGE,), read_options=ReadOptions,
            effect_class=EffectClass.OTHER, icon="lucide:router", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
