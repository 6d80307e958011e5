"""RSS and Atom: the entries of a feed, and the trigger that starts flows with new ones."""

from typing import Annotated

from headrace.sdk import Capability, Config, ConnectorManifest, Field, Trigger, hookimpl, lazy

DOCS = """Reads RSS 2.0, RSS 1.0 and Atom. An entry is known by its id, else by its link; without a date of its own it
has none, and then it is not among what is new."""


class RssConfig(Config, kw_only=True):
    """Where the feed is."""

    url: Annotated[str, Field("Feed", "Address of the feed.", examples=["https://example.org/feed.xml"], order=0)]


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="rss", title="RSS and Atom", category="business_apps", summary="Entries of a feed", config=RssConfig,
            factory=lazy("headrace_connector_rss.connector:RssConnector"), waits=True, docs=DOCS, icon="lucide:rss",
            capabilities=frozenset({Capability.READ, Capability.INCREMENTAL}), proof="real server",
            triggers=(Trigger(id="new_entry", title="New entry", stream="entries", every_s=300),),
        )
    ]  # fmt: skip
