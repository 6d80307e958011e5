"""What the user fills in: one Config a node."""

from __future__ import annotations

from typing import Annotated, Literal

from headrace.sdk import Config, Field
from msgspec import Struct

TypeName = Literal["boolean", "integer", "float", "decimal", "text", "binary", "date", "time", "timestamp"]
Aggregate = Literal["count", "sum", "avg", "min", "max", "median", "stddev", "variance", "count_distinct", "any_value"]
WindowFunction = Literal[
    "row_number",
    "rank",
    "dense_rank",
    "lag",
    "lead",
    "first",
    "last",
    "cumulative_sum",
    "cumulative_count",
    "cumulative_max",
    "cumulative_min",
    "moving_average",
    "sum",
    "avg",
    "min",
    "max",
    "count",
]
JoinHow = Literal["inner", "left", "right", "full", "semi", "anti", "cross", "asof"]


class SelectConfig(Config):
    """Which columns stay, in which order."""

    columns: Annotated[
        list[str],
        Field("Columns", "Kept in this order, or left out.", min_length=1, widget="columns", examples=[["id"]]),
    ]
    mode: Annotated[Literal["keep", "drop"], Field("Mode", "Keep or leave out the columns.", widget="segmented")] = (
        "keep"
    )


class RenameRow(Struct, forbid_unknown_fields=True):
    """One old and new name."""

    old: Annotated[str, Field("Column", "Name now.", widget="columns")]
    new: Annotated[str, Field("New name", "Name afterwards.", min_length=1)]


class RenameConfig(Config):
    """New names of columns."""

    columns: Annotated[
        list[RenameRow],
        Field(
            "Names",
            "Other columns keep theirs.",
            min_length=1,
            widget="table",
            examples=[[{"old": "id", "new": "key"}]],
        ),
    ]


class CastRow(Struct, forbid_unknown_fields=True):
    """One column's new type."""

    column: Annotated[str, Field("Column", "What to convert.", widget="columns")]
    type: Annotated[TypeName, Field("Type", "Type afterwards.", widget="select")]
    precision: Annotated[int, Field("Precision", "Digits of a decimal.", ge=1, le=38)] = 38
    scale: Annotated[int, Field("Scale", "Digits after the point.", ge=0, le=38)] = 0
    zone: Annotated[str, Field("Time zone", "IANA name, for timestamps; empty is local.", widget="timezone")] = ""


class CastConfig(Config):
    """Types of columns, and what happens to values that do not fit."""

    columns: Annotated[
        list[CastRow],
        Field(
            "Types",
            "Other columns keep theirs.",
            min_length=1,
            widget="schema",
            examples=[[{"column": "id", "type": "text"}]],
        ),
    ]
    on_failure: Annotated[
        Literal["error", "null", "reject"],
        Field("If a value does not fit", "Stop, make it null, or send the row to the error port.", widget="segmented"),
    ] = "error"


class DeriveRow(Struct, forbid_unknown_fields=True):
    """One calculated column."""

    name: Annotated[str, Field("Column", "New name, or one to replace.", min_length=1)]
    expression: Annotated[str, Field("Expression", "SQL over the columns.", widget="expression", language="sql")]


class DeriveConfig(Config):
    """Calculated columns; all see the columns as they came in."""

    columns: Annotated[
        list[DeriveRow],
        Field(
            "Columns",
            "Each is one SQL expression.",
            min_length=1,
            widget="table",
            examples=[[{"name": "twice", "expression": "id * 2"}]],
        ),
    ]


class FilterConfig(Config):
    """Which rows stay."""

    where: Annotated[
        str,
        Field(
            "Condition",
            "SQL expression; rows stay for which it is true.",
            widget="expression",
            language="sql",
            examples=["id > 1"],
        ),
    ]


class SplitConfig(Config):
    """Which rows go to the port `true`."""

    where: Annotated[
        str,
        Field(
            "Condition",
            "True rows go to 'true', all others (false or null) to 'false'.",
            widget="expression",
            language="sql",
            examples=["id > 1"],
        ),
    ]


