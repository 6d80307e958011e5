"""Logical types to and from narwhals and Polars; the one place that chooses the narwhals version.

Importing this loads narwhals; work modules import it, declarations do not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals as nw

from headrace.sdk.errors import ConfigError
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

Frame: TypeAlias = "nw.LazyFrame[Any]"
Frames: TypeAlias = Mapping[str, "nw.LazyFrame[Any]"]

__all__ = [
    "Frame",
    "Frames",
    "column",
    "columns",
    "dtype",
    "follow",
    "follow_all",
    "from_polars",
    "many",
    "names",
    "near",
    "nw",
    "polars_dtype",
    "polars_schema",
    "remembered",
    "require",
    "try_cast",
]  # fmt: skip

_INTEGERS = {
    (8, True): nw.Int8, (16, True): nw.Int16, (32, True): nw.Int32, (64, True): nw.Int64, (128, True): nw.Int128,
    (8, False): nw.UInt8, (16, False): nw.UInt16, (32, False): nw.UInt32, (64, False): nw.UInt64,
}  # fmt: skip
_INTEGER_BITS = {kind: shape for shape, kind in _INTEGERS.items()}
_REMEMBERED = "_headrace_columns"
SHAPES_MAX = 4_096
_shapes: dict[tuple[Hashable, tuple[tuple[Column, ...], ...]], tuple[Column, ...]] = {}
_PLAIN = {
    DataType.BOOLEAN: nw.Boolean, DataType.TEXT: nw.String, DataType.JSON: nw.String, DataType.UUID: nw.String,
    DataType.BINARY: nw.Binary, DataType.DATE: nw.Date, DataType.TIME: nw.Time,
}  # fmt: skip
_LOGICAL = {
    nw.Boolean: DataType.BOOLEAN, nw.String: DataType.TEXT, nw.Categorical: DataType.TEXT, nw.Enum: DataType.TEXT,
    nw.Binary: DataType.BINARY, nw.Date: DataType.DATE, nw.Time: DataType.TIME, nw.Duration: DataType.DURATION,
}  # fmt: skip


def dtype(column: Column) -> Any:
    """The narwhals type of a logical column; JSON and UUID travel as text."""
    kind = column.type
    if kind in _PLAIN:
        return _PLAIN[kind]()
    if kind is DataType.INTEGER:
        return _INTEGERS.get((column.bits or 64, column.signed), nw.Int64)()
    if kind is DataType.FLOAT:
        return nw.Float32() if column.bits == 32 else nw.Float64()
    if kind is DataType.DECIMAL:
        return nw.Decimal(column.precision or 38, column.scale)
    if kind is DataType.TIMESTAMP:
        return nw.Datetime("us", column.zone or None)
    if kind is DataType.DURATION:
        return nw.Duration("us")
    if kind is DataType.LIST:
        return nw.List(dtype(column.inner[0]) if column.inner else nw.String())
    return nw.Struct([nw.Field(field.name, dtype(field)) for field in column.inner])


def column(name: str, kind: Any) -> Column:
    """The logical column of a narwhals type.

    Raises:
        ConfigError: the type has no logical counterpart.
    """
    base = type(kind) if isinstance(kind, nw.dtypes.DType) else kind
    if base in _LOGICAL:
        return Column(name, _LOGICAL[base])
    if base in _INTEGER_BITS:
        bits, signed = _INTEGER_BITS[base]
        return Column(name, DataType.INTEGER, bits=bits, signed=signed)
    if base in {nw.Float32, nw.Float64, nw.Float16}:
        return Column(name, DataType.FLOAT, bits=64 if base is nw.Float64 else 32)
    if base is nw.Decimal:
        precision, scale = getattr(kind, "precision", None), getattr(kind, "scale", None)
        return Column(name, DataType.DECIMAL, precision=precision or 38, scale=scale or 0)
    if base is nw.Datetime:
        return Column(name, DataType.TIMESTAMP, zone=kind.time_zone or "")
    if base in {nw.List, nw.Array}:
        return Column(name, DataType.LIST, inner=(column("item", kind.inner),))
    if base is nw.Struct:
        return Column(name, DataType.STRUCT, inner=tuple(column(f.name, f.dtype) for f in kind.fields))
    if base is nw.Unknown:  # a column of nulls only
        return Column(name, DataType.TEXT)
    raise ConfigError(f"column '{name}' has the type {kind}, which headrace cannot carry; cast or drop it", column=name)


def columns(frame: nw.LazyFrame[Any]) -> tuple[Column, ...]:
    """Logical columns of a frame, without executing it.

    Those that `follow` remembered come at once. Asking the frame costs time in the length of its plan, so that a chain
    of ten thousand steps that ask at each would take minutes.
    """
    known: tuple[Column, ...] | None = getattr(frame, _REMEMBERED, None)
    if known is None:
        known = tuple(column(name, kind) for name, kind in frame.collect_schema().items())
        setattr(frame, _REMEMBERED, known)
    return known


def remembered(frame: nw.LazyFrame[Any], known: Sequence[Column]) -> nw.LazyFrame[Any]:
    """The frame, whose columns are known and need not be asked for."""
    setattr(frame, _REMEMBERED, tuple(known))
    return frame


def names(frame: nw.LazyFrame[Any]) -> list[str]:
    """Names of a frame's columns, without executing it."""
    return [column.name for column in columns(frame)]


def follow(
    frame: nw.LazyFrame[Any], empty: Callable[[Sequence[Column]], nw.LazyFrame[Any]],
    step: Callable[[nw.LazyFrame[Any]], nw.LazyFrame[Any]], *, name: Hashable = None,
) -> nw.LazyFrame[Any]:  # fmt: skip
    """Apply a step, and learn the columns of its result from an empty frame instead of the long plan.

    Args:
        frame: What goes in.
        empty: Makes a frame of no rows: `ctx.engine.empty`.
        step: Pure; called twice.
        name: Equal names are equal steps: what one makes of the same columns is learned once in a process.
    """
    return follow_all((frame,), empty, step, name=name)


