"""Rules of writing: what comes back, modes, all or nothing, repeats, keys, exact types, bounded memory."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from headrace.sdk import ConfigError, Connector, ConnectorManifest, DataError
from headrace.testing.connector_base import ConnectorRules, nasty, rows
from headrace.testing.data import wide_frames
from headrace.testing.memory import MemoryWatch, measurable

if TYPE_CHECKING:
    import polars as pl


class WriteRules(ConnectorRules):
    """What every connector that writes keeps.

    Attributes:
        many_rows: Rows of the memory rule, of about 256 bytes each.
        memory_bytes: How much a write or read of them may take.
    """

    many_rows: ClassVar[int] = 1_000_000
    memory_bytes: ClassVar[int] = 160 * 2**20

    def test_nasty_values_come_back_equal(self, writer: Connector[Any]) -> None:
        frame = nasty()
        done = writer.write(self.target, iter([frame.head(2), frame.slice(2)]), mode="append")
        assert done.written == frame.height
        back = rows(writer, writer.stream(self.target))
        for name in frame.columns:
            assert [row[name] for row in back] == frame[name].to_list(), name

    def test_decimals_are_exact(self, writer: Connector[Any]) -> None:
        """Up to 18 digits they come back; beyond, they come back or are refused, and are never rounded."""
        import polars as pl

        small = [Decimal("-99999999999999.9999"), Decimal("0.0001"), None]
        large = [Decimal("12345678901234567890.0123456789"), Decimal("-0.0000000001")]
        for values, kind in ((small, pl.Decimal(18, 4)), (large, pl.Decimal(38, 10))):
            frame = pl.DataFrame({"id": range(len(values)), "amount": pl.Series(values, dtype=kind)})
            try:
                writer.write(self.target, iter([frame]), mode="overwrite")
            except (ConfigError, DataError):
                assert values is large, "18 digits are not too much"
                continue
            back = [row["amount"] for row in rows(writer, writer.stream(self.target))]
            assert [None if value is None else Decimal(value) for value in back] == values

    def test_time_zones_keep_the_instant(self, writer: Connector[Any], manifest: ConnectorManifest) -> None:
        """A moment comes back as the same instant; a target without zones keeps it in UTC."""
        import polars as pl

        utc = [dt.datetime(2024, 3, 31, 0, 59, 59, 999999), dt.datetime(2024, 7, 1, 12), None]  # noqa: DTZ001
        moments = pl.Series(utc, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC")
        frame = pl.DataFrame({"id": [1, 2, 3], "moment": moments.dt.convert_time_zone("Europe/Oslo")})
        writer.write(self.target, iter([frame]), mode="append")
        back = [row["moment"] for row in rows(writer, writer.stream(self.target))]
        assert [value if value is None else _utc(value) for value in back] == utc

    def test_append_adds_and_overwrite_replaces(self, writer: Connector[Any]) -> None:
        for _ in range(2):
            writer.write(self.target, iter([nasty()]), mode="append")
        assert len(rows(writer, writer.stream(self.target))) == 2 * nasty().height
        writer.write(self.target, iter([nasty().head(1)]), mode="overwrite")
        assert len(rows(writer, writer.stream(self.target))) == 1

    def test_a_failing_source_leaves_nothing(self, writer: Connector[Any]) -> None:
        def failing() -> Iterator[pl.DataFrame]:
            yield nasty()
            raise DataError("the source failed")

        writer.write(self.target, iter([nasty().head(1)]), mode="append")
        for mode in ("append", "overwrite"):
            with pytest.raises(DataError, match="the source failed"):
                writer.write(self.target, failing(), mode=mode)
            assert len(rows(writer, writer.stream(self.target))) == 1

    def test_the_same_effect_key_is_one_effect(self, writer: Connector[Any]) -> None:
        """A repeat changes nothing, gives the same counts, and takes all of the rows or none of them."""
        taken = 0

        def frames() -> Iterator[pl.DataFrame]:
            nonlocal taken
            for frame in (nasty().head(2), nasty().slice(2)):
                taken += frame.height
                yield frame

        first = writer.write(self.target, frames(), mode="append", effect_key="execution:node")
        assert taken == first.written == nasty().height
        taken = 0
        assert writer.write(self.target, frames(), mode="append", effect_key="execution:node") == first
        assert taken in {0, first.written}
        assert len(rows(writer, writer.stream(self.target))) == nasty().height
        writer.write(self.target, iter([nasty()]), mode="append", effect_key="execution:other")
        assert len(rows(writer, writer.stream(self.target))) == 2 * nasty().height

    def test_upsert_changes_and_adds(self, upserter: Connector[Any]) -> None:
        frame = nasty()
        upserter.write(self.target, iter([frame.head(2).with_columns(text=None)]), mode="upsert", keys=["id"])
        done = upserter.write(self.target, iter([frame]), mode="upsert", keys=["id"])
        assert (done.written, done.updated) == (frame.height, 2)
        found = {row["id"]: row["text"] for row in rows(upserter, upserter.stream(self.target))}
        assert sorted(found.items()) == sorted(zip(frame["id"], frame["text"], strict=True))

    def test_upsert_refuses_rows_it_cannot_tell_apart(self, upserter: Connector[Any]) -> None:
        import polars as pl

        frame = nasty()
        upserter.write(self.target, iter([frame.head(1)]), mode="upsert", keys=["id"])
        with pytest.raises(DataError, match=r"same key.*id=1"):
            upserter.write(self.target, iter([pl.concat([frame, frame.head(1)])]), mode="upsert", keys=["id"])
        empty = frame.head(1).with_columns(id=pl.lit(None, dtype=pl.Int64))
        with pytest.raises(DataError, match="no value in the key"):
            upserter.write(self.target, iter([empty]), mode="upsert", keys=["id"])
        assert len(rows(upserter, upserter.stream(self.target))) == 1

    @pytest.mark.slow
    @pytest.mark.skipif(not measurable(), reason="this system does not tell how much memory is used")
    def test_many_rows_in_bounded_memory(self, writer: Connector[Any]) -> None:
        watch = MemoryWatch()

        def looked() -> Iterator[pl.DataFrame]:
            for frame in wide_frames(self.many_rows):
                yield frame
                watch.look()

        assert writer.write(self.target, looked(), mode="append").written == self.many_rows
        watch.look()
        seen = 0
        for frame in writer.read(writer.stream(self.target)):
            seen += frame.height
            watch.look()
        assert seen == self.many_rows
        assert watch.grown < self.memory_bytes, f"it took {watch.grown // 2**20} MiB"


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None) if moment.tzinfo else moment
