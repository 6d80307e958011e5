"""etcd: keys as records, over its JSON gateway."""

from headrace.kits.records.declare import STORE, Port, ReadOptions, Server, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl, lazy

DOCS = """A stream is every key `name/...`; JSON values give their fields, others `text`; `_revision` is when a key was
last changed. A read is of one revision: what changes meanwhile is not seen. Each 100 rows are one transaction; a
repeated execution sets the same keys."""


class EtcdConfig(Server, kw_only=True):
    """How to reach the server."""

    port: Port = 2379


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="etcd", title="etcd", category="nosql", summary="Keys of an etcd cluster", config=EtcdConfig,
            factory=lazy("headrace_connector_etcd.connector:EtcdConnector"), capabilities=STORE,
            read_options=ReadOptions, write_options=WriteOptions, effect_class=EffectClass.IDEMPOTENT,
            icon="lucide:workflow", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
