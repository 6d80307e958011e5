"""What a form asks: its JSON Schema, and what was sent as values or sentences about what is wrong. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from headrace.sdk.errors import ConfigError

TEXT_MAX, LONG_MAX = 1_000, 20_000
FILES_MAX = 20
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Upload(Struct, frozen=True):
    """A file that was sent."""

    name: str
    content_type: str
    content: bytes


def check(config: Any) -> None:
    """Refuse a form that nobody could fill in.

    Raises:
        ConfigError: two fields of one name, a choice without choices, too many files, a redirect to nowhere.
    """
    names = [field.name for field in config.fields]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f"two questions have the name '{twice}'; rename one", field="fields")
    for field in config.fields:
        if field.type == "choice" and not field.choices:
            raise ConfigError(f"the question '{field.name}' offers no choice; add some", field="fields")
    if sum(field.type == "file" for field in config.fields) > FILES_MAX:
        raise ConfigError(f"a form takes {FILES_MAX} files at most; ask for fewer", field="fields")
    if config.response == "redirect":
        origin_of(config.redirect_url)


def origin_of(url: str) -> str:
    """Where a redirect leads: scheme, host and port.

    Raises:
        ConfigError: it is no address by https (http on this machine).
    """
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        usable = plain and parts.hostname and parts.username is None and url.isascii() and url.isprintable()
    except ValueError:
        usable = False
    if not usable or any(char in url for char in " ;,'\"<>"):
        raise ConfigError("the page to go to is an address like https://example.org/thanks", field="redirect_url")
    return f"{parts.scheme}://{parts.netloc}"


def schema_of(config: Any) -> dict[str, Any]:
    """The form as JSON Schema; the page and its checks follow it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "title": config.title,
        "description": config.description,
        "properties": {field.name: _property(field) for field in config.fields},
        "required": [field.name for field in config.fields if field.required],
    }  # fmt: skip


def _property(field: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {"title": field.label or field.name, "description": field.help}
    match field.type:
        case "number":
            return shape | {"type": "number"}
        case "boolean":
            return shape | {"type": "boolean"}
        case "choice":
            return shape | {"type": "string", "enum": list(field.choices)}
        case "date" | "email":
            return shape | {"type": "string", "format": field.type, "maxLength": TEXT_MAX}
        case "file":
            return shape | {"type": "string", "format": "binary", "x-max-bytes": int(field.max_mb * 2**20)}
    return shape | {"type": "string", "maxLength": LONG_MAX if field.type == "long_text" else TEXT_MAX,
                    "x-lines": 6 if field.type == "long_text" else 1}  # fmt: skip


def answers(
    schema: Mapping[str, Any], sent: Mapping[str, str | Upload]
) -> tuple[dict[str, Any], dict[str, str]]:  # fmt: skip
    """Values by field, files as `Upload`, and what is wrong by field; what was not asked for is left out."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, shape in schema["properties"].items():
        try:
            values[name] = _value(shape, sent.get(name), required=name in schema["required"])
        except ValueError as error:
            values[name], wrong[name] = None, str(error)
    return values, wrong


def _value(shape: Mapping[str, Any], sent: str | Upload | None, *, required: bool) -> Any:
    binary = shape.get("format") == "binary"
    if shape["type"] == "boolean":
        if required and not sent:
            raise ValueError("this has to be ticked")
        return bool(sent)
    empty = not sent or (isinstance(sent, str) and (binary or not sent.strip())) or (
        isinstance(sent, Upload) and not sent.name and not sent.content
    )  # fmt: skip
    if empty:
        if required:
            raise ValueError("this has to be filled in")
        return None
    if binary != isinstance(sent, Upload):
        raise ValueError("choose a file" if binary else "this is a text, not a file")
    return _file(shape, sent) if isinstance(sent, Upload) else _text(shape, str(sent).replace("\r\n", "\n").strip())


def _file(shape: Mapping[str, Any], sent: Upload) -> Upload:
    most = int(shape["x-max-bytes"])
    if len(sent.content) > most:
        raise ValueError(f"this file is larger than {most / 2**20:.3g} MiB; send a smaller one")
    return sent


def _text(shape: Mapping[str, Any], text: str) -> Any:
    if "\x00" in text:
        raise ValueError("this has a character that cannot be stored")
    if shape["type"] == "number":
        return _number(text)
    if "enum" in shape and text not in shape["enum"]:
        raise ValueError("choose one of the list")
    if len(text) > shape.get("maxLength", TEXT_MAX):
        raise ValueError(f"this is longer than {shape['maxLength']:,} characters; shorten it")
    if shape.get("format") == "email" and not _EMAIL.fullmatch(text):
        raise ValueError("this is no e-mail address; write it like ada@example.org")
    if shape.get("format") == "date":
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise ValueError("this is no date; write it like 2026-03-31") from None
    return text


def _number(text: str) -> int | float:
    try:
        number = float(text.replace(",", ".")) if text.count(",") == 1 and "." not in text else float(text)
    except ValueError:
        raise ValueError("this is no number; write it like 12.5") from None
    if not math.isfinite(number):
        raise ValueError("this is no number; write it like 12.5")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def shown(schema: Mapping[str, Any], sent: Mapping[str, str | Upload], wrong: Mapping[str, str]) -> Sequence[Any]:
    """Fields for the page: what each asks, what was written, what is wrong with it."""
    return [
        {
            "name": name, **shape, "required": name in schema["required"], "error": wrong.get(name, ""),
            "value": sent[name] if isinstance(sent.get(name), str) else "",
        }
        for name, shape in schema["properties"].items()
    ]  # fmt: skip
