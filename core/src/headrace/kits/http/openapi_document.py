"""An OpenAPI document with its references followed; OpenAPI 3 and Swagger 2 read the same."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from headrace.sdk.errors import ConfigError

_DEEP = 20
_JSON = ("application/json", "application/vnd.api+json", "application/hal+json", "*/*", "text/json")


def load(file: Path) -> Any:
    """A document from a file: JSON or YAML, also packed with gzip.

    Raises:
        ConfigError: it cannot be read, or is neither.
    """
    try:
        raw = file.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        if raw.lstrip()[:1] == b"{":
            return msgspec.json.decode(raw)
        return msgspec.yaml.decode(raw)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"'{file}' cannot be read as JSON or YAML: {error}") from None


class Document:
    """One document.

    Raises:
        ConfigError: it is none.
    """

    def __init__(self, text: Any) -> None:
        if not isinstance(text, Mapping) or not isinstance(text.get("paths"), Mapping):
            raise ConfigError("the file is no OpenAPI document: it has no paths")
        if not ("openapi" in text or "swagger" in text):
            raise ConfigError("the file is no OpenAPI document: it names neither openapi nor swagger")
        self.text = text

    def base_url(self) -> str:
        """Address of the first server; variables take their defaults."""
        servers = self.text.get("servers") or []
        if servers:
            url = str(servers[0].get("url", ""))
            for name, variable in (servers[0].get("variables") or {}).items():
                url = url.replace(f"{{{name}}}", str(variable.get("default", name)))
        else:
            scheme = "https" if "https" in (self.text.get("schemes") or ["https"]) else "http"
            url = f"{scheme}://{self.text.get('host', 'api.example.org')}{self.text.get('basePath', '')}"
        url = url.rstrip("/")
        return url if "://" in url else f"https://api.example.org{url}"

    def gets(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Path and GET operation, the parameters of the path among its own."""
        return ((path, operation) for path, method, operation in self.operations() if method == "get")

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Path, method in lower case, and operation, the parameters of the path among its own."""
        for path, item in self.text["paths"].items():
            for method in ("get", "post", "put", "patch", "delete"):
                operation = item.get(method) if isinstance(item, Mapping) else None
                if isinstance(operation, Mapping):
                    shared = [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
                    yield str(path), method, {**operation, "parameters": shared}

    def body(self, operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Schema of what an operation takes, empty when it takes nothing; None when it must not be JSON."""
        for one in map(self.resolved, operation.get("parameters") or []):  # Swagger 2
            if one.get("in") == "body":
                return self.resolved(one.get("schema"))
            if one.get("in") == "formData":
                return None
        content: Mapping[str, Any] = self.resolved(operation.get("requestBody")).get("content") or {}
        if not content:
            return {}
        kind = next((content[name] for name in _JSON if name in content), None)
        return None if kind is None else self.resolved(kind.get("schema"))

    def resolved(self, shape: Any, depth: int = 0) -> Mapping[str, Any]:
        """A schema without references at its top, its `allOf` put together."""
        if not isinstance(shape, Mapping) or depth > _DEEP:
            return {}
        if "$ref" in shape:
            return self.resolved(self._at(str(shape["$ref"])), depth + 1)
        parts = shape.get("allOf")
        if not parts:
            return shape
        whole: dict[str, Any] = {name: value for name, value in shape.items() if name != "allOf"}
        properties = dict(whole.get("properties") or {})
        for part in parts:
            found = self.resolved(part, depth + 1)
            properties = {**(found.get("properties") or {}), **properties}
            whole = {**found, **whole}
        return {**whole, "properties": properties}

    def _at(self, reference: str) -> Any:
        at: Any = self.text
        for part in reference.removeprefix("#/").split("/") if reference.startswith("#/") else ["?"]:
            at = at.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(at, Mapping) else None
        return at

    def properties(self, shape: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Properties of an object, each resolved."""
        found = shape.get("properties")
        return {str(name): self.resolved(one) for name, one in found.items()} if isinstance(found, Mapping) else {}

    def answer(self, operation: Mapping[str, Any]) -> Mapping[str, Any]:
        """Schema of what a good answer holds."""
        found = operation.get("responses") or {}
        good = next((found[status] for status in (200, "200", 201, "201", "2XX", "default") if status in found), None)
        answer = self.resolved(good)
        if "schema" in answer:  # Swagger 2
            return self.resolved(answer["schema"])
        content: Mapping[str, Any] = answer.get("content") or {}
        kind: Mapping[str, Any] = next((content[name] for name in _JSON if name in content), {})
        kind = kind or next((one for name, one in content.items() if "json" in name), {})
        return self.resolved(kind.get("schema"))

    def headers(self, operation: Mapping[str, Any]) -> set[str]:
        """Names of the headers of a good answer, lower case."""
        found = operation.get("responses") or {}
        answer = self.resolved(found.get("200") or found.get(200))
        return {str(name).lower() for name in answer.get("headers") or {}}

    def query(self, operation: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Query parameters of an operation by name."""
        found = [self.resolved(one) for one in operation.get("parameters") or []]
        return {str(one["name"]): one for one in found if one.get("in") == "query" and "name" in one}

    def schemes(self) -> dict[str, Mapping[str, Any]]:
        """Ways to sign in, those that the whole document asks for first."""
        parts = self.text.get("components") or {}
        found = parts.get("securitySchemes") or self.text.get("securityDefinitions") or {}
        wanted = [name for one in self.text.get("security") or [] for name in one if name in found]
        return {str(name): self.resolved(found[name]) for name in dict.fromkeys([*wanted, *found])}
