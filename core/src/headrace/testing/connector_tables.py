"""Rules of tables: merge, history, schema drift, plans, and reads that go on where they stopped."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from headrace.sdk import Capability, ConfigError, Connector, DataError, Reject, Stream
from headrace.sdk.frames import from_polars
from headrace.sdk.manifests import ConnectorManifest
from headrace.sdk.tables import QUARANTINE, VALID_FROM, VALID_TO
from headrace.testing.connector_base import ConnectorRules, nasty, needs, rows

if TYPE_CHECKING:
    import polars as pl

Write = Callable[..., Any]


class TableRules(ConnectorRules):
    """What every connector of tables keeps, by what it claims."""

    @pytest.fixture
    def write(self, connector: Connector[Any], manifest: ConnectorManifest) -> Write:
        """Write frames with `drift` and `deletes`; gives the counts."""

        def write(
            frame: pl.DataFrame, *more: pl.DataFrame, drift: str = "freeze", deletes: str = "", **asked: Any
        ) -> Any:
            kind = manifest.write_options
            assert kind is not None, "the options of drift and deletions are `TableOptions`"
            given = {"drift": drift, "deletes": deletes}
            options = kind(**{name: given[name] for name in kind.__struct_fields__ if name in given})
            return connector.write(self.target, iter([frame, *more]), options=options, **asked)

        return write

    def found(self, connector: Connector[Any], name: str = "") -> list[dict[str, Any]]:
        """Rows of the target, or of another table, by id."""
        every = rows(connector, connector.stream(name or self.target))
        return sorted(every, key=lambda row: repr(row.get("id")))

    def test_merge_changes_adds_and_deletes(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write
    ) -> None:
        needs(manifest, Capability.MERGE)
        import polars as pl

        frame = nasty()
        write(frame.head(3).with_columns(text=pl.lit("old")), mode="upsert", keys=["id"])
        done = write(frame.slice(1), mode="merge", keys=["id"])
        assert (done.written, done.updated, done.deleted) == (4, 2, 1)
        assert self.found(connector) == frame.slice(1).to_dicts()
        with pytest.raises(DataError, match="no rows came"):
            write(frame.clear(), mode="merge", keys=["id"])
        assert self.found(connector) == frame.slice(1).to_dicts()

    def test_merge_deletes_what_is_marked(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write
    ) -> None:
        needs(manifest, Capability.MERGE)
        import polars as pl

        frame = nasty()
        write(frame.head(4), mode="upsert", keys=["id"])
        marks = pl.Series("gone", [True, False, None, True], dtype=pl.Boolean)
        done = write(frame.slice(1).with_columns(marks), mode="merge", keys=["id"], deletes="gone")
        assert (done.written, done.updated, done.deleted) == (4, 2, 1)
        assert [row["id"] for row in self.found(connector)] == [1, 3, 4]
        assert "gone" not in {column.name for column in connector.stream(self.target).columns}

    def test_history_keeps_versions(self, connector: Connector[Any], manifest: ConnectorManifest, write: Write) -> None:
        """A row that changed has a version more, in which no moment is missing; one that did not has none."""
        needs(manifest, Capability.SCD2)
        import polars as pl

        frame = nasty().select("id", "text", "number")
        assert write(frame.head(3), mode="scd2", keys=["id"]).written == 3
        changed = frame.with_columns(text=pl.when(pl.col("id") == 3).then(pl.lit("new")).otherwise("text"))
        done = write(changed, mode="scd2", keys=["id"])
        assert (done.written, done.updated, done.deleted) == (5, 1, 0)
        every = self.found(connector)
        current = [{name: row[name] for name in frame.columns} for row in every if row[VALID_TO] is None]
        assert sorted(current, key=lambda row: row["id"]) == changed.to_dicts()
        (old,) = [row for row in every if row[VALID_TO] is not None]
        (new,) = [row for row in every if row["id"] == 3 and row[VALID_TO] is None]
        assert (old["id"], old["text"]) == (3, None), "from nothing to a value is a change"
        assert old[VALID_FROM] < old[VALID_TO] == new[VALID_FROM]
        gone = pl.Series("gone", [True] + [False] * 4)
        assert write(changed.with_columns(gone), mode="scd2", keys=["id"], deletes="gone").deleted == 1
        assert len(self.found(connector)) == 6
        assert all(row[VALID_TO] for row in self.found(connector) if row["id"] == 1)

    def test_freeze_refuses_a_new_column(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write
    ) -> None:
        needs(manifest, Capability.DRIFT)
        import polars as pl

        write(nasty())
        with pytest.raises(ConfigError, match="has no column 'late'"):
            write(nasty().with_columns(late=pl.lit(1)))
        assert self.found(connector) == nasty().to_dicts()

    def test_evolve_adds_and_widens(self, connector: Connector[Any], manifest: ConnectorManifest, write: Write) -> None:
        """New columns are there, older rows have nothing in them; a type grows, or the write is refused."""
        needs(manifest, Capability.DRIFT)
        import polars as pl

        frame = pl.DataFrame({"id": [1], "small": pl.Series([7], dtype=pl.Int16)})
        write(frame)
        write(frame.with_columns(id=pl.lit(2, pl.Int64), **{"late 100%": pl.lit("x")}), drift="evolve")
        assert [row["late 100%"] for row in self.found(connector)] == [None, "x"]
        large = pl.DataFrame({"id": [3], "small": [2**40]})
        try:
            write(large, drift="evolve")
        except ConfigError:
            assert len(self.found(connector)) == 2
            return
        assert [row["small"] for row in self.found(connector)] == [7, 7, 2**40]

    def test_evolve_never_narrows(self, connector: Connector[Any], manifest: ConnectorManifest, write: Write) -> None:
        needs(manifest, Capability.DRIFT)
        import polars as pl

        write(pl.DataFrame({"id": [1], "value": [7]}))
        with pytest.raises(ConfigError, match="value"):
            write(pl.DataFrame({"id": [2], "value": ["seven"]}), drift="evolve")
        assert self.found(connector) == [{"id": 1, "value": 7}]

    @pytest.fixture
    def misfits(self) -> pl.DataFrame:
        """Rows for a table of `id` and `value`, both whole numbers: two do not fit."""
        import polars as pl

        return pl.DataFrame(
            {"id": [1, 2, 3, 4], "value": ["1", "2 o'clock; '😀", None, "4"], "late": [None, None, None, 9]}
        )

    def test_discard_row_rejects_with_a_reason(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write, misfits: pl.DataFrame
    ) -> None:
        needs(manifest, Capability.DRIFT)
        rejected: list[Reject] = []
        write(misfits.select("id", value="id").clear())
        done = write(misfits.head(2), misfits.slice(2), drift="discard_row", reject=rejected.extend)
        assert (done.written, done.rejected) == (2, 2)
        assert self.found(connector) == [{"id": 1, "value": 1}, {"id": 3, "value": None}]
        assert [(one.row, one.column) for one in rejected] == [(2, "value"), (4, "late")]
        assert all(one.reason for one in rejected)
        assert json.loads(rejected[0].data) == misfits.row(1, named=True)

    def test_discard_value_keeps_the_row(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write, misfits: pl.DataFrame
    ) -> None:
        needs(manifest, Capability.DRIFT)
        write(misfits.select("id", value="id").clear())
        done = write(misfits, drift="discard_value")
        assert (done.written, done.rejected, done.discarded) == (4, 0, 2)
        assert [(row["id"], row["value"]) for row in self.found(connector)] == [(1, 1), (2, None), (3, None), (4, 4)]

    def test_quarantine_keeps_rows_beside(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write, misfits: pl.DataFrame
    ) -> None:
        needs(manifest, Capability.DRIFT)
        write(misfits.select("id", value="id").clear())
        for key in ("a", "a"):  # a repeat does not fill it twice
            done = write(misfits, drift="quarantine", effect_key=key)
            assert (done.written, done.rejected) == (2, 2)
        assert [row["id"] for row in self.found(connector)] == [1, 3]
        beside = self.found(connector, f"{self.target}{QUARANTINE}")
        assert sorted(row["column_name"] for row in beside) == ["late", "value"]
        assert all(row["at"] and row["reason"] for row in beside)
        assert sorted((json.loads(row["row_data"]) for row in beside), key=lambda row: row["id"]) == [
            misfits.row(1, named=True), misfits.row(3, named=True),
        ]  # fmt: skip

    def test_a_late_column_is_refused(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write
    ) -> None:
        needs(manifest, Capability.DRIFT)
        import polars as pl

        write(nasty())
        with pytest.raises(DataError, match="late"):
            write(nasty(), nasty().with_columns(late=pl.lit(1)), drift="evolve")
        assert self.found(connector) == nasty().to_dicts()

    def test_plan_says_what_is_lost_and_changes_nothing(
        self, connector: Connector[Any], manifest: ConnectorManifest, write: Write
    ) -> None:
        needs(manifest, Capability.PLAN)
        import polars as pl

        def said(columns: pl.DataFrame, **asked: Any) -> set[tuple[str, str, bool]]:
            options = manifest.write_options(drift=asked.pop("drift", "freeze")) if manifest.write_options else None
            made = connector.plan(self.target, from_polars(columns.schema), options=options, **asked)
            assert all(change.text for change in made)
            return {(change.kind, change.column, change.loses) for change in made}

        frame = nasty()
        assert {kind for kind, _, _ in said(frame)} == {"create"}
        write(frame)
        assert said(frame) == set()
        late = frame.with_columns(late=pl.lit(1))
        assert said(late, drift="evolve") == {("add", "late", False)}
        with pytest.raises(ConfigError, match="late"):
            said(late)
        less = frame.select(pl.col("id").cast(pl.Int16), "text", "number")
        wanted = {("rewrite", "", True), ("drop", "select", True), ("narrow", "id", True)}
        assert wanted <= said(less, mode="overwrite")
        if Capability.MERGE in manifest.capabilities:
            assert said(frame, mode="merge", keys=["id"]) == {("delete", "", True)}
        assert self.found(connector) == frame.to_dicts()

    def keyed(self, connector: Connector[Any], manifest: ConnectorManifest) -> Iterator[Stream]:
        needs(manifest, Capability.PAGES)
        found = [stream for stream in connector.discover() if stream.primary_key]
        assert found, "a stream of the test has a primary key"
        yield from found

    def test_pages_go_on_from_their_state(
        self, connector: Connector[Any], config: dict[str, Any], manifest: ConnectorManifest
    ) -> None:
        """From each state another connection gives exactly the rest, after the state went through JSON."""
        for stream in self.keyed(connector, manifest):
            key, state, seen = stream.primary_key[0], None, []
            every = sorted(rows(connector, stream), key=lambda row, key=key: row[key])  # type: ignore[misc]
            for _ in every:
                opened = self.entry().open(config)
                page = next(opened.pages(stream, batch_rows=1, state=state))
                opened.close()
                seen += page.frame.to_dicts()
                state = json.loads(json.dumps(page.state))
            assert seen == every
            assert list(connector.pages(stream, state=state)) == []
            with pytest.raises(ConfigError):
                next(connector.pages(stream, state={"by": ["another order"], "after": [1]}))
        for stream in connector.discover():
            if not stream.primary_key:
                with pytest.raises(ConfigError, match="no primary key"):
                    next(connector.pages(stream))

    def test_partitions_give_each_row_once(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        for stream in self.keyed(connector, manifest):
            every = rows(connector, stream)
            parts = connector.partitions(stream, 2)
            assert 1 <= len(parts) <= 2
            found = [
                [
                    row
                    for page in connector.pages(stream, state=json.loads(json.dumps(part)))
                    for row in page.frame.to_dicts()
                ]
                for part in parts
            ]
            assert sorted(map(repr, chain.from_iterable(found))) == sorted(map(repr, every))
            assert len(every) < 2 or all(found), "each part has rows"
