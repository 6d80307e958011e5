"""The read-only SQL policy: one SELECT, allow-listed parts, named relations, re-rendered text.

Never send the user's own text: comments and quoting differ between parsers, the re-rendered tree does not.
"""
# ruff: noqa: SIM905, E501 - a page of names, not two hundred lines

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from headrace.sdk.errors import ConfigError
from headrace.sdk.expressions import MAX_DEPTH, MAX_TEXT, bound_tokens, bound_tree

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlglot import exp

MAX_NODES: Final = 1_000
SYSTEM_SCHEMAS: Final = frozenset(
    """
    pg_catalog information_schema pg_toast pg_temp mysql performance_schema sys sysibm syscat system
    sqlite_master sqlite_schema sqlite_temp_master sqlite_temp_schema duckdb_settings temp
    """.split()
)
_SYSTEM_PREFIXES: Final = (
    "pg_",
    "sqlite_",
    "duckdb_",
    "dba_",
    "all_tab",
    "user_tab",
    "v$",
    "x$",
    "svv_",
    "stl_",
    "stv_",
)
FUNCTIONS: Final = frozenset(
    """
    abs acos asin atan atan2 avg bit_length ceil ceiling char_length character_length coalesce concat
    concat_ws cos count covar_pop covar_samp corr cume_dist current_date current_time current_timestamp date
    date_add date_diff date_part date_sub date_trunc datediff day dayofmonth dayofweek dayofyear dateadd
    degrees dense_rank ends_with endswith exp extract first first_value floor greatest hour if ifnull initcap
    iff instr isnan lag last last_day last_value lcase lead least left len length ln locate log log10 log2
    lower lpad ltrim make_date make_timestamp max md5 median min minute mod month nth_value ntile nullif nvl
    percent_rank percentile_cont percentile_disc pi position pow power quantile_cont quarter radians rank
    regexp_like regexp_matches regexp_replace replace reverse right round row_number rpad rtrim second sign
    sin split_part sqrt starts_with startswith stddev stddev_pop stddev_samp str_position strftime string_agg
    strpos strptime substr substring sum tan timestampdiff timestamp_trunc to_char to_date to_timestamp trim
    trunc truncate ucase upper var_pop var_samp variance variance_pop week weekofyear year any_value bool_and
    bool_or every logical_and logical_or group_concat array_agg arg_max arg_min cast try_cast convert case and
    or xor not exists date_from_parts time_to_str str_to_time str_to_date ts_or_ds_to_date unix_to_time
    day_of_week day_of_month day_of_year week_of_year pad timestamp_from_parts approx_distinct sha256 sha2
    isnull nvl2 contains ts_or_ds_to_timestamp grouping like_any interval count_if countif
    """.split()
)
"""Scalar, aggregate and window functions without effects, files, sessions or sleeping."""


class Checked(Struct, frozen=True):
    """A statement that passed.

    Attributes:
        sql: Re-rendered in the target dialect, without comments.
        relations: The tables that it reads, as written, sorted.
        values: With `placeholders`, texts that hold a colon: bound under these names, so that no driver takes them apart.
    """

    sql: str
    relations: tuple[str, ...]
    values: dict[str, str] = {}


