"""The contract for connectors of `headrace.kits.records`: what their nature changes of the general one, and more."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, Connector, DataError, Reject, parse_config
from headrace.sdk.manifests import ConnectorManifest
from headrace.testing.connector import ConnectorContract
from headrace.testing.connector_base import nasty, rows
from headrace.testing.connector_messages import TakingRules
from headrace.testing.connector_read import Cancelled
from headrace.testing.readme_flow import execute_readme, readme_of, same_for_all

if TYPE_CHECKING:
    import polars as pl

CITIES = [
    {"id": 1, "name": "Bern", "area": 51.6},
    {"id": 2, "name": "Oslo", "area": None},
    {"id": 5, "name": "Riga", "area": 304.0},
]
"""What every fixture `config` puts into the stream that the README's example reads."""
LIGHT = ("headrace", "msgspec", "pluggy", "typing_extensions", "_")
_LOADED = """
import sys
before = set(sys.modules)
import {module}
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} - set(sys.stdlib_module_names)))
"""


class RecordsContract(ConnectorContract):
    """The contract for records that have no order of their own and no types but JSON's.

    Attributes:
        package: Folder of the connector, if several share one.
        example_rows: Rows that the README's example reads, and writes or keeps.
    """

    package: ClassVar[str] = ""
    example_rows: ClassVar[tuple[int, int]] = (3, 1)
    many_rows = 100_000  # each is a call or an entry of its own, and servers of the tests keep them in memory
    memory_bytes = 96 * 2**20

    def entry(self) -> Any:
        """The connector; only its own plugin is loaded."""
        only = [f"connector-{self.package or self.connector_id}"]
        return load_plugins(only=only, strict=True).registry.connector(self.connector_id)

    def found(self, connector: Connector[Any], name: str = "") -> list[dict[str, Any]]:
        """Without the envelope."""
        every = super().found(connector, name)
        return [{field: value for field, value in row.items() if not field.startswith("_")} for row in every]

    def test_declaration_is_light(self) -> None:
        """No driver is loaded, whichever it is."""
        code = _LOADED.format(module=self.entry().plugin.module)
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert [name for name in shown.stdout.split() if not name.startswith(LIGHT)] == []

    def test_nasty_values_come_back_equal(self, writer: Connector[Any]) -> None:
        """By their id: the other side keeps no order."""
        frame = nasty()
        done = writer.write(self.target, iter([frame.head(2), frame.slice(2)]), mode="append")
        assert done.written == frame.height
        back = sorted(rows(writer, writer.stream(self.target)), key=lambda row: row["id"])
        assert [{name: row[name] for name in frame.columns} for row in back] == frame.to_dicts()

    def test_decimals_are_exact(self, writer: Connector[Any]) -> None:
        """As decimals or as text; by their id."""
        import polars as pl

        values = [Decimal("12345678901234567890.0123456789"), Decimal("-0.0000000001"), None]
        frame = pl.DataFrame({"id": [1, 2, 3], "amount": pl.Series(values, dtype=pl.Decimal(38, 10))})
        writer.write(self.target, iter([frame]), mode="append")
        back = sorted(rows(writer, writer.stream(self.target)), key=lambda row: row["id"])
        assert [None if row["amount"] is None else Decimal(row["amount"]) for row in back] == values

    def test_time_zones_keep_the_instant(self, writer: Connector[Any], manifest: ConnectorManifest) -> None:
        """Where moments travel as text, declaring the column brings them back."""
        import polars as pl

        utc = [dt.datetime(2024, 3, 31, 0, 59, 59, 999999, dt.UTC), dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC), None]
        moments = pl.Series(utc, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone("Europe/Oslo")
        writer.write(self.target, iter([pl.DataFrame({"id": [1, 2, 3], "moment": moments})]), mode="append")
        assert manifest.read_options
        options = parse_config(manifest.read_options, {"columns": {"id": "integer", "moment": "timestamp"}})
        stream = writer.stream(self.target, options=options)
        back = [row for frame in writer.read(stream, options=options) for row in frame.to_dicts()]
        assert [row["moment"] for row in sorted(back, key=lambda row: row["id"])] == utc

    def test_a_field_that_comes_late_is_told_or_kept(self, writer: Connector[Any], manifest: ConnectorManifest) -> None:
        """Nothing is dropped: records = rows + rejects."""
        import polars as pl

        early, late = pl.DataFrame({"id": [1, 2]}), pl.DataFrame({"id": [3, 4], "extra": ["a", "b"]})
        writer.write(self.target, iter([early]), mode="append", effect_key="early")
        writer.write(self.target, iter([late]), mode="append", effect_key="late")
        assert manifest.read_options
        told: list[Reject] = []
        sampled = parse_config(manifest.read_options, {"sample": 1})
        stream = writer.stream(self.target, options=sampled)
        found = [row for f in writer.read(stream, options=sampled, reject=told.extend) for row in f.to_dicts()]
        assert len(found) + len(told) == 4
        if told:  # whichever record came first
            assert "extra" in told[0].reason
            with pytest.raises(DataError, match="extra"):
                list(writer.read(stream, options=sampled))
        kept = parse_config(manifest.read_options, {"sample": 1, "late": "keep"})
        stream = writer.stream(self.target, options=kept)
        assert sum(frame.height for frame in writer.read(stream, options=kept)) == 4

    def test_batches_are_bounded(self, connector: Connector[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """By bytes as well as by rows."""
        monkeypatch.setattr("headrace.kits.records.frames.BATCH_BYTES", 1)
        stream = next(stream for stream in connector.discover() if stream.columns)
        assert {frame.height for frame in connector.read(stream)} == {1}

    def test_a_closed_address_is_refused_before_a_packet_is_sent(
        self, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connector = self.entry().open(config)
        monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
        for call in (connector.check, connector.discover):
            with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW="):
                call()
        connector.close()
        if "host" in config:
            monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "private")
            connector = self.entry().open({**config, "host": "169.254.169.254"})
            with pytest.raises(ConfigError, match="never opened"):
                connector.check()
            connector.close()

    def test_the_readme_has_an_example_that_runs(self, config: dict[str, Any]) -> None:
        """Its flow is executed by the engine on the connection of the test."""
        folder = readme_of(self)
        done = execute_readme(folder, same_for_all(folder, config))
        counts = {name: node.rows_out for name, node in done.items()}
        assert (counts["cities"], counts["large"]) == self.example_rows


class MessagesContract(TakingRules, RecordsContract):
    """The contract for what is only appended to."""

    def test_a_read_is_cancelled_between_frames(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        """As everywhere; nothing is overwritten here."""
        stream = connector.discover()[0]
        reading: Any = connector.read(stream, batch_rows=1)
        next(reading)
        with pytest.raises(Cancelled):
            reading.throw(Cancelled())
        assert next(reading, None) is None
        assert rows(connector, stream)

    def test_append_adds_and_overwrite_replaces(self, writer: Connector[Any]) -> None:
        """Append adds; overwriting is refused, and nothing is lost."""
        for _ in range(2):
            writer.write(self.target, iter([nasty()]), mode="append")
        with pytest.raises(ConfigError, match="overwrite"):
            writer.write(self.target, iter([nasty()]), mode="overwrite")
        assert len(rows(writer, writer.stream(self.target))) == 2 * nasty().height

    def test_a_failing_source_leaves_nothing(self, writer: Connector[Any]) -> None:
        def failing() -> Iterator[pl.DataFrame]:
            yield nasty()
            raise DataError("the source failed")

        writer.write(self.target, iter([nasty().head(1)]), mode="append")
        with pytest.raises(DataError, match="the source failed"):
            writer.write(self.target, failing(), mode="append")
        assert len(rows(writer, writer.stream(self.target))) == 1


_OWN = "a device has its own points, which are not made or emptied; the tests below write them"
DEVICE_SKIPS = dict.fromkeys(
    (
        "test_nasty_values_come_back_equal", "test_decimals_are_exact", "test_time_zones_keep_the_instant",
        "test_append_adds_and_overwrite_replaces", "test_a_failing_source_leaves_nothing",
        "test_the_same_effect_key_is_one_effect", "test_a_field_that_comes_late_is_told_or_kept",
        "test_a_read_is_cancelled_between_frames", "test_many_rows_in_bounded_memory",
    ),
    _OWN,
)  # fmt: skip
