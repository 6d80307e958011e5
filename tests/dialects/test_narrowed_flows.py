"""A flow leaves in the database what its steps do not need, and comes to the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
from headrace.engine.execute import execute_segment
from headrace.engine.messages import NodeProgress, SegmentDone, SegmentRequest
from headrace.flows.graph import Edge, FlowGraph, NodeSpec
from headrace.plugins.manager import load_plugins
from headrace.plugins.records import ConnectionSpec
from headrace.testing.connector_mysql import database_of_cities
from headrace.testing.services import as_role, fresh_database

REGISTRY = load_plugins().registry
ROWS = 300
NAMES = ["Bern", "bern", "BERN ", "Bérn", "ß", "ss", "", "it's", None]
FRAME = pl.DataFrame(
    {
        "id": range(ROWS),
        "n": [None if i % 7 == 0 else i - 100 for i in range(ROWS)],
        "name": [NAMES[i % len(NAMES)] for i in range(ROWS)],
        "price": [None if i % 5 == 0 else Decimal(i) / 100 for i in range(ROWS)],
        "day": [None if i % 11 == 0 else dt.date(2026, 1, 1) + dt.timedelta(i) for i in range(ROWS)],
        "at": [dt.datetime(2026, 3, 29, tzinfo=dt.UTC) + dt.timedelta(minutes=i) for i in range(ROWS)],
        "real": [None if i % 3 == 0 else i / 10 for i in range(ROWS)],
    },
    schema_overrides={"price": pl.Decimal(12, 2), "at": pl.Datetime("us", "UTC")},
)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ConnectionSpec]]:
    """A table of these rows in each database."""
    folder = tmp_path_factory.mktemp("narrowed")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_FILE_ROOTS", str(folder))
        parts = urlsplit(as_role(stack.enter_context(fresh_database(migrated=False)), "demo"))
        server = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username}
        specs = {
            "postgresql": {**server, "password": parts.password or ""},
            "mariadb": stack.enter_context(database_of_cities()),
            "sqlite": {"path": str(folder / "t.db")}, "duckdb": {"path": str(folder / "t.duckdb")},
        }  # fmt: skip
        for name, config in specs.items():
            connector = REGISTRY.connector(name).open(config)
            connector.write("things", iter([FRAME]))
            connector.close()
        yield {name: ConnectionSpec(name, config) for name, config in specs.items()}


def execute(spec: ConnectionSpec, folder: Any, *steps: tuple[str, dict[str, Any]], whole: bool = False, **read: Any):
    """Rows that the last step gives, and how many the source gave."""
    nodes = [NodeSpec(id="read", type=f"{spec.connector}.read",
                      config={"connection": "Here", "stream": "things", **read})]  # fmt: skip
    nodes += [NodeSpec(id=f"step{i}", type=kind, config=config) for i, (kind, config) in enumerate(steps)]
    edges = [Edge(source=a.id, target=b.id) for a, b in pairwise(nodes)]
    last = f"{nodes[-1].id}.out"
    reports: list[Any] = []
    request = SegmentRequest(
        execution_id="e", organization_id="o", segment_no=0, attempt=1,
        graph=FlowGraph(nodes=tuple(nodes), edges=tuple(edges)), keep=("read.out", last) if whole else (last,),
        connections={"Here": spec}, storage_url=(folder / "store").as_uri(), prefix="p",
    )  # fmt: skip
    done = execute_segment(request, REGISTRY, reports.append, lambda: False)
    assert isinstance(done, SegmentDone), done
    found = pl.read_parquet(folder / "store" / done.outputs[last].key)
    if whole:
        assert done.outputs["read.out"].rows == ROWS, "what is stored is whole"
    crossed = max((report.rows for report in reports if isinstance(report, NodeProgress)), default=0)
    return found.sort(pl.all()), crossed


NUMBERS = (
    "n > 150", "n >= -5 and n < 5 and id > 0", "n = 0", "n <> 0", "n is null", "-20 <= n and n is not null",
    "name is null", "n between 3 and 7",
)  # fmt: skip
TYPED = (
    "name = 'Bern'", "name = ''", "name = 'it''s'", "name = 'ss'", "day = '2026-02-01'",
    "day between '2026-02-01' and '2026-02-03'", "price = 1.5", "price > 2.49 and price <= 2.6",
    "at >= '2026-03-29 04:00:00'",
)  # fmt: skip
OURS = (
    "real > 20", "name < 'c'", "name <> 'Bern'", "id = 5 or name = 'Bern'", "cast(name as varchar) = 'x' and id = 5",
    "n + 1 > 150", "price > 2.4900000000000001",
)  # fmt: skip
"""What is left to the steps: orders of text, floats, and what might stop a step."""


@pytest.mark.parametrize("text", [*NUMBERS, *TYPED, *OURS, "id = 5 and lower(name) = 'ss'"])
@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlite", "duckdb"])
def test_a_filter_gives_the_same_rows(where, tmp_path, monkeypatch, name: str, text: str) -> None:
    if name == "sqlite" and ("price" in text or "at >=" in text):
        pytest.skip("a decimal is text there")
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path.parent))
    step = ("transform.filter", {"where": text})
    plain, every = execute(where[name], tmp_path, step, whole=True)
    found, crossed = execute(where[name], tmp_path, step)
    assert every == ROWS
    assert found.equals(plain)
    if text in OURS or (text in TYPED and name == "sqlite"):
        assert crossed == ROWS
    elif text in NUMBERS:
        assert crossed == plain.height
    elif not (name == "mariadb" and "at" in text):
        assert plain.height <= crossed < ROWS / 2


@pytest.mark.parametrize("name", ["postgresql", "duckdb"])
@pytest.mark.parametrize("text", ["price = 1.5", "day = '2026-02-01'", "at = '2026-03-29 03:00:00'"])
def test_dates_decimals_and_moments_are_found_there(where, tmp_path, name: str, text: str) -> None:
    found, crossed = execute(where[name], tmp_path, ("transform.filter", {"where": text}))
    assert found.height == crossed <= 1


def test_a_collation_is_not_trusted(where, tmp_path) -> None:
    """MariaDB takes these names for equal; the steps do not, so a limit after them is theirs as well."""
    steps = ("transform.filter", {"where": "name = 'Bern'"}), ("transform.limit", {"rows": 20})
    found, crossed = execute(where["mariadb"], tmp_path, *steps)
    assert found["name"].to_list() == ["Bern"] * 20
    assert crossed == sum(name in {"Bern", "bern", "BERN ", "Bérn"} for name in FRAME["name"])


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlite", "duckdb"])
def test_columns_and_limits_go_along(where, tmp_path, monkeypatch, name: str) -> None:
    asked: list[Any] = []
    work = REGISTRY.connector(name).manifest.factory.load()
    narrowed = work.narrowed
    monkeypatch.setattr(
        work, "narrowed", lambda self, stream, needed: asked.append(needed) or narrowed(self, stream, needed)
    )
    steps = (
        ("transform.filter", {"where": "n > 0"}), ("transform.select", {"columns": ["name", "id"]}),
        ("transform.limit", {"rows": 5}), ("transform.filter", {"where": "id > 0"}),
    )  # fmt: skip
    found, crossed = execute(where[name], tmp_path, *steps)
    assert found.columns == ["name", "id"]
    assert found.height == crossed == 5
    assert asked[0].columns == ("id", "n", "name")


@pytest.mark.parametrize("name", ["postgresql", "sqlite"])
def test_what_may_need_more_gets_all(where, tmp_path, name: str) -> None:
    """A limit of the read itself comes first; an ordered limit must see every row."""
    first = ("transform.limit", {"rows": 3, "order": [{"column": "id", "descending": True}]})
    found, crossed = execute(where[name], tmp_path, first)
    assert found["id"].to_list() == [297, 298, 299]
    assert crossed == ROWS
    _, crossed = execute(where[name], tmp_path, ("transform.filter", {"where": "id >= 0"}), limit=10)
    assert crossed == 10
