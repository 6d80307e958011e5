"""Nodes by Neo4j's own driver against FalkorDB; values and errors of Neo4j. The contract is in test_neo4j_bolt.py."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pytest
from headrace.flows.validate import validate
from headrace.kits.records.declare import MergeOptions
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, Reject, TransientError, parse_config
from headrace.testing.connector import DeclareRules
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import falkordb
from headrace.testing.readme_flow import readme_flow, readme_of
from headrace.testing.records import CITIES
from headrace_connector_neo4j.values import plain, quoted, sent

neo4j = pytest.importorskip("neo4j", reason="the driver of Neo4j is not installed")
exceptions = pytest.importorskip("neo4j.exceptions")


class Graph:
    """A graph of its own for a test, reached without the connector in between."""

    def __init__(self) -> None:
        self.name = f"t{secrets.token_hex(4)}"
        self.driver = neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{falkordb()[0]}", auth=("falkordb", ""))

    def run(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        with self.driver.session(database=self.name) as session:
            return [record.data() for record in session.run(statement, values)]


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    made = Graph()
    made.run("UNWIND $rows AS r CREATE (n:city) SET n = r", rows=[dict(city) for city in CITIES])
    yield made
    made.run("MATCH (n) DETACH DELETE n")
    made.driver.close()


@pytest.fixture(scope="module")
def connector(graph: Graph) -> Iterator[Any]:
    with closing(opened(config_of(graph))) as made:
        yield made


def config_of(graph: Graph) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": falkordb()[0], "database": graph.name, "user": "falkordb", "password": ""}


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-neo4j"], strict=True).registry.connector("neo4j").open(config)


class TestDeclared(DeclareRules):
    connector_id = "neo4j"

    def test_the_proof_says_so(self, manifest: Any) -> None:
        assert manifest.proof == "wire-compatible"
        assert "[driver]" in manifest.docs

    def test_the_flow_of_the_readme_is_valid(self) -> None:
        only = ["connector-neo4j", "node-transform", "plugin-engine_polars"]
        assert not validate(readme_flow(readme_of(self)).graph, load_plugins(only=only, strict=True).registry)


def test_nodes_over_bolt(graph: Graph, connector: Any) -> None:
    """Append, upsert, merge and overwrite; again is once; nothing of it concerns another label."""
    texts = ["plain", "", None, "two words", "emoji 😀"]  # quotes inside of parameters are not read by FalkorDB
    frame = pl.DataFrame({"id": [1, 2, 3, 4, 5], "text": texts, "number": [1.5, None, 1e300, -0.25, 0.0]})
    options = parse_config(MergeOptions, {"deletes": "gone"})

    def back(name: str) -> list[dict[str, Any]]:
        found = sorted(rows(connector, connector.stream(name)), key=lambda row: row["id"])
        return [{field: row.get(field) for field in frame.columns} for row in found]

    connector.check()
    assert "city" in {stream.name for stream in connector.discover()}
    first = connector.write("t", iter([frame.head(2), frame.slice(2)]), effect_key="e")
    assert connector.write("t", iter([frame]), effect_key="e") == first
    assert back("t") == frame.to_dicts()
    done = connector.write("t", iter([frame.head(1)]), mode="overwrite")
    assert (done.written, len(back("t"))) == (1, 1)
    connector.write("t", iter([frame.head(3).with_columns(text=pl.lit("old"))]), mode="upsert", keys=["id"])
    done = connector.write("t", iter([frame.slice(1)]), mode="merge", keys=["id"])
    assert (done.written, done.updated, done.deleted) == (4, 2, 1)
    assert back("t") == frame.slice(1).to_dicts()
    marks = frame.slice(1).with_columns(gone=pl.Series([True, False, None, False]))
    done = connector.write("t", iter([marks]), mode="merge", keys=["id"], options=options)
    assert (done.updated, done.deleted, len(back("t"))) == (3, 1, 3)
    stream = connector.stream("city")
    stream = msgspec.structs.replace(stream, cursors=("id",))
    assert [row["id"] for found in connector.read(stream, after=1) for row in found.to_dicts()] == [2, 5]


def test_relationships_are_read_with_their_ends(graph: Graph, connector: Any) -> None:
    graph.run("MATCH (a:city {id: 1}), (b:city {id: 2}) CREATE (a)-[:`leads to` {km: 1500}]->(b)")
    ends = {row["id"]: row["i"] for row in graph.run("MATCH (n:city) RETURN n.id AS id, id(n) AS i")}
    assert {"[leads to]", "city"} <= {stream.name for stream in connector.discover()}
    (row,) = rows(connector, connector.stream("[leads to]"))
    assert (row["_from"], row["_to"], row["km"]) == (ends[1], ends[2], 1500)
    with pytest.raises(ConfigError, match="only read"):
        connector.write("[leads to]", iter([pl.DataFrame({"km": [1]})]))


def test_names_are_quoted(graph: Graph, connector: Any) -> None:
    """FalkorDB knows no backtick inside of a name; those are tested without it."""
    label, field = "odd label) DELETE n //", "number"
    frame = pl.DataFrame({field: [1, 2], "n": [1, 2]})
    for _ in range(2):
        connector.write(label, iter([frame]), mode="upsert", keys=[field])
    assert sorted(row[field] for row in rows(connector, connector.stream(label))) == [1, 2]
    for odd in ("", "a\\u0060b"):
        with pytest.raises(ConfigError, match="no name"):
            quoted(odd)
    assert quoted("a`b") == "`a``b`"
    assert len(graph.run("MATCH (n:city) RETURN n")) == 3


def test_an_integer_too_large_is_a_reject(graph: Graph, connector: Any) -> None:
    told: list[Reject] = []
    frame = pl.DataFrame({"n": pl.Series([1, 2**63], dtype=pl.UInt64)})
    assert connector.write("big", iter([frame]), reject=told.extend).written == 1
    assert "64 bits" in told[0].reason


def test_a_row_that_breaks_a_constraint_is_found(graph: Graph, connector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """FalkorDB has no constraints by Bolt, so what the driver makes of Neo4j's words is raised in its place."""
    kind = exceptions.Neo4jError
    code = "Neo.ClientError.Schema.ConstraintValidationFailed"
    told: list[Reject] = []
    real = connector._run

    def run(statement: str, **values: Any) -> Any:
        if "MERGE" in statement and any(row["p"]["n"] == 3 for row in values["rows"]):
            raise kind._hydrate_neo4j(code=code, message="node(7) already exists with n = 3")
        return real(statement, **values)

    monkeypatch.setattr(connector, "_run", run)
    done = connector.write("made", iter([pl.DataFrame({"n": list(range(8))})]), reject=told.extend)
    assert (done.written, [one.row for one in told]) == (7, [4])
    assert "already exists" in told[0].reason
    assert sorted(row["n"] for row in graph.run("MATCH (n:made) RETURN n.n AS n")) == [0, 1, 2, 4, 5, 6, 7]


