"""The transform nodes: rows and columns of one or more frames, without effects."""
# ruff: noqa: E501 - texts for people

from __future__ import annotations

from headrace.sdk import ERROR_PORT, Config, NodeManifest, Port, hookimpl, lazy

from headrace_node_transform import configs as c

_IN, _OUT = (Port("in", "Input"),), (Port("out", "Output"),)
_MANY = (Port("in", "Inputs", many=True),)


def _node(
    id_: str, title: str, summary: str, config: type[Config], factory: str, icon: str, docs: str, *,
    inputs: tuple[Port, ...] = _IN, outputs: tuple[Port, ...] = _OUT, tags: tuple[str, ...] = (),
) -> NodeManifest:  # fmt: skip
    return NodeManifest(
        id=id_, title=title, summary=summary, config=config, factory=lazy(f"headrace_node_transform.{factory}"),
        icon=f"lucide:{icon}", docs=docs, inputs=inputs, outputs=outputs, tags=tags,
    )  # fmt: skip


@hookimpl
def headrace_nodes() -> list[NodeManifest]:
    """Offer the family."""
    return [
        _node("filter", "Filter rows", "Keep rows for which a condition is true.", c.FilterConfig, "rows:Filter", "filter",
              "The condition is a SQL expression. Rows for which it is false or null are left out.", tags=("where",)),
        _node("select", "Select columns", "Keep or leave out columns.", c.SelectConfig, "columns:Select", "columns-3",
              "Kept columns come in the order in which you list them.", tags=("drop", "project")),
        _node("rename", "Rename columns", "Give columns new names.", c.RenameConfig, "columns:Rename", "pencil",
              "Columns that you do not list keep their names. Names may be swapped."),
        _node("cast", "Cast types", "Change the types of columns.", c.CastConfig, "columns:Cast", "replace",
              "Text is trimmed first. Values that do not fit stop the execution, become null, or leave by the error port with "
              "a `_reason`; rows out plus rows rejected are the rows in.", outputs=(*_OUT, ERROR_PORT), tags=("convert", "type")),
        _node("derive", "Derive columns", "Calculate columns with SQL expressions.", c.DeriveConfig, "columns:Derive", "calculator",
              "All expressions see the columns as they came in. `/` gives the real quotient, dividing by zero gives null.",
              tags=("formula", "calculate")),
        _node("sort", "Sort rows", "Order rows by columns.", c.SortConfig, "rows:Sort", "arrow-down-up",
              "Equal rows may come in any order."),
        _node("limit", "Limit rows", "Keep the first rows.", c.LimitConfig, "rows:Limit", "list-end",
              "Give an order to get the same rows each time.", tags=("head", "top")),
        _node("distinct", "Remove duplicates", "Keep one of equal rows.", c.DistinctConfig, "rows:Distinct", "copy-minus",
              "`none` leaves out every row that has a double. The order of the result is not fixed.", tags=("unique", "dedupe")),
        _node("aggregate", "Aggregate", "Group rows and work out totals.", c.AggregateConfig, "reshape:Aggregate", "sigma",
              "As in SQL, aggregates skip nulls, and the sum of nothing is null. Groups come in any order.", tags=("group by", "sum")),
        _node("join", "Join", "Bring two inputs together by keys.", c.JoinConfig, "combine:Join", "merge",
              "A null key matches nothing. Right and full joins give one key column, filled from both sides.",
              inputs=(Port("left", "Left"), Port("right", "Right")), tags=("merge", "lookup")),
        _node("union", "Union", "Put inputs under each other.", c.UnionConfig, "combine:Union", "rows-3",
              "Columns meet by name. Rows keep the order of the inputs.", inputs=_MANY, tags=("append", "concat")),
        _node("pivot", "Pivot", "Turn values into columns.", c.PivotConfig, "reshape:Pivot", "table-2",
              "You declare the values, so the columns are known before the flow is executed.", tags=("crosstab",)),
        _node("unpivot", "Unpivot", "Turn columns into rows.", c.UnpivotConfig, "reshape:Unpivot", "table-rows-split",
              "The columns must have one type.", tags=("melt",)),
        _node("window", "Window", "Rank, compare and accumulate within partitions.", c.WindowConfig, "reshape:Window", "app-window",
              "Rows stay as they are; results are new columns. Nulls are first in the order.", tags=("rank", "lag", "running total")),
        _node("fill_nulls", "Fill nulls", "Put a value in place of nulls.", c.FillConfig, "columns:FillNulls", "paint-bucket",
              "Without columns, all columns are filled that the value fits.", tags=("coalesce", "impute")),
        _node("sample", "Sample rows", "Take a random part that stays the same.", c.SampleConfig, "rows:Sample", "dices",
              "The same seed over the same rows gives the same sample."),
        _node("split", "Split rows", "Send rows to one of two outputs.", c.SplitConfig, "rows:Split", "split",
              "Every row leaves by exactly one port; a null condition counts as false.",
              outputs=(Port("true", "True"), Port("false", "False", required=False)), tags=("if", "route")),
        _node("explode", "Explode lists", "Make a row of each item of a list.", c.ExplodeConfig, "reshape:Explode", "unfold-vertical",
              "A null or empty list gives one row with a null."),
        _node("sql", "SQL", "One SELECT over the inputs.", c.SqlConfig, "combine:Sql", "database",
              "Tables are named after the nodes that feed them; a single one is also called `input`. Read-only: files, settings "
              "and functions with effects are refused.", inputs=_MANY, tags=("query", "select")),
    ]  # fmt: skip
