"""What is proven without a server: declaration, statements, values by the driver's own encoding, errors.

With `HEADRACE_TEST_CASSANDRA=host:port/keyspace` (and `..._USER`, `..._PASSWORD`) the contract runs against a server.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from contextlib import closing
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from headrace.flows.validate import validate
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, DataType, TransientError
from headrace.testing.connector import DeclareRules
from headrace.testing.readme_flow import readme_flow, readme_of
from headrace.testing.records import CITIES, RecordsContract
from headrace_connector_cassandra.values import column_for, cql_type, plain, quoted, sent

cassandra = pytest.importorskip("cassandra", reason="the driver of Cassandra is not installed")
LIVE = re.fullmatch(r"([^:/]+):(\d+)/(\w+)", os.environ.get("HEADRACE_TEST_CASSANDRA", ""))


def opened(**more: Any) -> Any:
    entry = load_plugins(only=["connector-cassandra"], strict=True).registry.connector("cassandra")
    return entry.open({"host": "127.0.0.1", "keyspace": "shop", "user": "ann", "password": "s3cret", **more})


class TestDeclared(DeclareRules):
    connector_id = "cassandra"

    def test_the_proof_says_so(self, manifest: Any) -> None:
        assert manifest.proof == "unproven"
        assert "[driver]" in manifest.docs

    def test_the_flow_of_the_readme_is_valid(self) -> None:
        only = ["connector-cassandra", "node-transform", "plugin-engine_polars"]
        assert not validate(readme_flow(readme_of(self)).graph, load_plugins(only=only, strict=True).registry)


@pytest.mark.skipif(LIVE is None, reason="no server of Cassandra runs here; HEADRACE_TEST_CASSANDRA=host:port/keyspace")
class TestLive(RecordsContract):
    connector_id = "cassandra"
    skip_reasons = {"test_upsert_changes_and_adds": "Cassandra does not tell which rows were there"}

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        assert LIVE is not None
        login = {name: os.environ.get(f"HEADRACE_TEST_CASSANDRA_{name.upper()}", "") for name in ("user", "password")}
        config = {"host": LIVE[1], "port": int(LIVE[2]), "keyspace": LIVE[3], **login}
        with closing(opened(**config)) as connector:
            for name in connector.names():
                connector.session.execute(f"DROP TABLE {quoted(name)}")
            connector.session.execute("CREATE TABLE city (id bigint PRIMARY KEY, name text, area double)")
            for city in CITIES:
                connector.session.execute("INSERT INTO city (id, name, area) VALUES (%s, %s, %s)", tuple(city.values()))
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "host": "169.254.169.254", "user": "nobody", "password": "s3cret-and-wrong"}


def test_statements_quote_their_names() -> None:
    connector = opened()
    assert connector.select('odd "name"') == 'SELECT * FROM "odd ""name"""'
    assert connector.insert("t", ["select", "b"]) == 'INSERT INTO "t" ("select", "b") VALUES (?, ?)'
    made = connector.create("t", {"a": "bigint", "B": "text"}, ["a"])
    assert made == 'CREATE TABLE IF NOT EXISTS "t" ("a" bigint, "B" text, PRIMARY KEY ("a"))'


VALUES: list[tuple[str, Any, Any]] = [
    ("bigint", 2**62, 2**62), ("int", 5, 5), ("double", 1e300, 1e300), ("boolean", True, True),
    ("text", "emoji 😀", "emoji 😀"), ("blob", b"\x00x", b"\x00x"),
    ("decimal", Decimal("12345678901234567890.0123456789"), "12345678901234567890.0123456789"),
    ("decimal", "0.10", "0.10"), ("date", dt.date(2024, 7, 1), dt.date(2024, 7, 1)),
    ("time", dt.time(12, 0, 1, 500), dt.time(12, 0, 1, 500)),
    ("timestamp", dt.datetime(2024, 7, 1, 12, 0, 0, 123000, tzinfo=dt.timezone(dt.timedelta(hours=2))),
     dt.datetime(2024, 7, 1, 10, 0, 0, 123000, tzinfo=dt.UTC)),
    ("uuid", "00000000-0000-0000-0000-000000000001", UUID(int=1)), ("list<int>", [1, 2], [1, 2]),
    ("text", Decimal("0.10"), "0.10"), ("text", {"a": [1]}, '{"a":[1]}'), ("text", 5, "5"),
    ("text", dt.date(2024, 7, 1), "2024-07-01"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "back"), VALUES)