class SortRow(Struct, forbid_unknown_fields=True):
    """One column of an order."""

    column: Annotated[str, Field("Column", "What to sort by.", widget="columns")]
    descending: Annotated[bool, Field("Descending", "Largest first.", widget="switch")] = False


class SortConfig(Config):
    """The order of the rows."""

    by: Annotated[
        list[SortRow],
        Field("Order", "First column first.", min_length=1, widget="table", examples=[[{"column": "id"}]]),
    ]
    nulls_last: Annotated[bool, Field("Nulls last", "Otherwise nulls come first.", widget="switch")] = True


class LimitConfig(Config):
    """How many rows."""

    rows: Annotated[int, Field("Rows", "At most this many.", ge=0, examples=[10])]
    order: Annotated[list[SortRow], Field("Order", "Which rows are first; as they come if empty.", widget="table")] = []


class DistinctConfig(Config):
    """Which rows are the same."""

    columns: Annotated[
        list[str],
        Field("Columns", "Rows equal in these are one; all columns if empty.", widget="columns", examples=[["id"]]),
    ] = []
    keep: Annotated[
        Literal["any", "first", "last", "none"], Field("Keep", "Which of the equal rows.", widget="select")
    ] = "any"
    order_by: Annotated[list[str], Field("Order", "What first and last go by.", widget="columns")] = []


class AggregateRow(Struct, forbid_unknown_fields=True):
    """One aggregate."""

    name: Annotated[str, Field("Name", "Name of the result.", min_length=1)]
    function: Annotated[
        Aggregate, Field("Function", "What to work out; ignored with an expression.", widget="select")
    ] = "count"
    column: Annotated[str, Field("Column", "Over which column; empty counts rows.", widget="columns")] = ""
    expression: Annotated[
        str, Field("Expression", "Or your own: sum(a) / count(*).", widget="expression", language="sql")
    ] = ""


class AggregateConfig(Config):
    """Groups and what to work out for each."""

    aggregates: Annotated[
        list[AggregateRow],
        Field(
            "Aggregates",
            "One column each.",
            min_length=1,
            widget="aggregations",
            examples=[[{"name": "n", "function": "count"}]],
        ),
    ]
    by: Annotated[
        list[str], Field("Group by", "One row for each combination; a single row if empty.", widget="columns")
    ] = []


class JoinKey(Struct, forbid_unknown_fields=True):
    """A pair of columns that must be equal."""

    left: Annotated[str, Field("Left", "Column of the left input.", widget="columns", port="left")]
    right: Annotated[str, Field("Right", "Column of the right input.", widget="columns", port="right")]


class JoinConfig(Config):
    """How two inputs meet."""

    how: Annotated[JoinHow, Field("Kind", "Which rows stay.", widget="select", examples=["inner"])] = "inner"
    keys: Annotated[
        list[JoinKey],
        Field(
            "Keys",
            "Columns that must be equal; a null equals nothing.",
            widget="join-keys",
            examples=[[{"left": "id", "right": "id"}]],
        ),
    ] = []
    suffix: Annotated[str, Field("Suffix", "For columns of the right that the left has too.", min_length=1)] = "_right"
    asof: Annotated[JoinKey | None, Field("Nearest", "For as-of: the ordered columns.", visible_if={"how": "asof"})] = (
        None
    )
    strategy: Annotated[
        Literal["backward", "forward", "nearest"],
        Field("Direction", "For as-of: which right row.", widget="select", visible_if={"how": "asof"}),
    ] = "backward"


class UnionConfig(Config):
    """How inputs are put under each other."""

    mode: Annotated[
        Literal["relaxed", "strict"],
        Field(
            "Columns",
            "Relaxed fills missing columns with nulls; strict wants the same everywhere.",
            widget="segmented",
            examples=["relaxed"],
        ),
    ] = "relaxed"


