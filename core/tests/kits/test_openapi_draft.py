"""What is drafted from an OpenAPI document can be loaded, and reads a service that is made of it."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stamina
from headrace.cli.new import create
from headrace.kits.http import parts, rest_manifest
from headrace.kits.http.manifest import declared, parse
from headrace.kits.http.openapi import draft
from headrace.kits.http.openapi_document import load
from headrace.kits.http.toml_text import toml_text
from headrace.sdk import ConfigError, parse_config
from headrace.testing.manifest_server import manifest_server

FOLDER = Path(__file__).parent / "openapi"
SWAGGER = """
swagger: "2.0"
info: {title: Old shop}
host: shop.example.org
basePath: /api
schemes: [https]
securityDefinitions:
  key: {type: apiKey, in: query, name: api_key}
paths:
  /Orders.json:
    get:
      parameters:
        - {name: page, in: query, type: integer}
        - {name: per_page, in: query, type: integer, maximum: 50}
        - {name: updated_since, in: query, type: string}
      responses:
        200:
          schema:
            type: object
            properties:
              total: {type: integer}
              orders: {type: array, items: {$ref: "#/definitions/Order"}}
  /Orders/{id}/Lines:
    get:
      parameters: [{name: cursor, in: query, type: string}]
      responses:
        "200":
          schema:
            type: object
            properties:
              data: {type: array, items: {type: object, properties: {sku: {type: string}, "per cent": {type: number}}}}
              meta: {type: object, properties: {next_cursor: {type: string}}}
  /health: {get: {responses: {200: {schema: {type: object, properties: {ok: {type: boolean}}}}}}}
definitions:
  Base: {type: object, properties: {id: {type: integer}, updated_at: {type: string, format: date-time}}}
  Order:
    allOf:
      - {$ref: "#/definitions/Base"}
      - {type: object, properties: {total: {type: number}, tags: {type: array}, when: {type: string, format: date}}}
"""


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


def drafted(document: Any, name: str = "made") -> parts.Declaration:
    return parse(toml_text(draft(document, name)))


def test_a_swagger_document_becomes_streams_keys_pages_and_a_sign_in(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(SWAGGER)
    said = drafted(load(file))
    assert said.auth == parts.QueryAuth(name="api_key")
    assert said.config["base_url"].default == "https://shop.example.org/api"
    (orders,) = said.streams  # the path of the lines does not follow from that of the orders
    assert (orders.name, orders.path, orders.records) == ("orders", "Orders.json", "orders")
    assert orders.columns == {
        "id": "integer",
        "updated_at": "timestamp",
        "total": "float",
        "tags": "json",
        "when": "date",
    }
    assert (orders.primary_key, orders.cursor, orders.after_param) == (("id",), "updated_at", "updated_since")
    assert orders.pages == parts.PageNumber(size_param="per_page", size=50)


def test_children_follow_their_parents() -> None:
    text = SWAGGER.replace("/Orders.json", "/Orders")
    said = drafted(msgspec.yaml.decode(text))
    lines = next(stream for stream in said.streams if stream.name == "lines")
    assert lines.parent == {"id": "orders.id"}
    assert lines.columns == {"id": "integer", "sku": "text", "per cent": "float"}
    assert lines.pages == parts.Token(token_param="cursor", next="meta.next_cursor")


@pytest.mark.parametrize(
    ("name", "auth", "streams"),
    [("gitea", parts.HeaderAuth, {"orgs", "search", "emails"}),
     ("box", parts.OAuth2, {"users", "memberships", "webhooks"})],
)  # fmt: skip
def test_published_documents_are_drafted(name: str, auth: type, streams: set[str]) -> None:
    said = drafted(load(FOLDER / f"{name}.json.gz"), name)
    assert type(said.auth) is auth
    assert streams <= {stream.name for stream in said.streams}
    assert all(stream.pages for stream in said.streams if stream.name != "emails")


def test_a_drafted_package_reads_a_service_that_is_made_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create("connector", "drafted", tmp_path / "made", openapi=FOLDER / "gitea.json.gz")
    monkeypatch.syspath_prepend(str(made / "src"))
    package = "headrace_connector_drafted"
    try:
        __import__(package)
        manifest, said = rest_manifest(package), declared(package)
        with manifest_server(said) as (service, _):
            config = parse_config(manifest.config, service.config())
            with closing(manifest.factory.load()(config)) as opened:
                opened.check()
                service.busy = 2
                for stream in opened.discover():
                    rows = [row for frame in opened.read(stream) for row in frame.to_dicts()]
                    assert len(rows) == 7, stream.name
    finally:
        sys.modules.pop(package, None)
        declared.cache_clear()


@pytest.mark.parametrize(
    ("text", "said"),
    [("[1]", "has no paths"), ('{"paths": {}}', "neither openapi nor swagger"), ("{", "cannot be read as JSON or YAML"),
     ('{"openapi": "3.0.0", "paths": {"/x": {"get": {}}}}', "no GET operation")],
)  # fmt: skip
def test_what_is_no_document_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ConfigError, match=said):
        create("connector", "x", tmp_path / "made", openapi=tmp_path / "x.json")
    assert not (tmp_path / "made").exists()
