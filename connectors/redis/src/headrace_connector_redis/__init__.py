"""Redis and Valkey: keys as records, and streams as logs of messages."""

from typing import Annotated, Literal

from headrace.kits.records.declare import LOG, STORE, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

KEYS = """A stream is a key, or all keys below a prefix: `orders` is every `orders:...` (a pattern such as
`orders:*:open` works as well). JSON texts and hashes give their fields, other texts `value`; a set, list or sorted
set that is named by its key gives a record per member. `_key` is the key. Records are known by their key, so a
repeated execution changes nothing. Keys of the type stream belong to the connector Redis Streams."""
STREAMS = """A stream is one of the server. `_position` is its cursor: the id of the entry as one number. Entries are
appended once per execution: a repeat within seven days adds nothing."""


class RedisConfig(Server, kw_only=True):
    """How to reach the server."""

    port: Port = 6379
    database: Annotated[int, Field("Database", ge=0, le=1_000_000, order=2)] = 0


class RedisWriteOptions(WriteOptions, kw_only=True):
    """What is made of a row."""

    form: Annotated[
        Literal["json", "hash", "set"],
        Field("Form", "A JSON text keeps types and nulls; a hash has texts; a set takes the first column.", order=1),
    ] = "json"
    expires_s: Annotated[int, Field("Expires after (s)", "0 never; not of a set.", ge=0, advanced=True, order=2)] = 0


def _keys(connector_id: str, title: str) -> ConnectorManifest:
    return ConnectorManifest(
        id=connector_id, title=title, category="nosql", summary=f"Keys of a {title} server", config=RedisConfig,
        factory=lazy("headrace_connector_redis.keys:RedisConnector"), capabilities=STORE, read_options=ReadOptions,
        write_options=RedisWriteOptions, effect_class=EffectClass.IDEMPOTENT, icon="lucide:database-zap", docs=KEYS,
        proof="real server",
    )  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connectors."""
    return [
        _keys("redis", "Redis"),
        _keys("valkey", "Valkey"),
        ConnectorManifest(
            id="redis_streams", title="Redis Streams", category="nosql", config=RedisConfig, capabilities=LOG,
            summary="Streams of a Redis or Valkey server", icon="lucide:waves", docs=STREAMS, proof="real server",
            factory=lazy("headrace_connector_redis.streams:RedisStreamsConnector"), read_options=ReadOptions,
            write_options=WriteOptions, effect_class=EffectClass.IDEMPOTENT,
        ),
    ]  # fmt: skip
