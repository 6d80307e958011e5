"""Payloads: protobuf by the descriptor beside this file, and values of metrics by their datatype."""

from __future__ import annotations

import datetime as dt
import struct
from base64 import b64encode
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from headrace.kits.records.schema import as_json

_POOL = DescriptorPool()
for _file in FileDescriptorSet.FromString(files(__package__).joinpath("sparkplug_b.desc").read_bytes()).file:
    _POOL.Add(_file)
Payload: Any = GetMessageClass(_POOL.FindMessageTypeByName("headrace.sparkplug_b.Payload"))

TYPES = (
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean",
    "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList",
    "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array",
    "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
)  # fmt: skip
"""Datatypes by their number."""
NUMBERS = {name: number for number, name in enumerate(TYPES)}
_BITS = {name: int(name.strip("UInt")) for name in TYPES[1:9]}
_ARRAYS = dict(zip(TYPES[22:32], "bhiqBHIQfd", strict=True)) | {"DateTimeArray": "q"}
_TEXTS = frozenset({"String", "Text", "UUID"})
_EXACT = 2**53


def decoded(raw: bytes) -> Any:
    """A payload.

    Raises:
        ValueError: the bytes are none.
    """
    try:
        return Payload.FromString(raw)
    except DecodeError as error:
        raise ValueError(f"is no payload of Sparkplug B ({error})") from None


def moment(milliseconds: int) -> dt.datetime | None:
    """A moment; None where there is none, or none that a calendar has."""
    try:
        return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC) if milliseconds else None
    except (OverflowError, ValueError, OSError):
        return None


def value_of(metric: Any, kind: str) -> tuple[float | None, str | None]:
    """Number and text of a metric; a number that a float does not hold exactly has its digits as text too."""
    field = metric.WhichOneof("value")
    if metric.is_null or field is None:
        return None, None
    value = getattr(metric, field)
    if kind in _BITS:
        value = _signed(int(value), kind)
        return float(value), None if abs(value) <= _EXACT else str(value)
    if kind == "DateTime":
        at = moment(int(value))
        return float(value), at.isoformat() if at else None
    if isinstance(value, bool | int | float):
        return float(value), None
    if isinstance(value, str):
        return None, value
    if isinstance(value, bytes):
        return None, _array(value, kind)
    return None, as_json(_table(value) if field == "dataset_value" else _template(value))


def _signed(value: int, kind: str) -> int:
    bits = _BITS[kind]
    value &= (1 << bits) - 1
    return value - (1 << bits) if kind[0] == "I" and value >> (bits - 1) else value


def _array(raw: bytes, kind: str) -> str:
    if kind in _ARRAYS and len(raw) % struct.calcsize(_ARRAYS[kind]) == 0:
        return as_json([one for (one,) in struct.iter_unpack(f"<{_ARRAYS[kind]}", raw)])
    if kind == "StringArray":
        return as_json([part.decode(errors="replace") for part in raw.split(b"\0")[:-1]])
    if kind == "BooleanArray" and len(raw) >= 4:
        count, held = struct.unpack("<I", raw[:4])[0], raw[4:]
        if count <= len(held) * 8:
            return as_json([bool(held[place // 8] >> (7 - place % 8) & 1) for place in range(count)])
    return b64encode(raw).decode()


def _table(held: Any) -> Any:
    """Rows of a data set."""

    def value(element: Any, kind: str) -> Any:
        number, text = value_of_element(element, kind)
        return text if number is None else number

    kinds = [TYPES[number] if number < len(TYPES) else "Unknown" for number in held.types]
    return [
        {name: value(one, kind) for name, kind, one in zip(held.columns, kinds, row.elements, strict=False)}
        for row in held.rows
    ]


def value_of_element(element: Any, kind: str) -> tuple[float | None, str | None]:
    """Number and text of a cell of a data set."""
    field = element.WhichOneof("value")
    if field is None:
        return None, None
    value = getattr(element, field)
    if kind in _BITS:
        value = _signed(int(value), kind)
    return (None, value) if isinstance(value, str) else (float(value), None)


def _template(held: Any) -> Any:
    """Metrics of a template, by name."""
    found = {}
    for metric in held.metrics:
        number, text = value_of(metric, TYPES[metric.datatype] if metric.datatype < len(TYPES) else "Unknown")
        found[metric.name] = text if number is None else number
    return found


def kind_of(value: Any) -> str:
    """The datatype that a value of a row is sent as."""
    for kind, types in (("Boolean", bool), ("Int64", int), ("Double", float), ("Bytes", bytes)):
        if isinstance(value, types):
            return kind
    return "DateTime" if isinstance(value, dt.datetime) else "String"


def fill(metric: Any, kind: str, value: Any) -> None:
    """Give a metric its datatype and value.

    Raises:
        ValueError: the value is none of that datatype; the words follow "the row ".
    """
    metric.datatype = NUMBERS[kind]
    try:
        if value is None:
            metric.is_null = True
        elif kind in _BITS:
            bits, whole = _BITS[kind], int(value)
            least, most = (-(1 << (bits - 1)), 1 << (bits - 1)) if kind[0] == "I" else (0, 1 << bits)
            if whole != value or not least <= whole < most:
                raise ValueError  # noqa: TRY301 - one sentence for all that does not fit
            setattr(metric, "long_value" if bits == 64 else "int_value", whole & ((1 << max(bits, 32)) - 1))
        elif kind in {"Float", "Double"}:
            setattr(metric, f"{kind.lower()}_value", float(value))
        elif kind == "Boolean":
            metric.boolean_value = bool(value)
        elif kind == "DateTime":
            at = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            metric.long_value = int(at.timestamp() * 1000)
        elif kind == "Bytes":
            metric.bytes_value = bytes(value)
        elif kind in _TEXTS:
            metric.string_value = value if isinstance(value, str) else as_json(value).strip('"')
        else:
            raise ValueError  # noqa: TRY301
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise ValueError(f"holds {value!r:.50}, which is no {kind}") from None
