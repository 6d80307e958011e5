"""Logical types to frames and back, ports, and learning columns without the plan."""
# ruff: noqa: E501 - tables read by line

import polars as pl
import pytest
from headrace.sdk import Column, ConfigError, DataType
from headrace.sdk.frames import columns, follow, from_polars, many, near, nw, polars_schema, require, try_cast
from headrace.testing.engine import SHAPE


def test_logical_types_round_trip():
    assert from_polars(polars_schema(SHAPE)) == SHAPE
    assert columns(nw.from_native(pl.LazyFrame(schema=polars_schema(SHAPE)))) == SHAPE


@pytest.mark.parametrize("kind", [DataType.JSON, DataType.UUID])
def test_json_and_uuid_travel_as_text(kind):
    assert from_polars(polars_schema([Column("x", kind)])) == (Column("x", DataType.TEXT),)


def test_what_has_no_logical_type_is_named():
    with pytest.raises(ConfigError, match="column 'o'"):
        from_polars({"o": pl.Object})


def test_many_keeps_the_order_of_edges():
    frame = nw.from_native(pl.LazyFrame())
    assert list(many({"in[b]": frame, "other": frame, "in[a]": frame}, "in")) == ["b", "a"]


def test_near():
    assert near("Nmae", ["id", "name"]) == "did you mean 'name'?"
    assert near("zzz", ["id", "name"]) == "there is id, name"


def test_require_names_field_and_column():
    with pytest.raises(ConfigError, match="'columns': there is no column 'idd'; did you mean 'id'") as caught:
        require(nw.from_native(pl.LazyFrame({"id": [1]})), ["idd"], "columns")
    assert caught.value.details == {"field": "columns", "column": "idd"}


def test_follow_asks_the_empty_frame_only():
    frame = nw.from_native(pl.LazyFrame({"id": [1]}))
    made = follow(
        frame,
        lambda shape: nw.from_native(pl.LazyFrame(schema=polars_schema(shape))),
        lambda f: f.select(x=nw.col("id") / 2),
    )
    assert columns(made) == (Column("x", DataType.FLOAT, bits=64),)
    assert columns(made) == columns(nw.from_native(made.to_native()))


@pytest.mark.parametrize(("kind", "texts", "expected"), [
    (Column("", DataType.INTEGER), ["1", " 2 ", "x", "1.5", None], [1, 2, None, None, None]),
    (Column("", DataType.BOOLEAN), ["TRUE", "no", "2", None], [True, False, None, None]),
    (Column("", DataType.DATE), ["2024-02-29", "2023-02-29", "x"], ["2024-02-29", None, None]),
    (Column("", DataType.TIMESTAMP), ["2024-02-29T01:02:03Z", "2024-01-01", "x"], ["2024-02-29 01:02:03", "2024-01-01 00:00:00", None]),
    (Column("", DataType.DECIMAL, precision=5, scale=1), ["1.26", "x", "123456"], ["1.3", None, None]),
])  # fmt: skip
def test_try_cast_gives_nulls(kind, texts, expected):
    frame = try_cast(nw.from_native(pl.LazyFrame({"a": texts})), [("x", "a", kind)])
    values = frame.collect().to_native()["x"].to_list()
    assert [value if value is None or isinstance(value, (bool, int)) else str(value) for value in values] == expected
