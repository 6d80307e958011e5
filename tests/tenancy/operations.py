"""The operations of the OpenAPI document, and calls of them that the document allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace_web.guards import ACCESS, handlers
from litestar import Litestar
from msgspec import Struct

GHOST = "01900000-0000-7000-8000-000000000000"
"""An id that nothing has."""
OTHERS = {
    "connector_id": "local_files", "key": "flows", "kind": "flows", "node_id": "few", "number": "1", "queue": "reports",
    "worker_id": "w", "type_id": "transform.limit", "place": "x" * 32, "token": "x" * 43,
    "template_id": "flights",
}  # fmt: skip
"""Path parameters that name nothing of an organization."""
FIELDS = {
    "target": "flow_id", "id": "connection_id", "ids": "execution_id", "job_ids": "job_id", "parent_id": "folder_id",
    "depends_on": "flow_id", "account_id": "billing_account_id",
}  # fmt: skip
"""Fields whose ids are of another thing than they are called."""
BODIES: dict[str, dict[str, Any]] = {
    "files_create_file": {"name": "x.csv"},
    "files_update_file": {"name": "x.csv"},
    "files_replace_file": {"name": "x.csv"},
    "calendars_list_days": {"from": "2026-01-01", "to": "2026-01-02"},
    "connections_preview_stream": {"stream": "x.csv"},
    "realtime_stream_events": {"channel": f"execution:{GHOST}"},
    "connections_create_connection": {"connector": "local_files", "config": {"root": "."}},
    "connections_probe": {"connector": "local_files"},
    "connections_list_choices": {"connector": "local_files"},
    "connections_create_mapping": {"data_type": "equipment_status", "source_table_name": "machines"},
    "connections_query_rows": {"sql": "select 1"},
    "integrations_create_integration": {"service_url": "https://n8n.example.org", "credentials": {"api_key": "key"}},
    "integrations_replace_integration": {"service_url": "https://n8n.example.org", "credentials": {"api_key": "key"}},
    "flow_files_import_flow": {"text": "headrace: 1\nname: x\n"},
    "flow_files_put_text": {"text": "headrace: 1\nname: x\n"},
    "schedules_create_schedule": {"expression": "0 6 * * *"},
    "schedules_preview_unsaved": {"expression": "0 6 * * *"},
    "triggers_create_trigger": {"trigger_type": "manual"},
    "backfills_create_backfill": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "step": "1d"},
    "api_keys_create_key": {"permissions": ["flow:read"]},
    "webhooks_create_webhook": {"name": "x"},
    "event_subscriptions_create_subscription": {"url": "https://hooks.example.org/in", "events": ["execution.failed"]},
    "permissions_give_grant": {"object_type": "flow", "level": "view", "group_id": GHOST},
    "plans_create_plan": {"edition": "standard"},
    "subscriptions_create_subscription": {"plan_id": "scale"},
    "subscriptions_put_override": {"value": 3},
    "invoices_create_invoice": {"lines": [{"text": "x", "unit_price": "1"}]},
    "budgets_create_budget": {"usage_type": "flows"},
    "budgets_replace_budget": {"usage_type": "flows"},
    "terms_create_terms": {"kind": "tos"},
    "billing_info_update_info": {"row_version": 0},
    "billing_info_replace_info": {"row_version": 0},
}  # fmt: skip
"""What a body or a query needs beside what its schema says, so that the request is read to its end."""


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path.

    Attributes:
        ids: Path parameters that are ids.
        body: Schema of the body; None without one.
        query: Schemas of the query's fields.
        access: What the handler declares.
    """

    id: str
    method: str
    path: str
    ids: tuple[str, ...]
    body: dict[str, Any] | None
    query: dict[str, dict[str, Any]]
    access: str

    def address(self, ids: Mapping[str, str]) -> str:
        """The path with these ids, and what the query needs."""
        filled = re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1]) or OTHERS.get(m[1], GHOST), self.path)
        needed = BODIES.get(self.id, {}) if self.method == "GET" else {}
        return filled + ("?" + "&".join(f"{name}={value}" for name, value in needed.items()) if needed else "")


