"""Rules of reading: discover, frames, keys, increments, scans and relations."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from headrace.sdk import Capability, Connector
from headrace.sdk.manifests import ConnectorManifest
from headrace.sdk.narrowing import Narrowing
from headrace.testing.connector_base import ConnectorRules, needs, rows
from headrace.testing.connector_narrow import conditions_over, kept, kept_of


class Cancelled(Exception):
    """What the host raises in the middle of a read."""


class ReadRules(ConnectorRules):
    """What every connector that reads keeps."""

    def test_discover_is_sorted_unique_and_stable(self, connector: Connector[Any]) -> None:
        names = [stream.name for stream in connector.discover()]
        assert names
        assert names == sorted(set(names))
        assert names == [stream.name for stream in connector.discover()]

    def test_frames_have_the_declared_schema(self, connector: Connector[Any]) -> None:
        from headrace.sdk.frames import polars_schema

        seen = 0
        for stream in connector.discover():
            for frame in connector.read(stream, batch_rows=2):
                assert frame.schema == polars_schema(stream.columns), stream.name
                assert 0 < frame.height <= 2
                seen += frame.height
        assert seen, "the streams of the test have rows"

    def test_columns_come_in_the_order_asked(self, connector: Connector[Any]) -> None:
        stream = connector.discover()[0]
        wanted = [column.name for column in stream.columns][::-1][:2]
        assert all(frame.columns == wanted for frame in connector.read(stream, columns=wanted))

    def test_an_abandoned_read_leaves_it_usable(self, connector: Connector[Any]) -> None:
        stream = connector.discover()[0]
        next(connector.read(stream, batch_rows=1))
        assert rows(connector, stream)

    def test_a_read_is_cancelled_between_frames(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        """Cancelling passes through, ends the read, and lets go of what it held."""
        stream = connector.discover()[0]
        reading = connector.read(stream, batch_rows=1)
        next(reading)
        assert isinstance(reading, Generator), "read() is a generator, so that it can be ended"
        with pytest.raises(Cancelled):
            reading.throw(Cancelled())
        assert next(reading, None) is None
        assert rows(connector, stream)
        if Capability.WRITE in manifest.capabilities:
            frames = list(connector.read(stream))
            connector.write(self.target, iter(frames), mode="overwrite")

    def test_keys_are_unique_and_filled(self, connector: Connector[Any]) -> None:
        for stream in connector.discover():
            assert {*stream.primary_key, *stream.cursors} <= {column.name for column in stream.columns}
            if stream.primary_key:
                found = [tuple(row[key] for key in stream.primary_key) for row in rows(connector, stream)]
                assert len(found) == len(set(found))
                assert all(part is not None for key in found for part in key)

    def test_after_gives_the_later_rows_in_order(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        needs(manifest, Capability.INCREMENTAL)
        stream = next(stream for stream in connector.discover() if stream.cursors)
        cursor = stream.cursors[0]
        every = sorted(row[cursor] for row in rows(connector, stream) if row[cursor] is not None)
        later = [row[cursor] for frame in connector.read(stream, after=every[0]) for row in frame.to_dicts()]
        assert later == [value for value in every if value > every[0]]

    def test_scan_equals_read(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        needs(manifest, Capability.SCAN)
        import polars as pl

        for stream in connector.discover():
            frame, expected = connector.scan(stream), rows(connector, stream)
            assert isinstance(frame, pl.LazyFrame)
            assert frame.collect().to_dicts() == expected
            last = stream.columns[-1].name
            narrowed = connector.scan(stream).filter(pl.col(last).is_not_null()).select(last)
            assert narrowed.collect().to_dicts() == [{last: row[last]} for row in expected if row[last] is not None]

    def test_a_narrowed_read_has_all_that_is_needed(
        self, connector: Connector[Any], manifest: ConnectorManifest
    ) -> None:
        """Whatever the source leaves out, what the steps keep of the rest is what they keep of everything."""
        needs(manifest, Capability.NARROW)
        for stream in connector.discover():
            expected = rows(connector, stream)
            for text in conditions_over(stream, expected):
                assert kept(connector, stream, text) == kept_of(stream, expected, text), text
            few = [row for frame in connector.narrowed(stream, Narrowing(rows=1)) for row in frame.to_dicts()]
            assert len(few) == min(1, len(expected))
            last = stream.columns[-1].name
            assert all(frame.columns == [last] for frame in connector.narrowed(stream, Narrowing(columns=(last,))))

    def test_relation_equals_read(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        needs(manifest, Capability.RELATION)
        for stream in connector.discover():
            found = connector.relation(stream).to_polars()
            assert found.columns == [column.name for column in stream.columns]
            assert sorted(map(repr, found.to_dicts())) == sorted(map(repr, rows(connector, stream)))

    def test_files_are_told_with_their_facts(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        """A name alone finds its file, facts stay while the file does, and nothing found is no error."""
        needs(manifest, Capability.FILES)
        every = {facts.path: facts for facts in connector.files("*")}
        assert every
        for name, facts in every.items():
            assert list(connector.files(name)) == [facts]
            assert facts.size_bytes >= 0
            assert facts.modified_at.tzinfo is not None
        assert list(connector.files("there-is-no-such-*")) == []
