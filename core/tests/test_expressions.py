"""Expressions: equal to DuckDB case by case, bounded, and clear about what is wrong."""
# ruff: noqa: E501, DTZ001 - tables read by line; local times on purpose

import datetime as dt

import polars as pl
import pytest
from headrace.sdk import Column, ConfigError, DataType
from headrace.sdk.expressions import aggregate_expression, check, columns_of, expression
from headrace.sdk.frames import columns, nw

FRAME = pl.DataFrame(
    {
        "i": [1, -7, None, 0, 12], "j": [2, 3, 4, 0, -5], "f": [1.5, -2.5, None, 0.125, 1e10], "g": [2.0, 0.5, 1.0, None, 3.0],
        "s": ["a-b-c", " Hello World ", None, "", "x%y_z"], "u": ["abc", "ABC", "b", None, "ü-é"], "n": ["1", "-2", "30", None, "0"],
        "b": [True, False, None, True, False], "c": [None, True, None, False, False],
        "d": [dt.date(2024, 1, 31), dt.date(2013, 12, 30), None, dt.date(2023, 2, 28), dt.date(2000, 2, 29)],
        "t": [dt.datetime(2024, 1, 31, 5, 6, 7), dt.datetime(2013, 1, 1, 23, 59, 59), None, dt.datetime(2024, 3, 1), dt.datetime(1999, 12, 31, 12)],
        "y": [2013, 2014, None, 2015, 2016], "mo": [1, 12, 5, 2, 2], "da": [1, 31, 4, 28, 29],
    }
)  # fmt: skip

EQUAL = """
i + j | i - j | i * j | i / j | f / g | i // j | i % j | mod(i, j) | -i | i / 0 | f % g | j % 3 | j // 3 | i + 1.5 | 1 / 3
i = j | i <> j | i < j | i >= 0 | i IS NULL | i IS NOT NULL | b IS TRUE | b IS NOT TRUE | b IS FALSE
b AND c | b OR c | NOT b | b AND NULL | b OR NULL | i > 0 AND f > 0 OR b | NULL IS NULL
i IN (1, 12) | i IN (1, NULL) | i NOT IN (1, NULL) | i NOT IN (1, 2) | s IN ('', 'x') | i BETWEEN 0 AND 5 | i NOT BETWEEN 0 AND 5
i IS DISTINCT FROM j | i IS NOT DISTINCT FROM NULL | f IS NOT DISTINCT FROM g
s LIKE 'a%' | s LIKE '%o W%' | s NOT LIKE '%b%' | u ILIKE 'ABC' | s LIKE 'x\\%y%' ESCAPE '\\' | s LIKE '_-_-_' | s LIKE '' | s LIKE '%'
CASE WHEN i > 0 THEN 'pos' WHEN i < 0 THEN 'neg' END | CASE i WHEN 1 THEN 'one' ELSE 'other' END | CASE WHEN b THEN i ELSE j END
COALESCE(i, j) | COALESCE(s, u, '?') | NULLIF(i, 0) | NULLIF(s, '') | IF(b, 1, 2) | IFNULL(i, 9) | COALESCE(NULL, i, 3)
CAST(f AS BIGINT) | CAST(i AS DOUBLE) | CAST(n AS INTEGER) | CAST(i AS VARCHAR) | n::int + 1 | CAST(b AS INTEGER) | CAST(i AS BOOLEAN)
CAST(d AS TIMESTAMP) | CAST(t AS DATE) | CAST('2024-02-03' AS DATE) | DATE '2024-02-03' | CAST(g AS DECIMAL(10,2)) | CAST(b AS VARCHAR)
CAST('2024-02-03 04:05:06' AS TIMESTAMP) | CAST(d AS VARCHAR) | CAST(t AS VARCHAR)
lower(s) | upper(u) | trim(s) | ltrim(s) | rtrim(s) | trim(s, 'az') | length(u) | substring(s, 2, 3) | substr(s, 3) | substring(s, 0, 3)
substring(u, -2) | left(s, 2) | right(u, 1) | replace(s, '-', '+') | s || u | concat(s, u, i) | concat(s, '!') | starts_with(s, 'a')
ends_with(s, 'c') | contains(s, 'o W') | split_part(s, '-', 2) | split_part(s, '-', 9) | split_part(u, '-', 1) | lpad(n, 4, '0') | rpad(n, 3, '*')
regexp_replace(s, '[a-c]', 'X') | regexp_replace(s, '([a-c])', '<\\1>', 'g') | regexp_matches(s, '^a.*c$') | lpad(s, 2, ' ')
abs(i) | round(f) | round(g, 1) | round(f, 2) | ceil(f) | floor(f) | sqrt(j * j) | exp(g) | ln(g) | power(j, 2) | j ** 2 | power(2, g) | sign(i)
greatest(i, j) | least(i, j, 0) | greatest(f, NULL) | log10(g) | round(-2.5) | round(0.5)
year(d) | month(t) | day(d) | extract(hour FROM t) | extract(minute FROM t) | extract(second FROM t) | extract(dow FROM d) | extract(doy FROM d)
extract(week FROM d) | extract(isodow FROM d) | extract(quarter FROM t) | dayofweek(d) | date_part('year', t)
date_trunc('month', t) | date_trunc('week', t) | date_trunc('hour', t) | date_trunc('year', t) | date_trunc('quarter', t)
make_date(y, mo, da) | d + 3 | d - 1 | d - make_date(2013, 1, 1) | t + INTERVAL '90 minutes' | t + INTERVAL 3 DAY | t - INTERVAL '1 month' | t + INTERVAL (j) HOUR
t + INTERVAL '1 year' | t + INTERVAL '1 hour' * j
date_diff('day', d, CAST(t AS DATE)) | date_diff('month', d, t) | date_diff('year', t, d) | date_diff('hour', t, TIMESTAMP '2020-01-01 00:30:00')
date_diff('week', d, DATE '2020-05-05') | date_diff('minute', t, TIMESTAMP '2020-01-01 00:30:00')
d > '2014-01-01' | t < '2020-01-01 10:00:00' | d = DATE '2024-01-31' | d BETWEEN '2000-01-01' AND '2014-01-01' | d IN ('2024-01-31', '2000-02-29')
strftime(d, '%Y/%m') | strptime(strftime(d, '%Y%m%d'), '%Y%m%d') | make_timestamp(y, mo, da, 3, 4, 5) | "i" + I | t - TIMESTAMP '2000-01-01 00:00:00'
"""
CASES = [case.strip() for line in EQUAL.strip().splitlines() for case in line.split(" | ")]