def test_values_of_properties() -> None:
    assert sent(Decimal("0.10")) == "0.10"
    assert sent({"a": [1]}) == '{"a":[1]}'
    assert (sent([1, 2]), sent([1, None]), sent([[1]])) == ([1, 2], "[1,null]", "[[1]]")
    at = dt.datetime(2024, 7, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    assert plain(neo4j.time.DateTime.from_native(at)) == at
    for month, hours in ((1, 1), (7, 2)):  # never a ZoneInfo: with one, the driver gives wrong hours now and then
        told = sent(dt.datetime(2024, month, 1, 12, tzinfo=ZoneInfo("Europe/Oslo")))
        assert told.tzinfo == dt.timezone(dt.timedelta(hours=hours))
    assert plain([neo4j.time.Date(2024, 7, 1)]) == [dt.date(2024, 7, 1)]
    assert plain(neo4j.time.Duration(days=1)) == "P1D"
    assert quoted("a`b") == "`a``b`"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Neo.ClientError.Security.Unauthorized", AuthError),
        ("Neo.ClientError.Security.Forbidden", AuthError),
        ("Neo.ClientError.Statement.SyntaxError", ConfigError),
        ("Neo.TransientError.General.DatabaseUnavailable", TransientError),
    ],
)
def test_errors_are_ours(connector: Any, code: str, kind: type[Exception]) -> None:
    error = exceptions.Neo4jError._hydrate_neo4j(code=code, message="words of the server")
    assert isinstance(connector.trouble(error), kind)
    assert isinstance(connector.trouble(exceptions.ServiceUnavailable("x")), TransientError)
    assert connector.trouble(KeyError("x")) is None
