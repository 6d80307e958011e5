"""Requests and answers held against a vendor's published OpenAPI document (3.0)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from headrace.testing.http_server import Asked, Reply


class OpenApiContract:
    """A document.

    Args:
        document: Decoded; a slice with what it refers to will do.
        validator: Class of JSON Schema's validators, for OpenAPI 3.0: `OAS30Validator` of openapi-schema-validator.
    """

    def __init__(self, document: dict[str, Any], validator: Callable[[dict[str, Any]], Any]) -> None:
        self._document, self._validator = document, validator
        paths = sorted(document["paths"], key=lambda path: path.count("{"))  # the plainest first
        self._paths = [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path) for path in paths]
        self.seen: set[str] = set()
        """Operations that were called, as `GET /folders/{folder_id}`."""

    def wrong(self, asked: Asked, path: str, reply: Reply | None) -> Iterator[str]:
        """What does not agree with the document.

        Args:
            asked: The request.
            path: Its path below the document's server.
            reply: Its answer; None where none was given.
        """
        operation = self._operation(asked.method, path)
        if operation is None:
            yield f"the document has no {asked.method} {path}"
            return
        for problem in (*self._parameters(operation, asked), *self._body(operation, asked)):
            yield f"{asked.method} {path}: {problem}"
        for problem in self._answer(operation, reply) if reply is not None else ():
            yield f"answer {reply.status if reply else ''} to {asked.method} {path}: {problem}"

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, name in self._paths:
            found: dict[str, Any] | None = self._document["paths"][name].get(method.lower())
            if found is not None and pattern.fullmatch(path):
                self.seen.add(f"{method} {name}")
                return found
        return None

    def _parameters(self, operation: Mapping[str, Any], asked: Asked) -> Iterator[str]:
        known = {(one["in"], one["name"].lower()): one for one in operation.get("parameters", ())}
        for name, text in asked.query.items():
            one = known.get(("query", name.lower()))
            if one is None:
                yield f"there is no parameter '{name}'"
                continue
            yield from self._fits(_typed(one["schema"], text), one["schema"], name)
        for (place, name), one in known.items():
            given = asked.query if place == "query" else asked.headers
            if one.get("required") and place in {"query", "header"} and name not in given:
                yield f"'{name}' is required"

    def _body(self, operation: Mapping[str, Any], asked: Asked) -> Iterator[str]:
        declared = operation.get("requestBody", {}).get("content", {})
        kind, _, more = asked.headers.get("content-type", "").partition(";")
        if not declared:
            if asked.body:
                yield "it takes no body"
            return
        if kind not in declared:
            yield f"the content type is '{kind}', not {', '.join(declared)}"
            return
        if kind == "application/octet-stream":
            return
        if kind == "application/json":
            value: Any = asked.json()
        elif kind == "multipart/form-data":
            value = _form(f"{kind};{more}", asked.body)
        else:
            value = dict(parse_qsl(asked.body.decode()))
        yield from self._fits(value, declared[kind]["schema"], "body")

    def _answer(self, operation: Mapping[str, Any], reply: Reply) -> Iterator[str]:
        responses = operation["responses"]
        said = responses.get(str(reply.status), responses.get("default") if reply.status >= 400 else None)
        if said is None:
            yield "no such status"
            return
        content = said.get("content", {})
        if "application/json" in content and isinstance(reply.body, bytes) and reply.body:
            yield from self._fits(json.loads(reply.body), content["application/json"]["schema"], "answer")
        elif not content and isinstance(reply.body, bytes) and reply.body:
            yield "it has no body"

    def _fits(self, value: Any, schema: Mapping[str, Any], where: str) -> Iterable[str]:
        validator = self._validator({**schema, "components": self._document["components"]})
        return [f"{where}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """A parameter's text as its type; as it is where it does not fit."""
    if schema.get("type") == "array":
        return text.split(",")
    if schema.get("type") in {"integer", "boolean", "number"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _form(kind: str, body: bytes) -> dict[str, Any]:
    """Fields of a form, in order; those of JSON decoded."""
    found: dict[str, Any] = {}
    message = message_from_bytes(f"content-type: {kind}\r\n\r\n".encode() + body, policy=HTTP)
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        raw: Any = part.get_payload(decode=True)
        found[name] = json.loads(raw) if part.get_content_type() == "application/json" else "binary"
    return found


def form_file(asked: Asked) -> tuple[dict[str, Any], bytes]:
    """Attributes and file of a form whose attributes come first."""
    kind = asked.headers["content-type"]
    line = kind.partition("boundary=")[2].encode()
    attributes, file = asked.body.removesuffix(b"\r\n--" + line + b"--\r\n").split(b"\r\n--" + line + b"\r\n", 1)
    return json.loads(attributes.partition(b"\r\n\r\n")[2]), file.partition(b"\r\n\r\n")[2]
