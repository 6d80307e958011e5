"""Logical types: the vocabulary that connectors, nodes and engines share."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct


class DataType(StrEnum):
    """A column's logical type. Parameters (precision, zone, inner) live on `Column`."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    TEXT = "text"
    BINARY = "binary"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    JSON = "json"
    UUID = "uuid"
    LIST = "list"
    STRUCT = "struct"


class Column(Struct, frozen=True, omit_defaults=True):
    """One column of a stream or frame.

    Attributes:
        name: As the source spells it.
        type: Logical type.
        nullable: Whether the source may give nulls.
        native: The source's own type name, for people.
        bits: Width of an integer or float (8, 16, 32, 64), 0 if unknown.
        signed: Whether an integer is signed.
        precision: Decimal digits in all, 0 if not a decimal.
        scale: Decimal digits after the point.
        zone: IANA time zone of a timestamp, "" for a local one.
        inner: Type of list items, or fields of a struct.
    """

    name: str
    type: DataType
    nullable: bool = True
    native: str = ""
    bits: int = 0
    signed: bool = True
    precision: int = 0
    scale: int = 0
    zone: str = ""
    inner: tuple[Column, ...] = ()


class FrameFacts(Struct, frozen=True):
    """What is known of a stored frame: its rows, bytes and columns."""

    rows: int
    bytes: int
    columns: tuple[Column, ...] = ()


JsonSchema = dict[str, Any]
