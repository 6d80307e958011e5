"""RestConnector: the contract over a declaration; one object is one connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.kits.http.auth import SignIn
from headrace.kits.http.incremental import after_text, later
from headrace.kits.http.infer import SAMPLE, inferred
from headrace.kits.http.manifest import declared
from headrace.kits.http.pace import budgets_of
from headrace.kits.http.pages import Page, walk
from headrace.kits.http.parts import Declaration, StreamPart
from headrace.kits.http.paths import fields_of, filled
from headrace.kits.http.records import FrameMaker, records_of
from headrace.kits.http.session import Session
from headrace.kits.http.types import columns_of
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Connector, Rejector, Stream
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.types import DataType

if TYPE_CHECKING:
    import polars as pl


class RestConnector(Connector[ConfigT]):
    """One REST service, as the `connector.toml` beside its Config declares it."""

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self._session: Session | None = None
        self._learned: dict[str, StreamPart] = {}

    def declaration(self) -> Declaration:
        """What the service offers."""
        return declared(type(self.config).__module__)

    @property
    def session(self) -> Session:
        """The service, opened at first use."""
        if self._session is None:
            said = self.declaration()
            client = EgressClient(answer_bytes=said.answer_bytes, deadline_s=said.timeout_s)
            base = getattr(self.config, "base_url", "") or filled(said.base_url, self._named(said.base_url))
            self._session = Session(
                base, SignIn(said.auth, self.config, client, lambda: self.host), client, headers=said.headers,
                budgets=budgets_of(said.requests_per_s, said.budget), errors=said.errors, error_at=said.error_at,
                host=lambda: self.host,
            )  # fmt: skip
        return self._session

    def _named(self, text: str) -> dict[str, Any]:
        return {name: getattr(self.config, name) for name in fields_of(text)}

    def check(self) -> None:
        """One GET of the path that the declaration names."""
        said = self.declaration()
        path = said.check or next((stream.path for stream in said.streams if not stream.parent), "")
        self.session.call("GET", self.session.url(path), attempts=1)

    def discover(self) -> Sequence[Stream]:
        """The declared streams."""
        return sorted((self.stream(part.name) for part in self.declaration().streams), key=lambda stream: stream.name)

    def part(self, name: str, options: Any = None) -> StreamPart:
        """The declared stream of that name, its columns learned where they are not declared.

        Raises:
            ConfigError: there is none, or nothing to learn from.
        """
        found = self._learned.get(name) or self.declaration().stream(name)
        if found is None:
            there = ", ".join(sorted(stream.name for stream in self.declaration().streams)) or "nothing"
            raise ConfigError(f"there is no stream '{name}'; there is {there}", field="stream")
        return found if found.columns else self._learned.setdefault(name, self.learned(found))

    def learned(self, part: StreamPart) -> StreamPart:
        """The stream with columns that hold its first records.

        Raises:
            ConfigError: it has no records.
        """
        each = (record for records in self.records(part) for record in records)
        return msgspec.structs.replace(part, columns=inferred(part.name, list(islice(each, SAMPLE))))

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One stream."""
        part = self.part(name, options)
        cursors = (part.cursor,) if part.cursor else ()
        columns = columns_of(part.columns, part.primary_key)
        return Stream(name=part.name, columns=columns, primary_key=part.primary_key, cursors=cursors)

    def known(self, part: StreamPart) -> frozenset[str] | None:
        """Fields that a record may have; None allows any. With learned columns a new field is an error."""
        return frozenset(part.columns) if any(made is part for made in self._learned.values()) else None

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Rows page by page; with `after`, in the cursor's order."""
        part = self.part(stream.name, options)
        wanted = [stream.column(name).name for name in columns or [column.name for column in stream.columns]]
        maker = FrameMaker(stream.columns, part.columns, reject, self.known(part))
        exact = any(column.type is DataType.DECIMAL for column in stream.columns)
        frames: Iterator[pl.DataFrame] = (
            frame
            for records in self.records(part, after=after, exact=exact)
            for frame in maker.frames(records, batch_rows)
        )
        if after is not None:
            frames = later(frames, stream.column(part.cursor), after, batch_rows, ordered=part.ordered)
        for frame in frames:
            yield frame.select(wanted)

    def records(self, part: StreamPart, *, after: object = None, exact: bool = False) -> Iterator[list[Any]]:
        """Records of a stream, page by page; a child's for each row of its parent.

        Args:
            part: The stream.
            after: Goes to the service, if it takes it.
            exact: Numbers keep every digit.
        """
        decoder = msgspec.json.Decoder(float_hook=_decimal) if exact else msgspec.json.Decoder()
        params: dict[str, Any] = dict(part.params)
        if after is not None and part.after_param:
            params[part.after_param] = after_text(after)
        for path, extra in self._paths(part):

            def ask(more: dict[str, Any], url: str, path: str = path) -> Page:
                answer = self._page(part, path, {**params, **more}, url)
                data = self.decoded(answer, decoder)
                found = records_of(data, part.records, part.key_column)
                return Page(data, found, answer.body, answer.headers.get("link", ""), answer.url)

            for records in walk(part.pages, ask):
                yield [{**extra, **record} for record in records] if extra else records

    def _page(self, part: StreamPart, path: str, params: Mapping[str, Any], url: str) -> Answer:
        """One page; a POST has its parameters in the body."""
        if part.method == "GET":
            return self.session.call("GET", self.session.own(url) if url else self.session.url(path, params))
        body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(part.body))
        for name, value in params.items():
            _put(body, name, value)
        target = self.session.own(url) if url else self.session.url(path)
        return self.session.call("POST", target, body=msgspec.json.encode(body))

    def _paths(self, part: StreamPart) -> Iterator[tuple[str, dict[str, Any]]]:
        """Paths of a stream, and what their records have from the parent."""
        if not part.parent:
            yield part.path, {}
            return
        wanted = {param: source.partition(".")[::2] for param, source in part.parent.items()}
        parent = self.stream(next(name for name, _ in wanted.values()))
        for frame in self.read(parent, columns=list(dict.fromkeys(field for _, field in wanted.values()))):
            for row in frame.drop_nulls().iter_rows(named=True):
                values = {param: row[field] for param, (_, field) in wanted.items()}
                yield filled(part.path, values), values

    def decoded(self, answer: Answer, decoder: Any = None) -> Any:
        """The answer's data.

        Raises:
            DataError: it is no JSON.
        """
        try:
            return (decoder or msgspec.json.Decoder()).decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            kind = answer.headers.get("content-type", "no content type").partition(";")[0][:60]
            raise DataError(
                f"'{self.session.host}' answers with {kind} that is no JSON; correct the path, or ask its owner",
                detail=str(error),
            ) from None

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()
            self._session = None


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at a dotted path, making what is not there."""
    *holders, name = path.split(".")
    for part in holders:
        body = body.setdefault(part, {})
    body[name] = value


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)
