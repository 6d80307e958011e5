"""Parquet on an object store into DuckDB: a flow, against DuckDB's own reader over the same store."""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.local import execute_with

ROWS = 2_000_000
GROUP = 200_000


@contextmanager
def store(folder: Path) -> Iterator[dict[str, Any]]:
    """moto's server with a bucket that has `rows.parquet`; the configuration of a connection."""
    import boto3
    import polars as pl
    from headrace.testing.counterparts import free_port, serving

    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port):
        endpoint = f"http://127.0.0.1:{port}"
        keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=endpoint, **keys)
        client.create_bucket(Bucket="bench")
        number = pl.int_range(ROWS, eager=True)
        frame = pl.DataFrame({"id": number, "name": "name " + (number % 1000).cast(pl.String),
                              "amount": (number % 997) + 0.25, "text": "x" * 40 + number.cast(pl.String)})  # fmt: skip
        frame.write_parquet(folder / "rows.parquet", row_group_size=GROUP)
        client.upload_file(str(folder / "rows.parquet"), "bench", "rows.parquet")
        yield {"bucket": "bench", "endpoint": endpoint, "access_key": "k", "secret_key": "s"}


def ours(config: dict[str, Any], folder: Path | str) -> None:
    """A flow of two steps."""
    from headrace.flows.graph import Edge, FlowGraph, NodeSpec
    from headrace.plugins.records import ConnectionSpec

    name = f"{secrets.token_hex(4)}.duckdb"
    graph = FlowGraph(
        nodes=(
            NodeSpec(id="read", type="s3.read", config={"connection": "Lake", "stream": "rows.parquet"}),
            NodeSpec(id="write", type="duckdb.write",
                     config={"connection": "Db", "stream": "rows", "mode": "overwrite"}),
        ),
        edges=(Edge(source="read", target="write"),),
    )  # fmt: skip
    execute_with(graph, {"Lake": ConnectionSpec("s3", config), "Db": ConnectionSpec("duckdb", {"path": name})})
    (Path(folder) / name).unlink()


def theirs(config: dict[str, Any], folder: Path | str) -> None:
    """DuckDB reads the Parquet itself, over an fsspec filesystem: its own extension for S3 needs the network."""
    import duckdb
    from headrace.kits.files.s3_fs import S3FileSystem
    from headrace.kits.http.signatures import Keys

    class Bench(S3FileSystem):
        """With addresses, which DuckDB wants; `s3` it keeps for its extension."""

        protocol = "bench"

        def info(self, path: str, **options: Any) -> dict[str, Any]:
            return dict(super().info(self._strip_protocol(path), **options))

        def modified(self, path: str) -> Any:
            return self.info(path)["mtime"]

        def exists(self, path: str, **options: Any) -> bool:
            return bool(super().exists(self._strip_protocol(path), **options))

    fs = Bench(config["endpoint"], "us-east-1", Keys("k", "s"))
    path = Path(folder) / f"{secrets.token_hex(4)}.duckdb"
    with duckdb.connect(str(path)) as db:
        db.register_filesystem(fs)
        db.execute("create table rows as select * from read_parquet('bench://bench/rows.parquet')")
    path.unlink()


@contextmanager
def prepared() -> Iterator[tuple[dict[str, Any], Path]]:
    """The store, and a folder that connections may use."""
    import os

    with tempfile.TemporaryDirectory() as name:
        os.environ["HEADRACE_FILE_ROOTS"] = name
        os.environ.setdefault("HEADRACE_EGRESS_ALLOW", "private")
        with store(Path(name)) as config:
            yield config, Path(name)
        os.environ.pop("HEADRACE_FILE_ROOTS")
