"""Memcached: keys of a cache as records."""

from typing import Annotated

from headrace.kits.records.declare import STORE, Authority, PlainServer, Port, ReadOptions, Tls, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl, lazy

DOCS = """A stream is every key `name:...`; JSON values give their fields, others `text`. Writing sets keys, so a
repeated execution changes nothing. It is a cache: the server may let go of any key."""


class MemcachedConfig(PlainServer, kw_only=True):
    """How to reach the server."""

    port: Port = 11211
    tls: Tls = False
    authority: Authority = ""


class MemcachedWriteOptions(WriteOptions, kw_only=True):
    """How long keys live."""

    expires_s: Annotated[int, Field("Expires after (s)", "0 never.", ge=0, le=2_592_000, order=1)] = 0


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="memcached", title="Memcached", category="nosql", summary="Keys of a Memcached server",
            config=MemcachedConfig, factory=lazy("headrace_connector_memcached.connector:MemcachedConnector"),
            capabilities=STORE, read_options=ReadOptions, write_options=MemcachedWriteOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:zap", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
