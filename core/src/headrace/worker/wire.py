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


class Ordered(Struct, frozen=True, array_like=True):
    """An order to a runner, which may have several segments in work; a cancel has the number of its segment."""

    no: int
    order: Order


class Reported(Struct, frozen=True, array_like=True):
    """What a runner says about the order with this number; 0 is the runner itself."""

    no: int
    report: FromRunner


_encoder = msgspec.msgpack.Encoder()
_reports: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Reported)
_orders: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Ordered)


def frame(message: Struct) -> bytes:
    """A message as bytes to send."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_report(reader: asyncio.StreamReader) -> Reported | None:
    """The next report; None when the runner has closed the pipe, or wrote what is no report."""
    said: Reported | None = await read_message(reader, _reports)
    return said


async def read_message(reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[Any]) -> Any:
    """The next message; None when the other side has closed the pipe, or wrote what is none."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > FRAME_MAX:
            return None
        return decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError):
        return None


def read_order(pipe: BinaryIO) -> Ordered | None:
    """The next order; None when the supervisor is gone."""
    body = read_frame(pipe)
    asked: Ordered | None = None if body is None else _orders.decode(body)
    return asked


def read_frame(pipe: BinaryIO) -> bytes | None:
    """The next message as it was sent; None when the other side is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    return None if len(body) < length else body