def check_select(
    sql: str, *, dialect: str, relations: Collection[str] | None = None, functions: Collection[str] = (),
    limit: int | None = None, target: str = "", qualified: bool = True, identify: bool = False,
    placeholders: bool = False,
) -> Checked:  # fmt: skip
    """Check one SELECT and render it anew.

    Args:
        sql: The user's statement.
        dialect: sqlglot's name of the dialect in which it is written; must be the target's own.
        relations: The only tables allowed, as `name` or `schema.name`; None allows all but system ones.
        functions: More function names to allow.
        limit: Rows at most; a lower LIMIT of the statement stays.
        target: Dialect to render; `dialect` if empty.
        qualified: Whether tables may carry a schema.
        identify: Quote every identifier, where the target's letter case matters.
        placeholders: Whether `:name` may stand for a bound value.

    Raises:
        ConfigError: what is refused and why; `details` has `line` and `column` where known.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if len(sql) > MAX_TEXT:
        raise ConfigError(f"the statement has {len(sql)} characters, {MAX_TEXT} are allowed; split it into steps")
    bound_tokens(sql, dialect, MAX_DEPTH)
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        line, column = int(first.get("line") or 1), int(first.get("col") or 1)
        near = str(first.get("highlight") or "")
        where = f" near '{near[:40]}'" if near else ""
        raise ConfigError(f"the SQL cannot be read at line {line}, character {column}{where}; check commas, quotes and brackets",
                          line=line, column=column) from None  # fmt: skip
    except RecursionError:
        raise ConfigError(f"the SQL is nested more than {MAX_DEPTH} deep; split it into steps") from None
    if len(trees) != 1:
        raise ConfigError(f"the SQL has {len(trees)} statements, exactly one SELECT is allowed; remove the others")
    tree: Any = trees[0]
    if not isinstance(tree, (exp.Select, exp.SetOperation)):
        raise ConfigError(f"the SQL is {_word(tree)}, only SELECT is allowed; use a write node to change data")
    bound_tree(tree, MAX_NODES, MAX_DEPTH)
    _parts(tree, FUNCTIONS | {name.lower() for name in functions}, placeholders=placeholders)
    found = _relations(tree, relations, qualified=qualified)
    if limit is not None:
        tree = _limited(tree, limit)
    values = _bound(tree) if placeholders else {}
    text = tree.sql(dialect=target or dialect, comments=False, identify=identify)
    return Checked(text, tuple(sorted(found)), values)


def _bound(tree: exp.Expr) -> dict[str, str]:
    """Write placeholders as `:name` in every dialect, and bind texts with a colon."""
    from sqlglot import exp

    values: dict[str, str] = {}
    for node in list(tree.walk()):
        if isinstance(node, exp.Placeholder):
            node.replace(exp.Var(this=f":{node.name}"))
        elif isinstance(node, exp.Literal) and node.is_string and ":" in node.name:
            values[f"text_{len(values)}"] = node.name
            node.replace(exp.Var(this=f":text_{len(values) - 1}"))
    return values


def _word(node: exp.Expr) -> str:
    return node.key.upper()


def _at(node: exp.Expr) -> dict[str, Any]:
    for part in node.walk():
        if part.meta and "line" in part.meta:
            return {"line": int(part.meta["line"]), "column": int(part.meta["col"])}
    return {}


def _allowed() -> tuple[type, ...]:
    from sqlglot import exp

    return (
        exp.Select, exp.SetOperation, exp.Subquery, exp.With, exp.CTE, exp.TableAlias, exp.From, exp.Join, exp.Where,
        exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Fetch, exp.Distinct,
        exp.Table, exp.Column, exp.Identifier, exp.Star, exp.Alias, exp.Literal, exp.Null, exp.Boolean, exp.Paren,
        exp.Tuple, exp.Binary, exp.Unary, exp.Between, exp.In, exp.Interval, exp.Var, exp.DataType, exp.DataTypeParam,
        exp.Window, exp.WindowSpec, exp.Func, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup,
        exp.Cube, exp.Rollup, exp.GroupingSets, exp.AtTimeZone, exp.Escape, exp.Is, exp.National, exp.Values,
        exp.IntervalSpan, exp.TableSample,
    )  # fmt: skip


def _parts(tree: exp.Expr, functions: Collection[str], *, placeholders: bool) -> None:
    from sqlglot import exp

    allowed = _allowed()
    refused = (
        exp.Command,
        exp.Into,
        exp.Lock,
        exp.Placeholder,
        exp.Parameter,
        exp.SessionParameter,
        exp.PropertyEQ,
        exp.Dot,
    )
    for node in tree.walk():
        if placeholders and isinstance(node, exp.Placeholder) and node.name.isidentifier():
            continue
        if isinstance(node, refused) or not isinstance(node, allowed):
            raise ConfigError(f"the SQL uses {_word(node)}, which a read-only SELECT may not; remove it", **_at(node))
        if isinstance(node, exp.Select) and not node.expressions:
            raise ConfigError("the SQL selects nothing; name the columns after SELECT")
        if isinstance(node, exp.Select) and (node.args.get("into") or node.args.get("locks") or node.args.get("hint")):
            raise ConfigError("the SQL uses INTO, FOR UPDATE or a hint, which a read-only SELECT may not; remove it")
        if isinstance(node, exp.Func) and not isinstance(node, (exp.Connector, exp.Case, exp.If, exp.Cast)):
            names = [node.name] if isinstance(node, exp.Anonymous) else list(type(node).sql_names())
            if not any(name.lower() in functions for name in names):
                raise ConfigError(f"the SQL calls '{names[0].lower()}', which is not an allowed function", **_at(node))


def _relations(tree: exp.Expr, allowed: Collection[str] | None, *, qualified: bool) -> set[str]:
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    ours = {id(table) for scope in traverse_scope(tree) for table in scope.tables
            if table.name in scope.cte_sources and not table.db}  # fmt: skip
    found: set[str] = set()
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or not table.name:
            raise ConfigError("the SQL reads from a function, only tables are allowed; name a table", **_at(table))
        if id(table) in ours:
            continue
        name = ".".join(part for part in (table.catalog, table.db, table.name) if part)
        schemas = {table.db.lower(), table.catalog.lower()} - {""}
        if schemas and not qualified:
            raise ConfigError(
                f"the SQL reads '{name}', tables have no schema here; write the table alone", **_at(table)
            )
        if (
            schemas & SYSTEM_SCHEMAS
            or table.name.lower() in SYSTEM_SCHEMAS
            or table.name.lower().startswith(_SYSTEM_PREFIXES)
        ):
            raise ConfigError(f"the SQL reads the system table '{name}', which is not allowed", **_at(table))
        if allowed is not None and name not in allowed:
            listed = ", ".join(sorted(allowed)[:12]) or "none"
            raise ConfigError(
                f"the SQL reads '{name}', which is not there; the tables are {listed}", table=name, **_at(table)
            )
        found.add(name)
    return found


def _limited(tree: Any, limit: int) -> Any:
    from sqlglot import exp

    own = tree.args.get("limit")
    if isinstance(own, exp.Limit) and isinstance(own.expression, exp.Literal) and str(own.expression.this).isdigit():
        limit = min(limit, int(own.expression.this))
    elif own is not None:  # a computed one stays inside
        return exp.select("*").from_(tree.subquery("limited")).limit(limit)
    return tree.limit(limit)
