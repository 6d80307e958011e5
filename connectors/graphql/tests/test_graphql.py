"""The contract against a server that executes what it is asked, with graphql-core; pages, errors, a mutation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stamina
from graphql import build_schema, graphql_sync
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, DataError, parse_config
from headrace.testing.connector import ConnectorContract
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply
from headrace.testing.no_streams import no_streams
from headrace.testing.readme_flow import execute_readme

SCHEMA = build_schema("""
type City { id: Int! name: String area: Float }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type Edge { node: City }
type Cities { nodes: [City] edges: [Edge] pageInfo: PageInfo! }
type Query { cities(first: Int!, after: String): Cities! all: [City!]! }
type Mutation { add(name: String!): City! }
""")
QUERY = "query($after: String) { cities(first: 2, after: $after) { %s pageInfo { hasNextPage endCursor } } }"
NODES, EDGES = QUERY % "nodes { id name }", QUERY % "edges { node { id name } }"
TOKEN = "t0ken-of-the-test"


class Service:
    def __init__(self) -> None:
        self.rows = [{"id": n, "name": f"n{n} 😀", "area": n / 2} for n in range(1, 6)]
        self.busy = 0

    def cities(self, _info: Any, first: int, after: str | None = None) -> dict[str, Any]:
        start = int(after or 0)
        page, end = self.rows[start : start + first], start + first
        pages = {"hasNextPage": end < len(self.rows), "endCursor": str(end)}
        return {"nodes": page, "edges": [{"node": row} for row in page], "pageInfo": pages}

    def all(self, _info: Any) -> list[dict[str, Any]]:
        return self.rows

    def add(self, _info: Any, name: str) -> dict[str, Any]:
        if not name:
            raise ValueError("a city has a name")
        self.rows.append({"id": len(self.rows) + 1, "name": name, "area": None})
        return self.rows[-1]

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return json_reply({"errors": [{"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}]})
        if self.busy:
            self.busy -= 1
            return json_reply({}, 502)
        given = asked.json()
        done = graphql_sync(SCHEMA, given["query"], self, variable_values=given.get("variables"))
        return Reply(json.dumps(done.formatted).encode())


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def server(service: Service) -> Iterator[HttpServer]:
    with http_server(service.answer) as running:
        yield running


class TestGraphql(ConnectorContract):
    connector_id = "graphql"
    action_inputs = {"mutate": {"mutation": "mutation($n: String!) { add(name: $n) { id } }", "variables": {"n": "x"}}}
    skip_reasons = no_streams(
        "a stream is what a query says; test_pages_are_followed and those after it read",
        test_a_repeated_action_has_one_effect="a mutation has no key that all services know (class C)",
    )

    @pytest.fixture
    def config(self, server: HttpServer) -> dict[str, Any]:
        return {"base_url": server.url, "auth": "bearer", "token": TOKEN}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "token": "wrong-but-secret"}


def entry() -> Any:
    return load_plugins(only=["connector-graphql"], strict=True).registry.connector("graphql")


@pytest.fixture
def connector(server: HttpServer) -> Iterator[Any]:
    with closing(entry().open({"base_url": server.url, "auth": "bearer", "token": TOKEN})) as opened:
        yield opened


def rows(connector: Any, query: str, **more: Any) -> list[dict[str, Any]]:
    options = parse_config(entry().manifest.read_options, {"query": query, **more})
    stream = connector.stream("cities", options=options)
    return [row for frame in connector.read(stream, options=options) for row in frame.to_dicts()]


@pytest.mark.parametrize("query", [NODES, EDGES])
def test_pages_are_followed(query: str, connector: Any, service: Service) -> None:
    service.busy = 1
    assert rows(connector, query, records="cities") == [{"id": n, "name": f"n{n} 😀"} for n in range(1, 6)]


def test_a_plain_list_is_one_page(connector: Any) -> None:
    columns = {"id": "integer", "half": "float at area"}
    assert rows(connector, "{ all { id area } }", records="all", columns=columns)[0] == {
        "id": 1, "half": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "records", "said"),
    [("{ nothing }", "", "refuses the query: Cannot query field"), ("", "", "has no query"),
     ("{ cities(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } }", "cities", "does not take its cursor"),
     ("{ all { id } }", "other", "has no 'other'")],
)  # fmt: skip
def test_a_query_that_cannot_be_is_told(query: str, records: str, said: str, connector: Any) -> None:
    with pytest.raises(ConfigError, match=said):
        rows(connector, query, records=records, columns={"id": "integer"})


def test_a_refused_mutation_is_about_its_data(connector: Any, service: Service) -> None:
    action = entry().manifest.actions[0]
    text = "mutation($n: String!) { add(name: $n) { id } }"
    value = parse_config(action.input, {"mutation": text, "variables": {"n": ""}})
    with pytest.raises(DataError, match="a city has a name"):
        connector.act("mutate", value, key="k")
    done = connector.act("mutate", parse_config(action.input, {"mutation": text, "variables": {"n": '"}'}}), key="k")
    assert done.data == {"add": {"id": 6}}
    assert service.rows[-1]["name"] == '"}'


def test_refused_credentials_are_an_auth_error(server: HttpServer) -> None:
    with (
        closing(entry().open({"base_url": server.url})) as opened,
        pytest.raises(AuthError, match=r"UNAUTHENTICATED"),
    ):
        opened.check()


def test_the_readme_s_flow(server: HttpServer) -> None:
    config = {"base_url": server.url, "auth": "bearer", "token": TOKEN}
    assert execute_readme(Path(__file__).parents[1], {"Service": ("graphql", config)})["few"].rows_out == 3
