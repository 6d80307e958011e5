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
REFUSED = [
    "SELECT pg_read_file('/etc/hostname')", "SELECT query_to_xml('select * from secrets', true, false, '')", "SELECT do_write()",
    "SELECT * FROM dblink('host=127.0.0.1', 'INSERT INTO x VALUES (1)') AS t(a int)", "SELECT lo_from_bytea(0, 'x')",
    "SELECT set_config('app.organization_id', 'other', false)", "SELECT pg_advisory_lock(1)", "SELECT pg_sleep(10)", "SELECT pg_notify('a', 'b')",
    "SELECT 1; DO $$ BEGIN END $$", "SELECT 1; GRANT ALL ON e TO PUBLIC", "COPY e TO PROGRAM 'sh'", "SET ROLE postgres", "BEGIN", "COMMIT",
    "MERGE INTO e USING f ON e.id = f.id WHEN MATCHED THEN DELETE", "INSERT INTO e VALUES (1)", "UPDATE e SET a = 1", "DELETE FROM e",
    "WITH x AS (DELETE FROM e RETURNING *) SELECT * FROM x", "SELECT * INTO copy FROM e", "SELECT * FROM e FOR UPDATE", "DROP TABLE e",
    "CREATE TABLE x (a int)", "ALTER TABLE e ADD a int", "TRUNCATE e", "CALL p()", "EXPLAIN ANALYZE DELETE FROM e", "VACUUM", "SHOW ALL",
    "SELECT usename, passwd FROM pg_shadow", "SELECT * FROM pg_catalog.pg_class", "SELECT * FROM information_schema.tables",
    "SELECT * FROM other.secrets", "SELECT * FROM U&\"\\0073ecrets\"", "SELECT/**/*/**/FROM/**/secrets", "SELECT * FROM e, secrets",
    "SELECT * FROM generate_series(1, 10)", "SELECT * FROM read_csv('x')", "SELECT $1", "SELECT * FROM ROWS FROM (pg_ls_dir('.'))",
    "SELECT currval('s'), nextval('s')", "SELECT * FROM e WHERE a IN (SELECT b FROM secrets)", "SELECT pg_catalog.pg_sleep(1)",
    "WITH secrets AS (SELECT 1) SELECT * FROM public.secrets", "(SELECT 1", "", "SELECT", "LISTEN x", "VALUES (1)",
    "SELECT * FROM (WITH secrets AS (SELECT 1 AS a) SELECT a FROM secrets) x, secrets",
]  # fmt: skip


@pytest.mark.parametrize("sql", ALLOWED)
@pytest.mark.parametrize("dialect", ["postgres", "mysql", "duckdb", "sqlite"])
def test_reading_is_allowed(sql, dialect):
    checked = check_select(sql, dialect=dialect, relations={"e", "f", "equipment"})
    assert set(checked.relations) <= {"e", "f", "equipment"}
    assert check_select(checked.sql, dialect=dialect, relations={"e", "f", "equipment"}).sql == checked.sql


@pytest.mark.parametrize("sql", REFUSED)
def test_everything_else_is_refused(sql):
    with pytest.raises(ConfigError):
        check_select(sql, dialect="postgres", relations={"e", "f"})


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
