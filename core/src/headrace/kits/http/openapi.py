"""Drafts a declaration from an OpenAPI document: lists with their columns, pages and keys; calls; how one signs in.

A draft is read by a person before it is used: what could not be told is left out, never guessed into a wrong result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.kits.http import openapi_auth, openapi_pages
from headrace.kits.http.openapi_actions import actions
from headrace.kits.http.openapi_document import Document
from headrace.kits.http.openapi_types import type_of
from headrace.sdk.errors import ConfigError

_WORD = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RECORDS = ("data", "items", "results", "records", "values", "value", "entries", "list", "rows", "result")
_KEYS = ("id", "uuid", "guid", "sid", "key", "code", "slug", "name")
_CURSORS = ("updated_at", "updatedAt", "updated", "modified_at", "modifiedAt", "last_modified", "updated_on")
_AFTER = ("updated_after", "updated_since", "modified_since", "since", "updatedAfter", "updatedSince")


def draft(text: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A declaration as plain data, ready to be written as TOML.

    Args:
        text: The document: OpenAPI 3 or Swagger 2.
        name: Id of the connector.

    Raises:
        ConfigError: it is no such document, or has no list that can be read.
    """
    document = Document(text)
    auth, fields = openapi_auth.sign_in(document)
    streams = list(_streams(document))
    if not streams:
        raise ConfigError("the document has no GET operation that answers with a list of objects; nothing to draft")
    info = document.text.get("info") or {}
    title = str(info.get("title") or name).strip()[:60]
    base = document.base_url()
    return {
        "id": name, "title": title, "category": "business_apps", "summary": f"Records of {title}",
        "check": _check(streams), "auth": auth, "streams": streams,
        "actions": actions(document, frozenset(str(stream["path"]) for stream in streams)),
        "config": {**fields, "base_url": {"title": "Server", "description": "Address of the API.", "default": base}},
    }  # fmt: skip


def _check(streams: list[dict[str, Any]]) -> str:
    return next((str(stream["path"]) for stream in streams if "parent" not in stream), "")


def _streams(document: Document) -> Iterator[dict[str, Any]]:
    """Lists, parents before their children; a path with a parameter that no list gives is left out."""
    made: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for path, operation in sorted(document.gets(), key=lambda one: (one[0].count("{"), one[0])):
        parent = _parent(path, made)
        if "#" in path or ("{" in path and parent is None):
            continue
        stream = _stream(document, path, operation, parent, names)
        if stream is not None:
            made[path] = stream
            names.add(stream["name"])
            yield stream


def _parent(path: str, made: Mapping[str, dict[str, Any]]) -> tuple[str, dict[str, Any]] | None:
    """Parameter, and the list whose rows give it: `/repos/{id}/issues` has `/repos`."""
    found = re.findall(r"\{([^{}]*)\}", path)
    if len(found) != 1 or not found[0].isidentifier():
        return None
    stream = made.get(path.partition("/{")[0])
    if stream is None or "parent" in stream or len(stream.get("primary_key", ())) != 1:
        return None
    return found[0], stream


def _stream(
    document: Document, path: str, operation: Mapping[str, Any], parent: tuple[str, dict[str, Any]] | None,
    names: set[str],
) -> dict[str, Any] | None:  # fmt: skip
    answer = document.answer(operation)
    where, item = _records(document, answer, path)
    properties = document.properties(item)
    if not properties:
        return None
    columns = {name: type_of(shape) for name, shape in properties.items()}
    made: dict[str, Any] = {"name": _name(path, names), "path": path.lstrip("/"), "records": where}
    key = next((name for name in _KEYS if columns.get(name) in {"integer", "text", "uuid"}), "")
    if parent is not None:
        param, above = parent
        field = above["primary_key"][0]
        made["parent"] = {param: f"{above['name']}.{field}"}
        columns = {param: above["columns"][field], **columns}
        made["primary_key"] = list(dict.fromkeys([param, *filter(None, [key])])) if key else []
    elif key:
        made["primary_key"] = [key]
    params = document.query(operation)
    cursor = next((name for name in _CURSORS if columns.get(name) == "timestamp"), "")
    after = next((name for name in _AFTER if name in params), "")
    if cursor:
        made |= {"cursor": cursor, **({"after_param": after} if after else {})}
    pages = openapi_pages.pages(document, operation, params, document.properties(answer), key)
    made |= {"pages": pages} if pages else {}
    made["columns"] = columns
    return {name: value for name, value in made.items() if value not in ("", [])}


def _records(document: Document, answer: Mapping[str, Any], path: str) -> tuple[str, Mapping[str, Any]]:
    """Where the records are, and their schema; empty when there are none."""
    if answer.get("type") == "array":
        return "", document.resolved(answer.get("items"))
    lists = {
        name: document.resolved(shape.get("items"))
        for name, shape in document.properties(answer).items() if shape.get("type") == "array"
    }  # fmt: skip
    lists = {name: item for name, item in lists.items() if document.properties(item)}
    last = path.rstrip("/").rpartition("/")[2]
    for name in (*_RECORDS, last):
        if name in lists:
            return name, lists[name]
    return next(iter(lists.items())) if len(lists) == 1 else ("", {})


def _name(path: str, names: set[str]) -> str:
    """`/v1/customers/{id}/sources.json` is `sources`, or `customers_sources` when that is taken."""
    parts = [part.removesuffix(".json") for part in path.strip("/").split("/") if "{" not in part]
    words = [_WORD.sub("_", _HUMP.sub("_", part).lower()).strip("_") for part in parts]
    words = [word for word in words if word] or ["records"]
    for count in range(1, len(words) + 1):
        name = "_".join(words[-count:])
        if name not in names:
            return name
    return next(f"{name}_{number}" for number in range(2, 1_000) if f"{name}_{number}" not in names)
