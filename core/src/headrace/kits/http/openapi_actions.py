"""Drafts the calls of an OpenAPI document: those that send JSON or nothing, with their inputs and outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.kits.http.openapi_document import Document
from headrace.kits.http.openapi_types import type_of

MOST = 60
"""A draft that nobody reads to its end helps nobody."""
_EFFECTS = {"post": "create", "put": "update", "patch": "update", "delete": "delete"}
_TAKEN = frozenset({"read", "write", "query"})
_WORD = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def actions(document: Document, streams: frozenset[str]) -> list[dict[str, Any]]:
    """Calls that change something, and reads of one object.

    Args:
        document: The document.
        streams: Paths that are read as streams already.
    """
    made: dict[str, dict[str, Any]] = {}
    for path, method, operation in document.operations():
        if method == "get" and path.lstrip("/") in streams:
            continue
        action = _action(document, path, method, operation)
        if action is not None and action["id"] not in made and len(made) < MOST:
            made[action["id"]] = action
    return list(made.values())


def _action(document: Document, path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any] | None:
    fields = re.findall(r"\{([^{}]*)\}", path)
    body = document.body(operation)
    if body is None or "#" in path or "?" in path or not all(field.isidentifier() for field in fields):
        return None
    output = {name: type_of(shape) for name, shape in document.properties(document.answer(operation)).items()}
    if method == "get" and (not fields or not output):
        return None  # a list, or nothing that could be told
    params = {name: one.get("schema", one) for name, one in _params(document, operation)}
    given = {**document.properties(body), **params}
    inputs = {name: type_of(document.resolved(shape)) for name, shape in given.items() if name.isidentifier()}
    inputs = {**{field: inputs.get(field, "text") for field in fields}, **inputs}
    query = [name for name, _ in _params(document, operation, "query") if name in inputs]
    required = [name for name in body.get("required") or [] if name in inputs]
    made = {
        "id": _id(path, method, operation), "title": _title(path, method, operation), "method": method.upper(),
        "path": path.lstrip("/"), "effect": "read" if method == "get" else _EFFECTS[method], "input": inputs,
        "required": list(dict.fromkeys([*fields, *required])), "query": query if method.startswith("p") else [],
        "output": output,
    }  # fmt: skip
    return {name: value for name, value in made.items() if value not in ([], {})}


def _params(document: Document, operation: Mapping[str, Any], *places: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in map(document.resolved, operation.get("parameters") or []):
        if one.get("in") in (places or ("path", "query")) and "name" in one:
            yield str(one["name"]), one


def _id(path: str, method: str, operation: Mapping[str, Any]) -> str:
    said = str(operation.get("operationId") or f"{method} {re.sub(r'{[^{}]*}', '', path)}")
    word = _WORD.sub("_", _HUMP.sub("_", said).lower()).strip("_")[:60] or method
    word = word if word[0].isalpha() else f"do_{word}"
    return f"{word}_one" if word in _TAKEN else word


def _title(path: str, method: str, operation: Mapping[str, Any]) -> str:
    said = str(operation.get("summary") or "").strip().splitlines()
    return (said[0] if said else f"{method.upper()} {path}")[:80].rstrip(" .")
