"""The contract against a server of feeds; what each kind of feed gives; the trigger; the README's flow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, Reject
from headrace.testing.connector import ConnectorContract
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server
from headrace.testing.readme_flow import execute_readme
from headrace_connector_rss.feed import entries

RSS = b"""<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>C</title>
<item><title>Two &lt;b&gt; \xf0\x9f\x98\x80</title><link>https://e.org/2</link><guid>g2</guid>
<pubDate>Sat, 03 Jan 2026 10:00:00 +0200</pubDate><category>a</category><category>b</category></item>
<item><title>One</title><link>https://e.org/1</link><dc:creator>Ann</dc:creator>
<pubDate>Thu, 01 Jan 2026 10:00:00 GMT</pubDate></item>
<item><description>no title, no link, no date</description></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:1</id><title>T</title>
<link rel="self" href="s"/><link href="https://e.org/a"/><updated>2026-01-02T10:00:00Z</updated>
<author><name>Bo</name></author><category term="x"/>
<content type="html">&lt;p&gt;c&lt;/p&gt;</content></entry></feed>"""
RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><item><title>R</title><link>l</link><dc:date>2026-01-05T00:00:00Z</dc:date>
</item></rdf:RDF>"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rss><channel>
<item><title>&b;</title></item></channel></rss>"""


class Feeds:
    body = RSS

    def answer(self, asked: Asked) -> Reply:
        return Reply(self.body, 200 if asked.path == "/feed" else 404, {"content-type": "application/xml"})


@pytest.fixture
def feeds() -> Iterator[tuple[Feeds, HttpServer]]:
    made = Feeds()
    with http_server(made.answer) as server:
        yield made, server


class TestRss(ConnectorContract):
    connector_id = "rss"

    @pytest.fixture
    def config(self, feeds: tuple[Feeds, HttpServer]) -> dict[str, Any]:
        return {"url": f"{feeds[1].url}/feed"}

    @pytest.fixture
    def bad_config(self, feeds: tuple[Feeds, HttpServer]) -> dict[str, Any]:
        return {"url": f"{feeds[1].url}/nowhere"}


def opened(url: str) -> Any:
    return load_plugins(only=["connector-rss"], strict=True).registry.connector("rss").open({"url": url})


def rows(connector: Any, **asked: Any) -> list[dict[str, Any]]:
    return [row for frame in connector.read(connector.discover()[0], **asked) for row in frame.to_dicts()]


def test_each_kind_of_feed_gives_the_same_fields() -> None:
    two, one, bare = entries(RSS, "h")
    assert (two["id"], two["title"], two["categories"]) == ("g2", "Two <b> 😀", ["a", "b"])
    assert (one["id"], one["author"]) == ("https://e.org/1", "Ann")
    assert bare["id"]
    assert bare["published"] is None
    (atom,) = entries(ATOM, "h")
    assert (atom["id"], atom["link"], atom["author"], atom["content"]) == ("urn:1", "https://e.org/a", "Bo", "<p>c</p>")
    assert entries(RDF, "h")[0]["updated"] == "2026-01-05T00:00:00+00:00"


@pytest.mark.parametrize("body", [BOMB, b"<html/>", b"no xml", b"", b"<rss"])
def test_what_is_no_feed_is_told(body: bytes, feeds: tuple[Feeds, HttpServer]) -> None:
    feeds[0].body = body
    connector = opened(f"{feeds[1].url}/feed")
    with pytest.raises(ConfigError, match="correct the address"):
        connector.check()
    connector.close()


def test_a_date_that_is_none_is_rejected_with_its_entry(feeds: tuple[Feeds, HttpServer]) -> None:
    feeds[0].body = RSS.replace(b"Thu, 01 Jan 2026 10:00:00 GMT", b"soon")
    connector, rejects = opened(f"{feeds[1].url}/feed"), list[Reject]()
    assert len(rows(connector, reject=rejects.extend)) == 2
    assert [(one.column, "soon" in one.reason) for one in rejects] == [("published", True)]
    connector.close()


def test_a_new_entry_starts_once(feeds: tuple[Feeds, HttpServer]) -> None:
    entry = load_plugins(only=["connector-rss"], strict=True).registry.trigger("rss_new_entry")
    config = entry.manifest.config(connection="Feed", first="all")
    source = entry.manifest.factory.load()(config, None)
    connector = opened(f"{feeds[1].url}/feed")
    ctx: Any = SimpleNamespace(trigger_id="t", connector=lambda name: connector)
    first = source.receive(ctx, {}, wait_s=0)
    assert [event.rows[0]["id"] for event in first.events] == ["https://e.org/1", "g2"]
    assert not source.receive(ctx, first.cursor, wait_s=0).events
    new = b"<item><guid>g3</guid><title>New</title><pubDate>Sat, 03 Jan 2026 08:00:00 GMT</pubDate></item>"
    feeds[0].body = RSS.replace(b"<item><title>One", new + b"<item><title>One")
    again = source.receive(ctx, first.cursor, wait_s=0)
    assert [event.rows[0]["id"] for event in again.events] == ["g3"], "it has the time of the last one, and is not lost"
    assert again == source.receive(ctx, first.cursor, wait_s=0), "the same cursor gives the same items"
    connector.close()


def test_what_is_new_begins_now(feeds: tuple[Feeds, HttpServer]) -> None:
    entry = load_plugins(only=["connector-rss"], strict=True).registry.trigger("rss_new_entry")
    source = entry.manifest.factory.load()(entry.manifest.config(connection="Feed"), None)
    connector = opened(f"{feeds[1].url}/feed")
    ctx: Any = SimpleNamespace(trigger_id="t", connector=lambda name: connector)
    begun = source.receive(ctx, {}, wait_s=0)
    assert not begun.events
    assert datetime.fromisoformat(begun.cursor["at"]) > datetime(2026, 1, 4, tzinfo=UTC)
    connector.close()


def test_the_readme_s_flow(feeds: tuple[Feeds, HttpServer]) -> None:
    done = execute_readme(Path(__file__).parents[1], {"Feed": ("rss", {"url": f"{feeds[1].url}/feed"})})
    assert done["few"].rows_out == 2
