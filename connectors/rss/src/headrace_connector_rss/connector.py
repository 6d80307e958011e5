"""The work: one XML document, fetched through the door, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from headrace.kits.http.incremental import later
from headrace.kits.http.records import FrameMaker
from headrace.kits.http.refusals import Refusals
from headrace.sdk import Column, Connector, DataType, Rejector, Stream
from headrace.sdk.egress import check_url
from headrace.sdk.egress_http import EgressClient

from headrace_connector_rss import RssConfig
from headrace_connector_rss.feed import entries

if TYPE_CHECKING:
    import polars as pl

_TEXTS = ("title", "link", "author", "summary", "content")
COLUMNS = (
    Column("id", DataType.TEXT, nullable=False), *(Column(name, DataType.TEXT) for name in _TEXTS),
    Column("categories", DataType.JSON), Column("published", DataType.TIMESTAMP, zone="UTC"),
    Column("updated", DataType.TIMESTAMP, zone="UTC"),
)  # fmt: skip
STREAM = Stream(name="entries", columns=COLUMNS, primary_key=("id",), cursors=("updated",))
ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9"


class RssConnector(Connector[RssConfig]):
    """One feed."""

    def __init__(self, config: RssConfig) -> None:
        super().__init__(config)
        self._client = EgressClient(answer_bytes=32 * 1024 * 1024)

    def check(self) -> None:
        """Fetch it, and see that it is one."""
        self._entries()

    def discover(self) -> Sequence[Stream]:
        """Its entries."""
        return [STREAM]

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Entries in the order of the feed; with `after` those changed later, in the order of that."""
        maker = FrameMaker(COLUMNS, {}, reject)
        frames: Iterator[pl.DataFrame] = maker.frames(self._entries(), batch_rows)
        if after is not None:
            frames = later(frames, STREAM.column("updated"), after, batch_rows, ordered=False)
        wanted = [STREAM.column(name).name for name in columns or [column.name for column in COLUMNS]]
        for frame in frames:
            yield frame.select(wanted)

    def _entries(self) -> list[dict[str, Any]]:
        place = check_url(self.config.url)
        answer = self._client.request("GET", place.url, headers={"Accept": ACCEPT})
        error = Refusals(place.host).of(answer, changes=False, secrets=())
        if error is not None:
            raise error
        return entries(answer.body, place.host)

    def close(self) -> None:
        """Close the link."""
        self._client.close()
