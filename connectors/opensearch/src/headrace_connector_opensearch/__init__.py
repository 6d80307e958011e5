"""OpenSearch: documents of indices, read at a point in time, written in bulk."""

from headrace.kits.records.declare import DOCUMENTS, MergeOptions
from headrace.kits.records.search_config import SearchReadOptions, SearchServer
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl, lazy

DOCS = """Columns are those of the mapping, checked against some documents; nested values and lists are JSON. A read
sees the index as it was when it began. Documents are written by ids that a repeated execution gives again; an upsert
makes them of the key columns. An overwrite fills an index beside the target and turns an alias to it."""


class OpensearchConfig(SearchServer, kw_only=True):
    """How to reach the cluster."""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="opensearch", title="OpenSearch", category="nosql", summary="Indices of an OpenSearch cluster",
            config=OpensearchConfig, factory=lazy("headrace_connector_opensearch.connector:OpensearchConnector"),
            capabilities=DOCUMENTS, read_options=SearchReadOptions, write_options=MergeOptions,
            effect_class=EffectClass.IDEMPOTENT, icon="lucide:search", docs=DOCS, proof="wire-compatible",
        )
    ]  # fmt: skip
