"""The work: one file, fetched through the door, event by event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from headrace.kits.http.records import FrameMaker
from headrace.kits.http.refusals import Refusals
from headrace.kits.http.tokens import basic
from headrace.sdk import Column, ConfigError, Connector, DataError, DataType, Rejector, Stream
from headrace.sdk.egress import check_url
from headrace.sdk.egress_http import EgressClient

from headrace_connector_ical import IcalConfig
from headrace_connector_ical.events import events

if TYPE_CHECKING:
    import polars as pl

_TEXTS = ("summary", "description", "location", "status", "organizer", "categories", "url", "repeats")
COLUMNS = (
    Column("uid", DataType.TEXT, nullable=False), Column("start", DataType.TIMESTAMP, nullable=False, zone="UTC"),
    Column("end", DataType.TIMESTAMP, zone="UTC"), Column("all_day", DataType.BOOLEAN),
    *(Column(name, DataType.TEXT) for name in _TEXTS), Column("updated", DataType.TIMESTAMP, zone="UTC"),
)  # fmt: skip
STREAM = Stream(name="events", columns=COLUMNS, primary_key=("uid", "start"))


class IcalConnector(Connector[IcalConfig]):
    """One calendar."""

    def __init__(self, config: IcalConfig) -> None:
        super().__init__(config)
        self._client = EgressClient(answer_bytes=32 * 1024 * 1024)

    def check(self) -> None:
        """Fetch it, and see that it is one."""
        self._days()
        self._text()

    def discover(self) -> Sequence[Stream]:
        """Its events."""
        return [STREAM]

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Events, in the order of the file; repeated ones by their day."""
        wanted = [STREAM.column(name).name for name in columns or [column.name for column in COLUMNS]]
        rows = events(self._text(), self._days())
        for frame in FrameMaker(COLUMNS, {}, reject).frames(rows, batch_rows):
            yield frame.select(wanted)

    def _days(self) -> tuple[date, date] | None:
        if not self.config.first_day and not self.config.last_day:
            return None
        try:
            first, last = date.fromisoformat(self.config.first_day), date.fromisoformat(self.config.last_day)
        except ValueError:
            raise ConfigError("first and last day are dates such as 2026-01-01; give both", field="first_day") from None
        if not 0 <= (last - first).days <= 3_660:
            raise ConfigError("the last day is not within ten years after the first", field="last_day")
        return first, last

    def _text(self) -> str:
        place, password = check_url(self.config.url), self.config.password.reveal()
        signed = {"Authorization": basic(self.config.user, password)} if self.config.user else {}
        answer = self._client.request("GET", place.url, headers={"Accept": "text/calendar"}, credentials=signed)
        error = Refusals(place.host).of(answer, changes=False, secrets=[password])
        if error is not None:
            raise error
        try:
            text = answer.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise DataError(f"the calendar of '{place.host}' is no UTF-8 text; ask its owner") from None
        if "BEGIN:VCALENDAR" not in text[:1_000]:
            raise ConfigError(f"'{place.host}' answers with no calendar; correct the address", field="url")
        return text

    def close(self) -> None:
        """Close the link."""
        self._client.close()
