"""A tiny, honest node, and mutants of it: each breaks one promise that a rule of the node contract must notice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Annotated, Any, TypeVar

import narwhals as nw
import polars as pl
from headrace.sdk import Config, Effect, Field, Node, NodeManifest, lazy
from msgspec import Struct

MUTANTS: dict[str, NodeMutant] = {}
Class = TypeVar("Class", bound=type)


class FilledConfig(Config):
    column: Annotated[str, Field("Column", "Rows without a value in it are left out.")]


class Filled(Node[FilledConfig]):
    """Keep the rows that have a value."""

    def run(self, ctx, inputs):
        return {"out": self.step(inputs["in"]).filter(~nw.col(self.config.column).is_null())}

    def step(self, frame):
        return frame


class NodeMutant(Struct, frozen=True, kw_only=True):
    """One broken promise.

    Attributes:
        rules: The rules that fail, and no others.
        node: The class.
        manifest: Changes to the declaration.
    """

    name: str
    rules: frozenset[str]
    node: type = Filled
    manifest: Mapping[str, Any] = {}

    def declared(self) -> NodeManifest:
        """The manifest."""
        given = {
            "id": "filled", "title": "Filled", "summary": "Rows with a value", "config": FilledConfig,
            "factory": lazy(f"{__name__}:{self.node.__qualname__}"), "icon": "lucide:filter", "docs": "Nulls leave.",
        }  # fmt: skip
        return NodeManifest(**{**given, **self.manifest})


HONEST = NodeMutant(name="Honest", rules=frozenset())


def declares(name: str, *rules: str, **changes: Any) -> None:
    """Add a mutant that is wrong in its declaration."""
    MUTANTS[name] = NodeMutant(name=name, rules=frozenset(f"test_{rule}" for rule in rules), manifest=changes)


def breaks(*rules: str) -> Callable[[Class], Class]:
    """Add a class as a mutant."""

    def added(kind: Class) -> Class:
        named = frozenset(f"test_{rule}" for rule in rules)
        MUTANTS[kind.__name__] = NodeMutant(name=kind.__name__, rules=named, node=kind)
        return kind

    return added


class Undescribed(Config):
    column: Annotated[str, Field("Column")]


class Loose(Config, forbid_unknown_fields=False):
    column: Annotated[str, Field("Column", "Rows without a value in it are left out.")]


declares("NoSummary", "declared", summary="")
declares("NoDocs", "declared", docs="")
declares("NoIcon", "declared", icon="filter")
declares("HasAnEffect", "declared", effect=Effect.CREATE)
declares("FieldWithoutDescription", "declared", config=Undescribed)
declares("TakesUnknownFields", "unknown_field_is_refused", config=Loose)


@breaks("declared_ports")
class GivesAnUndeclaredPort(Filled):
    def run(self, ctx, inputs):
        return {**super().run(ctx, inputs), "rest": inputs["in"]}


@breaks("declared_ports")
class ForgetsAPort(Filled):
    def run(self, ctx, inputs):
        return {}


@breaks("never_collects")
class Collects(Filled):
    def step(self, frame):
        return frame.collect().lazy()


@breaks("never_collects")
class CollectsALittle(Filled):
    """Looks at the first row only, to decide something."""

    def step(self, frame):
        frame.head(1).collect()
        return frame


class _Batches(Filled):
    """A function over the rows, which the planner cannot look into."""

    def step(self, frame):
        native = frame.to_native().map_batches(self.changed, validate_output_schema=False)
        return nw.from_native(native)

    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        raise NotImplementedError


@breaks("schema_known_without_executing")
class ChangesATypeOnItsWay(_Batches):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("id").cast(pl.String))


@breaks("empty_input")
class FailsOnNoRows(_Batches):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not frame.height:
            raise ValueError("no rows")
        return frame


@breaks("empty_input")
class MakesRowsOfNothing(_Batches):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        row = pl.DataFrame([{"id": 0, "name": "total", "value": 0.0}], schema=frame.schema)
        return pl.concat([frame, row, row])


@breaks("null_only_columns")
class FailsOnNullsOnly(_Batches):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        if frame.height:
            round(frame["value"].max())
        return frame


@breaks("pure")
class Counts(Filled):
    seen = count()

    def step(self, frame):
        return frame.with_columns(nw.lit(next(self.seen)).alias("execution"))


@breaks("pure")
class RollsDice(Filled):
    def step(self, frame):
        dice = pl.col("id").map_batches(lambda ids: pl.Series([next(Counts.seen)] * len(ids)), pl.Int64)
        return nw.from_native(frame.to_native().with_columns(dice=dice))