class Document:
    """What the application says of itself."""

    def __init__(self, app: Litestar) -> None:
        self.schema = app.openapi_schema.to_schema()
        declared = {
            (plain_path(path), method): handler.opt.get(ACCESS)
            for path, handler in handlers(app)
            for method in getattr(handler, "http_methods", ())
        }
        self.operations = sorted(
            (
                _operation(path, method.upper(), one, declared)
                for path, item in self.schema["paths"].items()
                for method, one in item.items()
            ),
            key=lambda one: one.id,
        )
        self.outside = sorted(
            {(path, method) for path, method in declared if method != "OPTIONS"}
            - {(one.path, one.method) for one in self.operations}
        )
        self.sockets = sorted(
            route_path for route_path, handler in handlers(app) if not getattr(handler, "http_methods", ())
        )

    def body_of(self, operation: Operation) -> Any:
        """The smallest body that is read to its end; None without one."""
        if operation.body is None:
            return None
        made = self._value(operation.body)
        return {**made, **BODIES.get(operation.id, {})} if isinstance(made, dict) else made

    def references(self, operation: Operation) -> Iterator[tuple[str, ...]]:
        """Places of ids in the body, and (`?`, name) of those in the query."""
        if operation.body is not None:
            yield from self._ids(operation.body)
        for name, schema in operation.query.items():
            yield from (("?", name) for _ in self._ids(schema))

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Without references, and of several the first that is not null."""
        while True:
            if "$ref" in schema:
                schema = self.schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            elif several := schema.get("oneOf") or schema.get("anyOf"):
                schema = next((one for one in several if one.get("type") != "null"), {})
            else:
                return schema

    def _ids(self, schema: dict[str, Any]) -> Iterator[tuple[str, ...]]:
        schema = self.resolved(schema)
        if schema.get("format") == "uuid":
            yield ()
        for name, one in schema.get("properties", {}).items():
            yield from ((name, *rest) for rest in self._ids(one))
        if "items" in schema:
            yield from (("[]", *rest) for rest in self._ids(schema["items"]))

    def _value(self, schema: dict[str, Any]) -> Any:
        schema = self.resolved(schema)
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        match schema.get("type"):
            case "object":
                known = schema.get("properties", {})
                wanted = [*schema.get("required", ()), *({"row_version"} & known.keys())]
                return {name: self._value(known[name]) for name in wanted}
            case "array":
                return [self._value(schema["items"])] if schema.get("minItems") else []
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return False
            case _:
                return _text(schema)


def with_id(body: Any, place: tuple[str, ...], value: str, document: Document, schema: dict[str, Any]) -> Any:
    """The body with an id at this place."""
    if not place:
        return value
    schema = document.resolved(schema)
    if place[0] == "[]":
        return [with_id(document._value(schema["items"]), place[1:], value, document, schema["items"])]
    inside = schema["properties"][place[0]]
    body = body if isinstance(body, dict) else {}
    return {
        **body,
        place[0]: with_id(body.get(place[0]) or document._value(inside), place[1:], value, document, inside),
    }


def resource_of(place: tuple[str, ...]) -> str:
    """The path parameter whose things an id at this place names."""
    name = next(part for part in reversed(place) if part not in {"[]", "?"})
    return FIELDS.get(name, name)


def _text(schema: dict[str, Any]) -> str:
    given = {"uuid": GHOST, "date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01"}.get(schema.get("format", ""))
    return given or "x" * max(1, schema.get("minLength", 1))


def plain_path(path: str) -> str:
    """A path of a handler as the document writes it."""
    return re.sub(r":\w+\}", "}", path)


def _operation(path: str, method: str, one: dict[str, Any], declared: dict[tuple[str, str], Any]) -> Operation:
    given = one.get("parameters", [])
    ids = [each["name"] for each in given if each["in"] == "path" and each["schema"].get("format") == "uuid"]
    content = one.get("requestBody", {}).get("content", {})
    return Operation(
        id=one["operationId"], method=method, path=path, ids=tuple(ids),
        body=next(iter(content.values()))["schema"] if content else None,
        query={each["name"]: each["schema"] for each in given if each["in"] == "query"},
        access=str(declared[path, method]),
    )  # fmt: skip
