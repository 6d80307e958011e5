"""Frames between supervisor and runner: four bytes of length, then msgpack."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, BinaryIO, TypeAlias

import msgspec
from msgspec import Struct

from headrace.engine.messages import Order, Report

FRAME_MAX = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Ready(Struct, frozen=True, tag="ready"):
    """The runner has loaded its plugins."""

    plugin_set_hash: str


FromRunner: TypeAlias = Report | Ready

_encoder = msgspec.msgpack.Encoder()
_reports: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(FromRunner)
_orders: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Order)


def frame(message: Struct) -> bytes:
    """A message as bytes to send."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_report(reader: asyncio.StreamReader) -> FromRunner | None:
    """The next report; None when the runner has closed the pipe, or wrote what is no report."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > FRAME_MAX:
            return None
        report: FromRunner = _reports.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError):
        return None
    return report


def read_order(pipe: BinaryIO) -> Order | None:
    """The next order; None when the supervisor is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    if len(body) < length:
        return None
    order: Order = _orders.decode(body)
    return order
