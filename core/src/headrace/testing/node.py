"""The node contract: subclass `NodeContract`, name the node, give a config and inputs."""
# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from headrace.sdk import Effect, Engine, HeadraceError, NodeManifest, Reject, config_schema, parse_config
from headrace.sdk.forms import HINTS
from headrace.sdk.narrowing import Narrowing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl


class FakeContext:
    """A NodeContext that keeps what it is told."""

    def __init__(
        self, engine: Engine, scratch: Path, params: Mapping[str, Any] | None = None,
        input_data: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.execution_id, self.node_id, self.attempt, self.effect_key = "execution", "node", 1, "execution:node"
        self.params: Mapping[str, Any] = params or {}
        self.input_data: Mapping[str, Any] = input_data or {}
        self.engine, self.scratch = engine, scratch
        self.rejected: list[Reject] = []
        self.lines: list[str] = []
        self.results: list[Any] = []
        self.narrowing = lambda _stream: Narrowing()

    def connector(self, connection: str) -> Any:
        """Contract tests have no connections."""
        raise NotImplementedError(connection)

    def reject(self, rows: Sequence[Reject]) -> None:
        """Keep them."""
        self.rejected.extend(rows)

    @property
    def rejects_connected(self) -> bool:
        """They are kept."""
        return True

    def wrote(self, result: Any, *, connection: str = "", target: str = "") -> None:
        """Keep it."""
        self.results.append(result)

    def progress(self, rows: int) -> None:
        """Nothing cancels here."""

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Keep it."""
        self.lines.append(f"{level} {message} {fields or ''}".strip())


def installed_engine(engine_id: str = "polars") -> Engine:
    """An engine of an installed plugin."""
    for point in entry_points(group="headrace"):
        if point.name == f"plugin-engine_{engine_id}":
            for manifest in import_module(point.value).headrace_engines():
                engine: Engine = manifest.factory.load()()
                return engine
    raise LookupError(f"the engine '{engine_id}' is not installed")


class NodeContract:
    """Rules for every node without effects.

    Attributes:
        package: Package of the declaration.
        node_id: Id inside the family.
        config: A config that works on `inputs()`.
        skip_reasons: `{"test_...": "why"}`, the only way to skip.
    """

    package: ClassVar[str]
    node_id: ClassVar[str]
    config: ClassVar[dict[str, Any]]
    skip_reasons: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _skip(self, request: pytest.FixtureRequest) -> None:
        reason = self.skip_reasons.get(request.node.originalname)
        if reason:
            pytest.skip(reason)

    @pytest.fixture
    def manifest(self) -> NodeManifest:
        """The declaration under test."""
        declared: list[NodeManifest] = import_module(self.package).headrace_nodes()
        return next(node for node in declared if node.id == self.node_id)

    @pytest.fixture
    def engine(self) -> Engine:
        """Polars; override to try another."""
        return installed_engine()

    @pytest.fixture
    def context(self, engine: Engine, tmp_path: Path) -> FakeContext:
        """What the node may touch."""
        return FakeContext(engine, tmp_path)

    def inputs(self) -> dict[str, pl.DataFrame]:
        """Frames by input port; override for other columns or several ports."""
        import polars as pl

        return {
            "in": pl.DataFrame({"id": [1, 2, 2, None], "name": ["x", "y", None, "x"], "value": [1.5, None, 2.5, -1.0]})
        }

    def result(
        self, manifest: NodeManifest, context: FakeContext, frames: Mapping[str, pl.DataFrame]
    ) -> dict[str, Any]:
        """Output frames, still lazy."""
        node = manifest.factory.load()(parse_config(manifest.config, self.config))
        return dict(node.run(context, {port: context.engine.adopt(frame.lazy()) for port, frame in frames.items()}))

    @staticmethod
    def rows(context: FakeContext, frame: Any) -> list[str]:
        """Rows as texts in a fixed order."""
        return sorted(str(row) for batch in context.engine.batches(frame) for row in batch.iter_rows())

    def test_declared(self, manifest: NodeManifest) -> None:
        assert manifest.title
        assert manifest.summary
        assert manifest.icon.startswith("lucide:")
        assert manifest.docs
        assert manifest.effect is Effect.NONE
        schema = config_schema(manifest.config)
        assert "$ref" not in str(schema)
        assert "anyOf" not in str(schema)
        for name, field in schema["properties"].items():
            assert field.get("title"), f"{name} has no title"
            assert field.get("description"), f"{name} has no description"
            assert set(field.get("x-ui", {})) <= HINTS

    def test_declared_ports(self, manifest: NodeManifest, context: FakeContext) -> None:
        made = self.result(manifest, context, self.inputs())
        assert set(made) <= {port.name for port in manifest.outputs}
        assert {port.name for port in manifest.outputs if port.kind == "data"} <= set(made)

    def test_never_collects(
        self, manifest: NodeManifest, context: FakeContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import polars as pl

        def refused(*_: object, **__: object) -> None:
            raise AssertionError("the node executes its input")

        with monkeypatch.context() as patch:
            for name in ("collect", "sink_parquet", "collect_batches", "fetch"):
                patch.setattr(pl.LazyFrame, name, refused, raising=False)
            made = self.result(manifest, context, self.inputs())
        assert all(frame.to_native().__class__ is pl.LazyFrame for frame in made.values())

    def test_schema_known_without_executing(self, manifest: NodeManifest, context: FakeContext) -> None:
        for frame in self.result(manifest, context, self.inputs()).values():
            told = context.engine.columns(frame)
            assert told
            batch = next(iter(context.engine.batches(frame)))
            assert told == context.engine.columns(context.engine.adopt(batch.lazy()))

    def test_empty_input(self, manifest: NodeManifest, context: FakeContext) -> None:
        full = self.result(manifest, context, self.inputs())
        empty = self.result(manifest, context, {port: frame.clear() for port, frame in self.inputs().items()})
        for port, frame in empty.items():
            assert context.engine.columns(frame) == context.engine.columns(full[port])
            assert context.engine.count(frame) <= 1

    def test_null_only_columns(self, manifest: NodeManifest, context: FakeContext) -> None:
        import polars as pl

        nulls = {port: frame.select(pl.lit(None).cast(kind).repeat_by(3).explode(empty_as_null=True).alias(name)
                                    for name, kind in frame.schema.items())
                 for port, frame in self.inputs().items()}  # fmt: skip
        for frame in self.result(manifest, context, nulls).values():
            assert context.engine.count(frame) >= 0

    def test_pure(self, manifest: NodeManifest, context: FakeContext) -> None:
        first = self.result(manifest, context, self.inputs())
        again = self.result(manifest, context, self.inputs())
        for port in first:
            assert self.rows(context, first[port]) == self.rows(context, again[port])

    def test_unknown_field_is_refused(self, manifest: NodeManifest) -> None:
        with pytest.raises(HeadraceError, match="no_such_field"):
            parse_config(manifest.config, {**self.config, "no_such_field": 1})