def follow_all(
    frames: Sequence[nw.LazyFrame[Any]], empty: Callable[[Sequence[Column]], nw.LazyFrame[Any]],
    step: Callable[..., nw.LazyFrame[Any]], *, name: Hashable = None,
) -> nw.LazyFrame[Any]:  # fmt: skip
    """The same for a step over several frames."""
    before = tuple(map(columns, frames))
    shape = _shapes.get((name, before)) if name is not None else None
    if shape is None:
        shape = columns(step(*map(empty, before)))
        if name is not None:
            if len(_shapes) >= SHAPES_MAX:
                _shapes.clear()
            _shapes[name, before] = shape
    return remembered(step(*frames), shape)


def polars_dtype(column: Column) -> Any:
    """The Polars type of a logical column."""
    import polars as pl

    names = {
        DataType.BOOLEAN: pl.Boolean, DataType.TEXT: pl.String, DataType.JSON: pl.String, DataType.UUID: pl.String,
        DataType.BINARY: pl.Binary, DataType.DATE: pl.Date, DataType.TIME: pl.Time,
    }  # fmt: skip
    kind = column.type
    if kind in names:
        return names[kind]()
    if kind is DataType.INTEGER:
        return getattr(pl, dtype(column).__class__.__name__)()
    if kind is DataType.FLOAT:
        return pl.Float32() if column.bits == 32 else pl.Float64()
    if kind is DataType.DECIMAL:
        return pl.Decimal(column.precision or 38, column.scale)
    if kind is DataType.TIMESTAMP:
        return pl.Datetime("us", column.zone or None)
    if kind is DataType.DURATION:
        return pl.Duration("us")
    if kind is DataType.LIST:
        return pl.List(polars_dtype(column.inner[0]) if column.inner else pl.String())
    return pl.Struct([pl.Field(field.name, polars_dtype(field)) for field in column.inner])


def polars_schema(columns: Iterable[Column]) -> pl.Schema:
    """The Polars schema of logical columns."""
    import polars as pl

    return pl.Schema({column.name: polars_dtype(column) for column in columns})


def from_polars(schema: Mapping[str, Any]) -> tuple[Column, ...]:
    """Logical columns of a Polars schema."""
    import polars as pl

    empty = nw.from_native(pl.DataFrame(schema=dict(schema)))
    return tuple(column(name, kind) for name, kind in empty.schema.items())


def many(inputs: Frames, port: str) -> dict[str, nw.LazyFrame[Any]]:
    """Frames of a port that takes many edges, by the id of their source node, in edge order."""
    start = f"{port}["
    found = {key[len(start) : -1]: frame for key, frame in inputs.items() if key.startswith(start) and key[-1] == "]"}
    if not found and port in inputs:
        found[port] = inputs[port]
    return found


def near(name: str, names: Iterable[str]) -> str:
    """Words that help with an unknown name: the nearest one, else the first few."""
    known = list(names)
    lower = {known_name.lower(): known_name for known_name in known}
    match = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    if match:
        return f"did you mean '{lower[match[0]]}'?"
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"there is {listed}" if known else "there are no columns"


def require(frame: nw.LazyFrame[Any], names: Iterable[str], field: str) -> None:
    """Refuse names that the frame has not got.

    Raises:
        ConfigError: naming the node's field, the column and the nearest one.
    """
    known = [column.name for column in columns(frame)]
    have = set(known)
    for name in names:
        if name not in have:
            raise ConfigError(f"'{field}': there is no column '{name}'; {near(name, known)}", field=field, column=name)


def try_cast(frame: nw.LazyFrame[Any], casts: Sequence[tuple[str, str, Column]]) -> nw.LazyFrame[Any]:
    """Add columns `(new, old, type)` where a value that does not fit becomes null.

    Raises:
        ConfigError: the engine has no cast that gives nulls.
    """
    native = frame.to_native()
    if not frame.implementation.is_polars():
        raise ConfigError(
            "this engine cannot cast with nulls on failure; use the engine 'polars' or fail on bad values"
        )
    import polars as pl

    schema = native.collect_schema()
    made = [_polars_cast(pl.col(old), schema[old], kind).alias(new) for new, old, kind in casts]
    result: nw.LazyFrame[Any] = nw.from_native(native.with_columns(made))
    return result


def _polars_cast(value: pl.Expr, source: Any, target: Column) -> pl.Expr:
    import polars as pl

    kind = polars_dtype(target)
    if source != pl.String or target.type is DataType.TEXT:
        return value.cast(kind, strict=False)
    text = value.str.strip_chars()
    if target.type is DataType.BOOLEAN:
        words = {"true": True, "t": True, "yes": True, "y": True, "1": True, "on": True}
        words |= {"false": False, "f": False, "no": False, "n": False, "0": False, "off": False}
        return text.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)
    if target.type is DataType.DATE:
        return text.str.to_date("%Y-%m-%d", strict=False)
    if target.type is DataType.TIME:
        return text.str.to_time("%H:%M:%S%.f", strict=False)
    if target.type is DataType.TIMESTAMP:
        plain = text.str.replace("T", " ", literal=True).str.strip_suffix("Z")
        whole = pl.when(plain.str.len_chars() == 10).then(plain + " 00:00:00").otherwise(plain)
        moment = whole.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
        return moment.dt.replace_time_zone(target.zone) if target.zone else moment
    return text.cast(kind, strict=False)