def values(text):
    frame = nw.from_native(FRAME.lazy())
    return frame.with_columns(x=expression(text, columns(frame))).select("x").collect().to_native()["x"].to_list()


def plain(value):
    """A date at midnight and a date, a decimal and a float, are the same value."""
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return str(value.date())
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return str(value)
    return pytest.approx(float(value), rel=1e-12)


def same(value):
    made = plain(value)
    return made.expected if hasattr(made, "expected") else made


@pytest.mark.parametrize("text", CASES)
def test_equal_to_duckdb(text):
    duckdb = pytest.importorskip("duckdb", reason="compares with DuckDB, which connectors/duckdb installs")
    with duckdb.connect() as db:
        db.execute("SET ieee_floating_point_ops = false; SET error_on_division_by_zero = false")
        made = ", ".join(f'"{name}" {_SQL[kind]}' for name, kind in FRAME.schema.items())
        db.execute(f"CREATE TABLE t ({made})")
        db.executemany(f"INSERT INTO t VALUES ({', '.join('?' * FRAME.width)})", [list(row) for row in FRAME.rows()])
        expected = [row[0] for row in db.execute(f"SELECT {text} FROM t").fetchall()]
    got = values(text)
    assert [v if v is None else plain(v) for v in got] == [v if v is None else same(v) for v in expected]


_SQL = {
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.String: "VARCHAR",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Datetime("us"): "TIMESTAMP",
}


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("i + zeta", "column 'zeta'", 5), ("lenght(s)", "did you mean 'length'", 1), ("i +", "not a SQL expression", 3),
        ("sum(i)", "aggregate", 1), ("i > 'x'", "mixes integer and text", 1), ("s + 1", "calculates with text", 1),
        ("(select 1)", "not one expression", 1), ("i; drop table x", "not a SQL expression", 1), ("i.__class__", "not there", 1),
        ("read_csv('x')", "not an allowed function", 1), ("pg_sleep(9)", "not an allowed function", 1), ("s -> 'x'", "json_extract", 1),
        ("d > '2024-13-01'", "2024-13-01", 1), ("", "empty", 1), ("'abc", "quote", 1), ("regexp_like(s, '(?=a)')", "look-around", 16),
        ("lpad(s, 99999999999)", "whole number", 9), ("i in (select 1)", "IN without a list", 1), ("row_number() over ()", "WINDOW", 1),
        ("date_trunc('eon', d)", "eon", 1), ("cast(i as blorb)", "blorb", 6), ("? + 1", "", 0), ("9223372036854775808", "64 bits", 1),
    ],
)  # fmt: skip
def test_problems_point_at_the_character(text, message, position):
    (problem,) = check(text, columns(nw.from_native(FRAME.lazy())))
    assert message in problem.message
    assert problem.position == position or not position
    with pytest.raises(ConfigError):
        expression(text, columns(nw.from_native(FRAME.lazy())))


def test_every_unknown_column_is_told_at_once():
    assert [p.position for p in check("a + b * c", ["b"])] == [1, 9]


@pytest.mark.parametrize(
    "text",
    ["(" * 200 + "1" + ")" * 200, "NOT " * 300 + "b", "-" * 500 + "1", "CASE WHEN " * 100 + "b", "1" + "+1" * 2_000, "'" + "x" * 10_001 + "'",
     "abs(" * 60 + "1" + ")" * 60, "i in (" + "1," * 1_200 + "1)", "[" * 3_000, "{" * 3_000, "f(" * 3_000, "@" * 3_000, "~" * 3_000],
)  # fmt: skip
def test_bounds(text):
    with pytest.raises(ConfigError):
        expression(text, columns(nw.from_native(FRAME.lazy())))


def test_long_chains_are_one_level():
    assert values("0" + " + 1" * 300) == [300] * 5


def test_columns_of():
    assert columns_of('coalesce(b, "odd name") + a * b') == ("b", "odd name", "a")


def test_names_without_types_work():
    frame = nw.from_native(FRAME.lazy())
    assert frame.select(x=expression("i + j", ["i", "j"])).collect()["x"].to_list() == [3, -4, None, 0, 7]
    assert check("i > 0", {"i": Column("i", DataType.INTEGER)}) == []


def test_aggregates():
    frame = nw.from_native(FRAME.lazy())
    known = columns(frame)
    texts = {
        "a": "sum(i) / count(*)",
        "b": "count(DISTINCT b)",
        "c": "sum(i) FILTER (WHERE j > 100)",
        "d": "bool_or(c)",
        "e": "max(f) - min(f)",
    }
    row = frame.select(**{name: aggregate_expression(text, known) for name, text in texts.items()}).collect().rows()[0]
    assert row == (1.2, 2, None, True, 1e10 + 2.5)
    for wrong in ("i + sum(j)", "1 + 1", "sum(max(i))"):
        with pytest.raises(ConfigError):
            aggregate_expression(wrong, known)
