"""Apache ZooKeeper: nodes below a path as records."""

from headrace.kits.records.declare import STORE, PlainServer, Port, ReadOptions, WriteOptions
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl, lazy

DOCS = """A stream is the children of a node: `orders` is every `/orders/...`; JSON values give their fields, others
`text`. Nodes are written by name, so a repeated execution changes nothing. Values have less than 1 MB."""


class ZookeeperConfig(PlainServer, kw_only=True):
    """How to reach one server of the ensemble."""

    port: Port = 2181


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="zookeeper", title="Apache ZooKeeper", category="nosql", summary="Nodes of a ZooKeeper ensemble",
            config=ZookeeperConfig, factory=lazy("headrace_connector_zookeeper.connector:ZookeeperConnector"),
            capabilities=STORE, read_options=ReadOptions, write_options=WriteOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:git-fork", docs=DOCS, proof="real server",
        )
    ]  # fmt: skip
