"""The contract, by Neo4j's own driver against ArcadeDB, another server of its protocol."""

from __future__ import annotations

from contextlib import closing
from typing import Any, ClassVar

import msgspec
import pytest
from headrace.testing.counterparts import arcadedb
from headrace.testing.records import CITIES, RecordsContract


class TestNeo4j(RecordsContract):
    connector_id = "neo4j"
    skip_reasons: ClassVar[dict[str, str]] = {
        "test_time_zones_keep_the_instant": "ArcadeDB keeps a moment with an offset in UTC and forgets the offset",
    }

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        neo4j = pytest.importorskip("neo4j", reason="the driver of Neo4j is not installed")
        port, password = arcadedb()
        with (
            closing(neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{port}", auth=("root", password))) as driver,
            closing(driver.session(database="shop")) as session,
        ):
            session.run("MATCH (n) DETACH DELETE n").consume()
            session.run("UNWIND $rows AS r CREATE (n:city) SET n = r", rows=[dict(city) for city in CITIES]).consume()
        return {"host": "127.0.0.1", "port": port, "database": "shop", "user": "root", "password": password}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "password": "s3cret-and-wrong"}

    def test_the_number_of_a_node_is_a_cursor(self, connector: Any) -> None:
        """It is no property, and is asked for in another way."""
        stream = msgspec.structs.replace(connector.stream("city"), cursors=("_id",))
        every = [row["_id"] for frame in connector.read(stream, after=-1) for row in frame.to_dicts()]
        assert len(every) == len(CITIES)
        assert every == sorted(every)
        assert [row["_id"] for frame in connector.read(stream, after=every[0]) for row in frame.to_dicts()] == every[1:]
