"""Values of SNMP as those of rows, and texts as values of SNMP."""

from __future__ import annotations

import datetime as dt
import struct
from typing import Any

from headrace.sdk import ConfigError
from pysnmp.proto import rfc1902
from pysnmp.proto.rfc1902 import univ
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

NOTHING = (NoSuchObject, NoSuchInstance, EndOfMibView, rfc1902.Null)
_CLASSES: dict[str, Any] = {
    "integer": rfc1902.Integer32, "unsigned": rfc1902.Unsigned32, "text": rfc1902.OctetString,
    "hex": rfc1902.OctetString, "oid": rfc1902.ObjectIdentifier, "address": rfc1902.IpAddress,
    "ticks": rfc1902.TimeTicks,
}  # fmt: skip
_FLOATS = {b"\x9f\x78\x04": ">f", b"\x9f\x79\x08": ">d"}
"""Beginnings of floating point numbers inside an Opaque, as net-snmp has them."""


def plain(value: Any, kind: str) -> Any:
    """What a row holds: numbers, texts (octets that are no text in hexadecimal), moments of 8 or 11 octets."""
    if isinstance(value, NOTHING):
        return None
    if isinstance(value, rfc1902.IpAddress | univ.ObjectIdentifier):
        return str(value.prettyPrint())
    if isinstance(value, rfc1902.Opaque):
        return _opaque(bytes(value))
    if isinstance(value, rfc1902.OctetString):
        raw = bytes(value)
        if kind == "timestamp":
            return moment_of(raw)
        return float(raw) if kind == "float" and _is_float(raw) else text_of(raw)
    return str(int(value)) if kind == "text" else int(value)


def text_of(raw: bytes) -> str:
    """Octets as text; as `02:42:ac` if they are none."""
    try:
        text = raw.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return raw.hex(":")
    return text if all(c.isprintable() or c in "\t\r\n" for c in text) else raw.hex(":")


def moment_of(raw: bytes) -> Any:
    """A DateAndTime (RFC 2579); its hexadecimal text if it is none, so that the row says what it held."""
    if len(raw) not in {8, 11}:
        return text_of(raw) or None
    year, month, day, hour, minute, second, tenth = struct.unpack(">HBBBBBB", raw[:8])
    try:
        found = dt.datetime(year, month, day, hour, minute, min(second, 59), tenth * 100_000)  # noqa: DTZ001 - next
        if len(raw) == 8:
            return found
        away = dt.timedelta(hours=raw[9], minutes=raw[10])
        return found.replace(tzinfo=dt.timezone(-away if raw[8:9] == b"-" else away))
    except ValueError:
        return raw.hex(":")


def _is_float(raw: bytes) -> bool:
    try:
        float(raw)
    except ValueError:
        return False
    return True


def _opaque(raw: bytes) -> Any:
    form = _FLOATS.get(raw[:3])
    if form is None or len(raw) != 3 + struct.calcsize(form):
        return raw.hex(":")
    return round(struct.unpack(form, raw[3:])[0], 6)


def made(kind: str, text: str) -> Any:
    """A value to set.

    Raises:
        ConfigError: the text is none of that kind.
    """
    try:
        if kind == "hex":
            return _CLASSES[kind](bytes.fromhex(text.replace(":", "").replace(" ", "")))
        if kind == "text":
            return _CLASSES[kind](text.encode())
        return _CLASSES[kind](int(text) if kind in {"integer", "unsigned", "ticks"} else text.strip())
    except Exception as error:
        raise ConfigError(f"'{text[:80]}' is no {kind}; correct the value or the kind", detail=repr(error),
                          field="value") from None  # fmt: skip
