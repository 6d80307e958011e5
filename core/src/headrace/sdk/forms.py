"""Config Struct -> form schema v1: the JSON Schema subset that the UI renders (no `$ref`, no `anyOf`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from functools import lru_cache, partial
from typing import Any, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from headrace.sdk.config import Config, Secret
from headrace.sdk.types import JsonSchema

_LANGUAGES = frozenset(["code", "expression", "sql"])
HINTS = frozenset(
    [
        "widget",
        "order",
        "group",
        "advanced",
        "placeholder",
        "help",
        "docs",
        "unit",
        "rows",
        "language",
        "columns",
        "visible_if",
        "enabled_if",
        "enum_labels",
        "enum_order",
        "enum_icons",
        "options_from",
        "depends_on",
        "search",
        "allow_custom",
        "nullable",
        "expression",
        "sample",
        "copyable",
        "width",
        "connection_type",
        "port",
    ]
)
"""The closed list of `x-ui` hints (ui.md, part 4)."""


def config_schema(kind: type[Struct]) -> JsonSchema:
    """Form schema of a Config: refs resolved, unions as `oneOf`, fields and enumerations in the written order."""
    (schema,), parts = msgspec.json.schema_components(
        [_without_secret_defaults(kind)], schema_hook=_hook, ref_template="{name}"
    )
    shape: dict[str, Any] = _resolve(schema, parts)
    _order(shape, kind)
    return shape


_TEMPLATED = frozenset(["", "text", "textarea", "json", "stream"])
_SQL = frozenset(["expression", "sql"])


def with_expressions(schema: JsonSchema, verbatim: Collection[str] = ()) -> JsonSchema:
    """The form with `x-ui.expression` where it is not said: `allow` for texts, `force` for SQL over columns.

    Fields in `verbatim` are no templates; a text that must look in a certain way is none either.
    """
    return {**schema, "properties": {
        name: part if name in verbatim else _expressive(part) for name, part in schema.get("properties", {}).items()
    }}  # fmt: skip


def _expressive(part: Any) -> Any:
    hints = part.get("x-ui", {})
    widget = hints.get("widget", "")
    if widget in _SQL:
        return {**part, "x-ui": {"expression": "force", **hints}}
    own = part.keys() & {"enum", "const", "pattern", "format", "writeOnly"}
    if part.get("type") == "string" and not own and widget in _TEMPLATED:
        return {**part, "x-ui": {"expression": "allow", **hints}}
    made = dict(part)
    if "properties" in part:
        made = with_expressions(part)
    if "oneOf" in part:
        made["oneOf"] = [_expressive(option) for option in part["oneOf"]]
    if isinstance(part.get("items"), dict):
        made["items"] = _expressive(part["items"])
    return made


def _without_secret_defaults(kind: type[Struct]) -> type[Struct]:
    """The same Struct with defaults that msgspec cannot show made by a factory; a form shows no secret anyway."""
    fields = msgspec.structs.fields(kind)
    if not any(isinstance(field.default, Secret) for field in fields):
        return kind
    hints = get_type_hints(kind, include_extras=True)
    made: list[Any] = []
    for field in fields:
        if isinstance(field.default, Secret):
            made.append((field.name, hints[field.name], msgspec.field(default_factory=partial(Secret, ""))))
        elif field.default is not msgspec.NODEFAULT:
            made.append((field.name, hints[field.name], field.default))
        elif field.default_factory is not msgspec.NODEFAULT:
            made.append((field.name, hints[field.name], msgspec.field(default_factory=field.default_factory)))
        else:
            made.append((field.name, hints[field.name]))
    return msgspec.defstruct(
        kind.__name__, made, kw_only=True, module=kind.__module__, namespace={"__doc__": kind.__doc__}
    )


def _hook(kind: type) -> JsonSchema:
    if kind is Secret:
        return {"type": "string", "format": "password", "writeOnly": True}
    raise NotImplementedError(f"{kind!r} has no form")


def _resolve(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if "$ref" in node:
        target = dict(parts[node.pop("$ref")])
        if target.get("type") == "object":
            target.pop("title", None)
        node = {**target, **node}
    if "anyOf" in node:
        node = _union(node, parts)
    if "enum" in node and len(node["enum"]) == 1 and "default" not in node:
        node["const"] = node.pop("enum")[0]
    return {key: _resolve(value, parts) for key, value in node.items() if key != "discriminator"}


def _union(node: JsonSchema, parts: dict[str, Any]) -> JsonSchema:
    """Turn `anyOf` into a nullable type, a list of plain types, or `oneOf` over tagged objects."""
    options = [_resolve(option, parts) for option in node.pop("anyOf")]
    real = [option for option in options if option.get("type") != "null"]
    if len(real) < len(options):
        node["x-ui"] = {**node.get("x-ui", {}), "nullable": True}
    if len(real) == 1:
        return {**real[0], **node, "x-ui": {**real[0].get("x-ui", {}), **node.get("x-ui", {})}}
    if all(option.get("type") == "object" for option in real):
        return {**node, "oneOf": real}
    return {**node, "type": [option["type"] for option in real if "type" in option]}


def _order(schema: JsonSchema, kind: Any) -> None:
    """Give properties and enumerations the order in which they were written."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not (isinstance(kind, type) and issubclass(kind, Struct)):
        return
    hints = get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        shape = properties.get(field.encode_name)
        if shape is not None:
            _order_value(shape, hints[field.name])


def _order_value(shape: JsonSchema, hint: Any) -> None:
    literal = [
        arg for part in (hint, *get_args(hint)) if str(get_origin(part)) == "typing.Literal" for arg in get_args(part)
    ]
    if "enum" in shape and literal:
        shape["enum"] = [value for value in literal if value is not None]
    elif "enum" in shape and isinstance(hint, type):
        shape["enum"] = [member.value for member in cast("type[Enum]", hint)]
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and issubclass(part, Struct):
            _order(shape, part)
            for option in (*shape.get("oneOf", ()), shape.get("items", {})):
                _order(option, part)


@lru_cache(maxsize=1_024)
def spoken_fields(shape: type[Config]) -> frozenset[str]:
    """Fields at the top that hold text in a language, also deep within."""
    return frozenset(name for name, part in config_schema(shape).get("properties", {}).items() if _speaks(part))


def _speaks(part: Mapping[str, Any]) -> bool:
    hints = part.get("x-ui", {})
    return hints.get("widget") in _LANGUAGES or "language" in hints or any(map(_speaks, _within(part)))


def _within(part: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from part.get("properties", {}).values()
    yield from part.get("oneOf", ())
    if isinstance(part.get("items"), Mapping):
        yield part["items"]
