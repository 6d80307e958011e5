"""Values of n8n's parameters: what is written out, and fields of a row that are read plainly. Nothing is guessed."""

from __future__ import annotations

import re
from typing import Any, Literal

Shape = Literal["rows", "webhook", "event", "mixed"]
"""Where the rows that come into a step are from: of `webhook` n8n has the body's fields below `body`; `event` has other
fields here than there; `mixed` comes from both."""
_PART = r"""(?:\.([A-Za-z_$][\w$]*)|\[\s*"([^"\\]+)"\s*\]|\[\s*'([^'\\]+)'\s*\])"""
_FIELD = re.compile(rf"=\{{\{{\s*\$json{_PART}{_PART}?\s*\}}\}}", re.ASCII)
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")


class Unmapped(Exception):
    """A step that is not translated; the text is the reason, one sentence."""


def is_expression(value: Any) -> bool:
    """Whether n8n works the value out for each item."""
    return isinstance(value, str) and value.startswith("=") and "{{" in value


def constant(value: Any, what: str) -> Any:
    """A value that is written out.

    Raises:
        Unmapped: n8n works it out, or headrace would.
    """
    if is_expression(value):
        raise Unmapped(f"{what} is worked out by an expression of n8n: {shortened(value)}")
    if isinstance(value, str):
        value = value.removeprefix("=")
        if _TEMPLATE.search(value):
            raise Unmapped(f"{what} has braces that headrace would read as a template: {shortened(value)}")
    return value


def text(value: Any, what: str) -> str:
    """A text that is written out.

    Raises:
        Unmapped: it is none.
    """
    found = constant(value, what)
    if not isinstance(found, str):
        raise Unmapped(f"{what} is no text")
    return found


def whole(value: Any, what: str, least: int, most: int) -> int:
    """A whole number that is written out.

    Raises:
        Unmapped: it is none, or out of bounds.
    """
    found = constant(value, what)
    number = int(found) if isinstance(found, str) and re.fullmatch(r"\d{1,9}", found, re.ASCII) else found
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise Unmapped(f"{what} is no whole number from {least} to {most:,}")
    return number


def listed(value: Any, what: str) -> list[dict[str, Any]]:
    """A list of objects.

    Raises:
        Unmapped: it is none.
    """
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unmapped(f"{what} cannot be read")
    return value


def held(value: Any, *path: str) -> Any:
    """What lies at a path of objects; None when there is nothing."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def column(value: Any, shape: Shape, what: str) -> str:
    """The column that an expression reads.

    Raises:
        Unmapped: it does more than to read a field.
    """
    found = _FIELD.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Unmapped(f"{what} is worked out by an expression of n8n: {shortened(value)}")
    parts = [part for part in found.groups() if part]
    return _named(parts, shape, what)


def field(name: Any, shape: Shape, what: str) -> str:
    """The column of a field that is named, not read by an expression.

    Raises:
        Unmapped: it is no plain name.
    """
    found = text(name, what)
    if not found or found != found.strip():
        raise Unmapped(f"{what} has no name")
    return _named(found.split("."), shape, what)


def _named(parts: list[str], shape: Shape, what: str) -> str:
    path = ".".join(parts)
    if shape == "event":
        raise Unmapped(f"{what} reads '{path}' of what started the workflow, which has other fields here")
    if shape == "mixed":
        raise Unmapped(f"{what} reads '{path}' of rows that come from a webhook and from elsewhere")
    if shape == "webhook":
        if len(parts) == 2 and parts[0] == "body":
            return parts[1]
        raise Unmapped(f"{what} reads '{path}' of a call; here a call gives the fields of its body only")
    if len(parts) != 1 or "." in parts[0] or "[" in parts[0]:
        raise Unmapped(f"{what} reads '{path}' inside of a field; here a step reads whole columns")
    return parts[0]


def shortened(value: Any) -> str:
    """For a sentence."""
    told = " ".join(str(value).split())
    return told if len(told) <= 80 else f"{told[:79]}…"
