"""The refusals that an operation may answer with, declared by rule: no handler lists them, none is forgotten."""

from __future__ import annotations

from typing import Any

from litestar.openapi.spec import OpenAPI

NAME = "Error"
_YAML = "application/yaml"
_SAFE = {"get", "head"}
_TEXTS = {
    400: "The request cannot be read.",
    401: "Nobody is signed in, or not any more.",
    403: "The role, the key or the plan does not include this, or a foreign page has sent it.",
    404: "There is no such thing, or the caller may not know of it.",
    409: "The state of the thing, or a name that is taken, does not allow this.",
    410: "It was good for a time, which is over.",
    412: "It was changed meanwhile: load it again.",
    413: "The request is too large.",
    422: "The request does not fit; `details.errors` says where.",
    424: "The other side of a connection refuses its credentials.",
    428: "The version that the change builds on is missing.",
    429: "Too often; `Retry-After` says when to try again.",
    503: "Something that is needed is away for a moment; `Retry-After` says when to try again.",
}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": NAME,
    "required": ["success", "error", "meta"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}},
        },
        "meta": {
            "type": "object",
            "required": ["timestamp", "version", "request_id"],
            "properties": {
                "timestamp": {"type": "string", "format": "date-time"},
                "version": {"const": "v1"},
                "request_id": {"type": "string"},
            },
        },
    },
}
_PROBLEM: dict[str, Any] = {"type": "object", "required": ["type", "title", "status", "detail", "instance", "details"]}


class Document(OpenAPI):
    """A document whose operations name their refusals.

    Attributes:
        open_to_all: Operations that anybody may call.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.open_to_all: set[str] = set()

    def to_schema(self) -> dict[str, Any]:
        """The document as it is sent."""
        schema = super().to_schema()
        schema["components"].setdefault("schemas", {})[NAME] = _SCHEMA
        for item in schema["paths"].values():
            for method, operation in item.items():
                if isinstance(operation, dict) and "operationId" in operation:
                    if operation["operationId"] in self.open_to_all:
                        operation["security"] = []
                    _declare(method, operation)
        return schema


def _declare(method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("400", None)  # what the framework would answer by itself
    for response in responses.values():
        if (kinds := response.get("content", {})).get(_YAML):
            kinds[_YAML] = {}  # whoever reads it gets its parts, not one text
    for status in refusals(method, operation):
        responses.setdefault(str(status), _response(status))


def refusals(method: str, operation: dict[str, Any]) -> list[int]:
    """Statuses of the errors that an operation may answer with."""
    given = operation.get("parameters", [])
    places = {one["in"] for one in given}
    changes, body = method not in _SAFE, "requestBody" in operation
    public = operation.get("security") == []
    asks = not public or changes or ("auth" in operation.get("tags", ()) and "path" in places)  # or a provider does
    signed = any(one["name"] == "token" and one["in"] == "query" for one in given)
    rules = {
        400: body or bool(places),
        401: asks,
        403: asks or signed,
        404: "path" in places or changes or "query" in places,
        409: changes or "files" in operation.get("tags", ()),
        410: signed,
        412: any(one["name"] == "If-Match" for one in given),
        413: body or (signed and changes),
        422: body or bool(places) or changes,
        424: {"connections", "node_types"} & set(operation.get("tags", ())),
        428: any(one["name"] == "If-Match" for one in given),
        429: True,
        503: True,
    }
    return [status for status, applies in rules.items() if applies]


def _response(status: int) -> dict[str, Any]:
    kinds = {"application/json": {"schema": {"$ref": f"#/components/schemas/{NAME}"}},
             "application/problem+json": {"schema": _PROBLEM}}  # fmt: skip
    return {"description": _TEXTS[status], "content": kinds}
