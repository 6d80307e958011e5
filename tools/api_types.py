"""Write `web/ui/src/api/*.gen.ts`, the types of the REST API, from the OpenAPI document of the code as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from headrace_web.testing import document

FOLDER = Path(__file__).resolve().parent.parent / "web" / "ui" / "src" / "api"
PREFIX = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
Schema = dict[str, Any]


def named(name: str) -> str:
    """A schema's name as TypeScript allows it: `headrace.access.resolve.Answer` is `AccessResolveAnswer`."""
    parts = [part for part in re.split(r"\W|_", name) if part not in {"headrace", "web", "api"}]
    return "".join(part[:1].upper() + part[1:] for part in parts)


def written(schema: Schema) -> str:
    """A schema as a type."""
    if "$ref" in schema:
        return named(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(dict.fromkeys(json.dumps(one) for one in schema["enum"])) or "never"
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return " | ".join(dict.fromkeys(written(one) for one in choices))
    kinds = schema.get("type") or "object"
    return " | ".join(_of(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _of(kind: str, schema: Schema) -> str:
    if kind == "array":
        return _list(schema["items"]) if schema.get("items") else "Json[]"
    if kind != "object":
        return PLAIN[kind]
    if fields := schema.get("properties"):
        return fields_of(fields, schema.get("required") or [])
    inner = schema.get("additionalProperties")
    return f"Record<string, {written(inner) if isinstance(inner, dict) and inner else 'Json'}>"


def _list(item: Schema) -> str:
    inner = written(item)
    return f"({inner})[]" if "|" in inner else f"{inner}[]"


def fields_of(fields: dict[str, Schema], required: list[str]) -> str:
    """The fields of an object."""
    listed = (f"{key if key.isidentifier() else json.dumps(key)}{'' if key in required else '?'}: {written(one)}"
              for key, one in fields.items())  # fmt: skip
    return "{ " + "; ".join(listed) + " }"


def operation(path: str, method: str, one: Schema, schemas: dict[str, Schema]) -> str:
    """One operation: what it answers, what it takes. Answers carry all their fields."""
    asked = [each for each in one.get("parameters", []) if each["in"] == "query"]
    query = fields_of({each["name"]: each["schema"] for each in asked}, [e["name"] for e in asked if e["required"]])
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    data = next((answer for code, answer in one["responses"].items() if code.startswith("2")), {})
    answer = data.get("content", {}).get("application/json", {}).get("schema", {})
    envelope = schemas.get(answer.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
    parts = [f"data: {written(envelope['data']) if 'data' in envelope else 'null'}"]
    parts += [f"query: {query}"] if asked else []
    parts += [f"body: {written(body)}"] if body else []
    return f"  '{method.upper()} {path.removeprefix(PREFIX)}': {{ {'; '.join(parts)} }}"


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    made = document()
    schemas: dict[str, Schema] = made["components"]["schemas"]
    head = "// Written by tools/api_types.py from the OpenAPI document; not to be changed by hand.\n"
    types = [f"export type {named(name)} = {written(_whole(name, schema))}" for name, schema in sorted(schemas.items())
             if not name.startswith("Envelope")]  # fmt: skip
    calls = [operation(path, method, item[method], schemas) for path, item in sorted(made["paths"].items())
             if path.startswith(PREFIX) for method in METHODS if method in item]  # fmt: skip
    half, known = len(calls) // 2, {named(name) for name in schemas}

    def written_out(part: list[str], name: str, more: str = "") -> str:
        used = sorted(set(re.findall(r"\b[A-Z]\w+", "\n".join(part))) & known)
        lines = "\n".join(part)
        other = f"import type {{ {more} }} from './operations.first.gen'\n" if more else ""
        return (
            f"{head}{other}import type {{ {', '.join(used)} }} from './types.gen'\n"
            "import type { Json } from './types'\n\n"
            f"export type {name} = {f'{more} & ' if more else ''}{{\n{lines}\n}}\n"
        )

    return {
        FOLDER / "types.gen.ts": head + "import type { Json } from './types'\n\n" + "\n".join(types) + "\n",
        FOLDER / "operations.first.gen.ts": written_out(calls[:half], "FirstOperations"),
        FOLDER / "operations.gen.ts": written_out(calls[half:], "Operations", "FirstOperations"),
    }


def _whole(name: str, schema: Schema) -> Schema:
    """An answer with all its fields required, since defaults are written too; what is sent stays as declared."""
    if name.endswith(("Body", "Patch")) or schema.get("type") != "object":
        return schema
    return {**schema, "required": list(schema.get("properties", ()))}


def main() -> None:
    """Write them."""
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
