"""ZeroMQ: messages of PUSH and PUB sockets, and rows to PULL and SUB sockets."""

from typing import Annotated, Literal

from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, PlainServer, Port, ReadOptions, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy

DOCS = """Sockets that other programs have bound are connected to: messages are pulled from a PUSH, or subscribed to at
a PUB or XPUB; rows are pushed to a PULL, or published to a SUB or XSUB. A stream is a topic (`*` is all); a pipeline
has only `*`. A read takes what comes until nothing has come for a while.

There is no broker: nothing is acknowledged, and nothing is repeated. What is published while nobody listens is gone."""


class ZeromqConfig(PlainServer, kw_only=True):
    """Which sockets, and how they are secured."""

    port: Annotated[Port, Field("Port", "Of the socket that gives messages.", order=1)]
    write_port: Annotated[
        int, Field("Port to write to", "Of the socket that takes messages; 0: there is none.", ge=0, le=65_535, order=2)
    ] = 0
    pattern: Annotated[Literal["pipeline", "publish"], Field("Pattern", "PUSH to PULL, or PUB to SUB.", order=3)] = (
        "pipeline"
    )
    server_key: Annotated[
        str, Field("Server's public key", "CURVE, 40 characters; empty is unencrypted.", max_length=40, order=4)
    ] = ""
    public_key: Annotated[str, Field("Own public key", "CURVE.", max_length=40, order=5)] = ""
    secret_key: Annotated[Secret, Field("Own secret key", "CURVE.", order=6)] = Secret("")
    quiet_s: Annotated[
        float, Field("Quiet for (s)", "A read ends when nothing came for so long.", ge=0.05, le=3_600, order=7)
    ] = 2.0


class ZeromqReadOptions(ReadOptions, kw_only=True):
    """How long is listened."""

    listen_s: Annotated[int, Field("Listen (s)", "At most.", ge=1, le=86_400, order=3)] = 60
    max_messages: Annotated[int, Field("Messages", "At most.", ge=1, le=10_000_000, order=4)] = 100_000


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="zeromq", title="ZeroMQ", category="nosql", summary="Messages of ZeroMQ sockets", config=ZeromqConfig,
            factory=lazy("headrace_connector_zeromq.connector:ZeromqConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=ZeromqReadOptions, write_options=WriteOptions, effect_class=EffectClass.OTHER,
            icon="lucide:plug-zap", docs=DOCS, proof="engine",
        )
    ]  # fmt: skip
