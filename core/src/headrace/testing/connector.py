"""The connector contract: subclass it, give `config` and `bad_config`; the manifest switches rules on."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from headrace.plugins.manager import load_plugins
from headrace.sdk import Capability, Connector, DataError, HeadraceError, Stream, config_schema, secret_names
from headrace.sdk.manifests import ConnectorManifest, encodable

if TYPE_CHECKING:
    import polars as pl

HEAVY = ("polars", "narwhals", "sqlalchemy", "sqlglot", "litestar", "psycopg", "pyarrow", "duckdb")
METHODS = {
    Capability.READ: "read",
    Capability.WRITE: "write",
    Capability.QUERY: "query",
    Capability.SCAN: "scan",
    Capability.RELATION: "relation",
}
SECRET_WORDS = ("password", "token", "secret", "api_key", "private_key")


class ConnectorContract:
    """Rules for every connector.

    Attributes:
        connector_id: Id in the manifest.
        target: Name of the stream that write rules use.
        skip_reasons: `{"test_...": "why"}`, the only way to skip.
    """

    connector_id: ClassVar[str]
    target: ClassVar[str] = "contract_target"
    skip_reasons: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _only_named_skips(self, request: pytest.FixtureRequest) -> None:
        reason = self.skip_reasons.get(request.node.originalname)
        if reason:
            pytest.skip(reason)

    @pytest.fixture
    def manifest(self) -> ConnectorManifest:
        manifest: ConnectorManifest = self.entry().manifest
        return manifest

    def entry(self) -> Any:
        """The connector and its plugin; only the plugin under test is loaded."""
        return load_plugins(only=[f"connector-{self.connector_id}"], strict=True).registry.connector(self.connector_id)

    @pytest.fixture
    def connector(self, config: dict[str, Any]) -> Iterator[Connector[Any]]:
        opened = self.entry().open(config)
        yield opened
        opened.close()

    @pytest.fixture
    def writer(self, connector: Connector[Any], manifest: ConnectorManifest) -> Connector[Any]:
        if Capability.WRITE not in manifest.capabilities:
            pytest.skip("the manifest does not claim write")
        return connector

    @pytest.fixture
    def upserter(self, connector: Connector[Any], manifest: ConnectorManifest) -> Connector[Any]:
        if Capability.UPSERT not in manifest.capabilities:
            pytest.skip("the manifest does not claim upsert")
        return connector

    def test_declaration_is_light(self) -> None:
        module = self.entry().plugin.module
        code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == "[]"

    def test_declaration_is_complete(self, manifest: ConnectorManifest) -> None:
        fields = config_schema(manifest.config)["properties"]
        assert manifest.title
        assert manifest.summary
        assert all(shape.get("title") for shape in fields.values()), "every field has a title"
        assert encodable(manifest)["id"] == self.connector_id
        secrets = {path.rpartition(".")[2] for path in secret_names(manifest.config)}
        assert {name for name in fields if name in SECRET_WORDS} <= secrets, "secrets are `Secret`"

    def test_capabilities_are_methods_both_ways(self, manifest: ConnectorManifest, connector: Connector[Any]) -> None:
        for capability, method in METHODS.items():
            implemented = getattr(type(connector), method) is not getattr(Connector, method)
            assert implemented == (capability in manifest.capabilities), f"{capability} and {method}() disagree"

    def test_check_passes(self, connector: Connector[Any]) -> None:
        connector.check()

    def test_bad_config_is_a_clear_error_without_secrets(
        self, bad_config: dict[str, Any], manifest: ConnectorManifest
    ) -> None:
        with pytest.raises(HeadraceError) as caught:
            self.entry().open(bad_config).check()
        said = f"{caught.value.message} {caught.value.hint}"
        assert len(said) > 20
        for path in secret_names(manifest.config):
            value = bad_config.get(path)
            assert not value or str(value) not in said

    def test_closes_twice_and_opens_again(self, connector: Connector[Any]) -> None:
        connector.close()
        connector.close()
        connector.check()

    def test_discover_is_sorted_unique_and_stable(self, connector: Connector[Any]) -> None:
        names = [stream.name for stream in connector.discover()]
        assert names
        assert names == sorted(set(names))
        assert names == [stream.name for stream in connector.discover()]

    def test_frames_have_the_declared_schema(self, connector: Connector[Any]) -> None:
        from headrace.sdk.frames import polars_schema

        for stream in connector.discover():
            for frame in connector.read(stream, batch_rows=2):
                assert frame.schema == polars_schema(stream.columns), stream.name
                assert 0 < frame.height <= 2

    def test_columns_come_in_the_order_asked(self, connector: Connector[Any]) -> None:
        stream = connector.discover()[0]
        wanted = [column.name for column in stream.columns][::-1][:2]
        assert all(frame.columns == wanted for frame in connector.read(stream, columns=wanted))

    def test_an_abandoned_read_leaves_it_usable(self, connector: Connector[Any]) -> None:
        stream = connector.discover()[0]
        next(connector.read(stream, batch_rows=1))
        assert rows(connector, stream)

    def test_keys_are_unique_and_filled(self, connector: Connector[Any]) -> None:
        for stream in connector.discover():
            if stream.primary_key:
                found = [tuple(row[key] for key in stream.primary_key) for row in rows(connector, stream)]
                assert len(found) == len(set(found))
                assert all(part is not None for key in found for part in key)

    def test_scan_equals_read(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        if Capability.SCAN not in manifest.capabilities:
            pytest.skip("the manifest does not claim scan")
        for stream in connector.discover():
            assert connector.scan(stream).collect().to_dicts() == rows(connector, stream)

    def test_after_gives_the_later_rows_in_order(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        if Capability.INCREMENTAL not in manifest.capabilities:
            pytest.skip("the manifest does not claim incremental")
        stream = next(stream for stream in connector.discover() if stream.cursors)
        cursor = stream.cursors[0]
        every = sorted(row[cursor] for row in rows(connector, stream) if row[cursor] is not None)
        later = [row[cursor] for frame in connector.read(stream, after=every[0]) for row in frame.to_dicts()]
        assert later == [value for value in every if value > every[0]]

    def test_nasty_values_come_back_equal(self, writer: Connector[Any]) -> None:
        frame = nasty()
        done = writer.write(self.target, iter([frame.head(2), frame.slice(2)]), mode="append")
        assert done.written == frame.height
        back = rows(writer, writer.stream(self.target))
        assert [row["text"] for row in back] == frame["text"].to_list()
        assert [row["id"] for row in back] == frame["id"].to_list()
        assert [row["number"] for row in back] == frame["number"].to_list()
        assert [row["select"] for row in back] == frame["select"].to_list()

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
        first = writer.write(self.target, iter([nasty()]), mode="append", effect_key="execution:node")
        again = writer.write(self.target, iter([nasty()]), mode="append", effect_key="execution:node")
        assert first == again
        assert len(rows(writer, writer.stream(self.target))) == nasty().height

    def test_upsert_changes_and_adds(self, upserter: Connector[Any]) -> None:
        frame = nasty()
        upserter.write(self.target, iter([frame.head(2)]), mode="upsert", keys=["id"])
        done = upserter.write(self.target, iter([frame]), mode="upsert", keys=["id"])
        assert (done.written, done.updated) == (frame.height, 2)
        found = [row["id"] for row in rows(upserter, upserter.stream(self.target))]
        assert sorted(found) == frame["id"].to_list()

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


def rows(connector: Connector[Any], stream: Stream) -> list[dict[str, Any]]:
    """All rows of a stream."""
    return [row for frame in connector.read(stream) for row in frame.to_dicts()]


def nasty() -> pl.DataFrame:
    """Small, with what breaks naive writers: quotes, separators, emoji, nulls beside empty texts, 1e300."""
    import polars as pl

    return pl.DataFrame(
        {
            "id": [1, 2, 3, 4, 5],
            "text": ["plain", "", None, 'quo"te, comma; tab\t new\nline \\N', "emoji 😀 '); --"],
            "number": [1.5, None, 1e300, -0.25, 0.0],
            "select": ["a", "NULL", "null", None, "0012"],
        }
    )