def test_values_pass_the_drivers_own_encoding(kind: str, given: Any, back: Any) -> None:
    """Encoded and decoded as the wire protocol does."""
    from cassandra.cqltypes import Int32Type, ListType, lookup_casstype
    from cassandra.protocol import ProtocolVersion

    names = {"bigint": "LongType", "int": "Int32Type", "double": "DoubleType", "boolean": "BooleanType",
             "text": "UTF8Type", "blob": "BytesType", "decimal": "DecimalType", "date": "SimpleDateType",
             "time": "TimeType", "timestamp": "DateType", "uuid": "UUIDType"}  # fmt: skip
    wire = ListType.apply_parameters([Int32Type]) if kind == "list<int>" else lookup_casstype(names[kind])
    version = ProtocolVersion.V4
    assert plain(wire.deserialize(wire.serialize(sent(given, kind), version), version)) == back


def test_a_moment_finer_than_the_column_is_refused() -> None:
    with pytest.raises(ValueError, match="milliseconds"):
        sent(dt.datetime(2024, 7, 1, 12, 0, 0, 123456, tzinfo=dt.UTC), "timestamp")
    assert cql_type([dt.datetime(2024, 7, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)]) == "text"


@pytest.mark.parametrize(
    ("cql", "kind"),
    [
        ("bigint", DataType.INTEGER), ("float", DataType.FLOAT), ("decimal", DataType.TEXT), ("blob", DataType.BINARY),
        ("timestamp", DataType.TIMESTAMP), ("timeuuid", DataType.UUID), ("frozen<map<text, int>>", DataType.JSON),
        ("set<text>", DataType.JSON), ("inet", DataType.TEXT),
    ],
)  # fmt: skip
def test_types_of_columns(cql: str, kind: DataType) -> None:
    assert column_for("c", cql, nullable=True).type is kind


def test_types_of_tables_that_are_made() -> None:
    assert [cql_type(values) for values in ([1, None], [1.5], [None], ["a", 1], [True], [Decimal(1)], [b"x"])] == [
        "bigint", "double", "text", "text", "boolean", "decimal", "blob",
    ]  # fmt: skip


def test_errors_are_ours() -> None:
    from cassandra.cluster import NoHostAvailable

    connector = opened()
    for error, kind in (
        (cassandra.AuthenticationFailed("x"), AuthError),
        (NoHostAvailable("x", {"h": cassandra.AuthenticationFailed("x")}), AuthError),
        (NoHostAvailable("x", {"h": OSError("refused")}), TransientError),
        (cassandra.Unauthorized("x"), AuthError),
        (cassandra.InvalidRequest("no such column"), ConfigError),
        (cassandra.OperationTimedOut(), TransientError),
        (cassandra.Unavailable("x"), TransientError),
    ):
        made = connector.trouble(error)
        assert isinstance(made, kind), error
        assert "s3cret" not in made.message
    assert connector.trouble(KeyError("x")) is None


def test_every_node_passes_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace_connector_cassandra.connector import _Judged

    assert _Judged(9042).translate("127.0.0.1") == "127.0.0.1"
    with pytest.raises(ConfigError, match="never opened"):
        _Judged(9042).translate("169.254.169.254")
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
    with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW"):
        opened().check()


def test_nobody_there_is_told(free: int) -> None:
    with closing(opened(port=free)) as connector, pytest.raises(TransientError, match="not answer"):
        connector.check()


@pytest.fixture
def free() -> int:
    from headrace.testing.counterparts import free_port

    return free_port()
