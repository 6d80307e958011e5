"""The read-only SQL policy: what it lets pass, what it refuses, and that it renders anew."""
# ruff: noqa: E501 - tables read by line

import pytest
from headrace.sdk import ConfigError
from headrace.sdk.sqlpolicy import check_select

ALLOWED = [
    "SELECT id, updated_at FROM equipment",
    "WITH x AS (SELECT * FROM e) SELECT count(*) FROM x",
    "SELECT * FROM e WHERE status = 'DELETED; DROP TABLE e'",
    "SELECT a, sum(b) OVER (PARTITION BY c ORDER BY d ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM e",
    "SELECT a FROM e UNION ALL SELECT b FROM f ORDER BY 1 LIMIT 5",
    "SELECT e.a, f.b FROM e LEFT JOIN f ON e.id = f.id WHERE EXISTS (SELECT 1 FROM e)",
    "SELECT CASE WHEN a > 1 THEN 'x' END, CAST(a AS int), coalesce(a, 0), upper(b) FROM e GROUP BY 1, 2, 3, 4 HAVING count(*) > 1",
    "SELECT (SELECT max(a) FROM e) AS top, extract(year FROM d) FROM f",
]


@pytest.mark.parametrize("sql", ALLOWED)
@pytest.mark.parametrize("dialect", ["postgres", "mysql", "duckdb", "sqlite"])
def test_reading_is_allowed(sql, dialect):
    checked = check_select(sql, dialect=dialect, relations={"e", "f", "equipment"})
    assert set(checked.relations) <= {"e", "f", "equipment"}
    assert check_select(checked.sql, dialect=dialect, relations={"e", "f", "equipment"}).sql == checked.sql


def test_comments_that_are_code_elsewhere_are_gone():
    checked = check_select("SELECT a /*!50000 UNION SELECT password */ FROM e -- end", dialect="mysql", relations={"e"})
    assert checked.sql == "SELECT a FROM e"


def test_the_dialect_decides_where_a_text_ends():
    sql = r"SELECT '\';DELETE FROM secrets; --'"
    assert check_select(sql, dialect="mysql").relations == ()
    with pytest.raises(ConfigError, match="statements"):
        check_select(sql, dialect="postgres")


@pytest.mark.parametrize(("sql", "expected"), [
    ("SELECT a FROM e", "SELECT a FROM e LIMIT 10"), ("SELECT a FROM e LIMIT 3", "SELECT a FROM e LIMIT 3"),
    ("SELECT a FROM e LIMIT 99", "SELECT a FROM e LIMIT 10"),
    ("SELECT a FROM e LIMIT 5 + 6", "SELECT * FROM (SELECT a FROM e LIMIT 5 + 6) AS limited LIMIT 10"),
    ("SELECT a FROM e UNION ALL SELECT a FROM f", "SELECT a FROM e UNION ALL SELECT a FROM f LIMIT 10"),
])  # fmt: skip
def test_limit_is_put_in(sql, expected):
    assert check_select(sql, dialect="postgres", limit=10).sql == expected


@pytest.mark.parametrize(
    "sql",
    ["SELECT " + "(" * 300 + "1" + ")" * 300, "SELECT " + "a," * 2_000 + "a FROM e", "SELECT '" + "x" * 10_000 + "'"],
)
def test_bounds(sql):
    with pytest.raises(ConfigError):
        check_select(sql, dialect="postgres")