class PivotConfig(Config):
    """Rows to columns."""

    by: Annotated[
        list[str], Field("Rows", "One row for each combination.", widget="columns", min_length=1, examples=[["id"]])
    ]
    column: Annotated[str, Field("Columns from", "Its values become columns.", widget="columns", examples=["name"])]
    values: Annotated[
        list[str],
        Field(
            "Values",
            "The values that become columns, in this order.",
            widget="tags",
            min_length=1,
            max_length=1000,
            examples=[["x", "y"]],
        ),
    ]
    value: Annotated[str, Field("Value", "What to fill in.", widget="columns", examples=["id"])]
    function: Annotated[
        Literal["sum", "avg", "min", "max", "count", "any_value"],
        Field("Function", "For several rows.", widget="select"),
    ] = "sum"


class UnpivotConfig(Config):
    """Columns to rows."""

    columns: Annotated[
        list[str],
        Field("Columns", "Each becomes a row; types must agree.", widget="columns", min_length=1, examples=[["id"]]),
    ]
    index: Annotated[list[str], Field("Keep", "Repeated beside each row; all others if empty.", widget="columns")] = []
    name_to: Annotated[str, Field("Name column", "Holds the column's name.", min_length=1)] = "variable"
    value_to: Annotated[str, Field("Value column", "Holds the value.", min_length=1)] = "value"


class WindowRow(Struct, forbid_unknown_fields=True):
    """One window column."""

    name: Annotated[str, Field("Name", "Name of the result.", min_length=1)]
    function: Annotated[WindowFunction, Field("Function", "What to work out.", widget="select")]
    column: Annotated[str, Field("Column", "Over which column.", widget="columns")] = ""
    rows: Annotated[int, Field("Rows", "Distance of lag and lead, or size of the moving window.", ge=1, le=100000)] = 1


class WindowConfig(Config):
    """Columns that look at neighbouring rows; the rows stay."""

    functions: Annotated[
        list[WindowRow],
        Field(
            "Columns",
            "One result each.",
            widget="table",
            min_length=1,
            examples=[[{"name": "n", "function": "row_number"}]],
        ),
    ]
    partition_by: Annotated[list[str], Field("Partition by", "Each combination on its own.", widget="columns")] = []
    order_by: Annotated[
        list[SortRow], Field("Order by", "Order within a partition.", widget="table", examples=[[{"column": "id"}]])
    ] = []


class FillConfig(Config):
    """What stands in place of nulls."""

    columns: Annotated[
        list[str], Field("Columns", "Where to fill; all that fit if empty.", widget="columns", examples=[["id"]])
    ] = []
    method: Annotated[
        Literal["value", "mean", "min", "max", "zero", "forward", "backward"],
        Field("Method", "What to fill in.", widget="select", examples=["zero"]),
    ] = "value"
    value: Annotated[
        str, Field("Value", "SQL expression, such as 0 or 'none'.", widget="expression", language="sql", examples=["0"])
    ] = "0"
    order_by: Annotated[list[str], Field("Order", "For forward and backward.", widget="columns")] = []


class SampleConfig(Config):
    """A part of the rows, the same each time for the same seed."""

    fraction: Annotated[
        float, Field("Fraction", "Share of the rows; ignored with a number.", ge=0, le=1, examples=[0.5])
    ] = 0.1
    rows: Annotated[int, Field("Rows", "Exactly this many if there are as many; 0 uses the fraction.", ge=0)] = 0
    seed: Annotated[int, Field("Seed", "Another one gives other rows.", ge=0, le=2147483647)] = 1


class ExplodeConfig(Config):
    """Lists to rows."""

    columns: Annotated[
        list[str],
        Field(
            "Columns",
            "Lists of equal length; an empty one gives a null.",
            widget="columns",
            min_length=1,
            examples=[["tags"]],
        ),
    ]


class SqlConfig(Config):
    """A SELECT over the inputs."""

    query: Annotated[
        str,
        Field(
            "SQL",
            "One SELECT; tables are the inputs' node ids, or `input` for a single one.",
            widget="code",
            language="sql",
            min_length=1,
            examples=["SELECT id FROM input"],
        ),
    ]
