"""Values of the code against the types of columns: exact, or refused with a reason."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from headrace.sdk import Column, DataError, DataType

Check: TypeAlias = "Callable[[Any], Any]"
MAX_DEPTH: Final = 64
VALUE_BYTES: Final = 64
"""What any value weighs at least."""
_DIGITS: Final = 1_000
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_NAMES: Final = {
    bool: "a boolean", int: "an integer", float: "a float", str: "a text", bytes: "binary", Decimal: "a decimal",
    dt.date: "a date", dt.datetime: "a timestamp", dt.time: "a time", dt.timedelta: "a duration", list: "a list",
    dict: "a dict", tuple: "a tuple", set: "a set",
}  # fmt: skip


class Unfit(Exception):
    """A value does not fit its column; says why."""

    def __init__(self, reason: str, column: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


class Budget:
    """What the values of one batch may weigh; a small result that names one text a million times is not small."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most

    def weigh(self, size: int) -> None:
        """Count so many bytes.

        Raises:
            DataError: the batch weighs too much.
        """
        self._left -= size
        if self._left < 0:
            raise DataError(
                f"the code gave more than {self._most >> 20} MB for one batch; give less, make the batches smaller, or "
                "raise 'memory_mb'",
                field="memory_mb",
            )

    def take(self, value: Any, depth: int = 0) -> None:
        """Count a value with all that it holds.

        Raises:
            DataError: the batch weighs too much.
            Unfit: it is nested too deeply.
        """
        self.weigh(VALUE_BYTES + (len(value) if isinstance(value, (str, bytes)) else 0))
        if isinstance(value, (list, tuple, dict)):
            if depth >= MAX_DEPTH:
                raise Unfit(f"a list or dict is nested more than {MAX_DEPTH} levels deep")
            for item in value:
                self.take(item, depth + 1)
                if isinstance(value, dict):
                    self.take(value[item], depth + 1)


def check(column: Column) -> Check:
    """A function that gives the value for the frame, or raises `Unfit`; None passes."""
    made = _CHECKS[column.type](column)
    return lambda value: None if value is None else made(value)


def kind_of(value: Any) -> str:
    """A value's type in words."""
    return _NAMES.get(type(value), "something that is not data")


def _only(*kinds: type) -> Callable[[Column], Check]:
    def made(column: Column) -> Check:
        def checked(value: Any) -> Any:
            if type(value) not in kinds:
                raise Unfit(f"the column is {column.type}, the code gave {kind_of(value)}")
            return value

        return checked

    return made


def _integer(column: Column) -> Check:
    plain = _only(int)(column)
    bits = column.bits or 64
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if column.signed else (0, (1 << bits) - 1)

    def checked(value: Any) -> int:
        if not low <= plain(value) <= high:
            raise Unfit(f"the number does not fit an integer of {bits} bits")
        return int(value)

    return checked


def _float(column: Column) -> Check:
    plain = _only(float, int)(column)

    def checked(value: Any) -> float:
        if type(plain(value)) is int:
            if value.bit_length() > 1_000 or int(float(value)) != value:
                raise Unfit("the integer is not exact as a float")
            return float(value)
        if column.bits == 32 and abs(value) > 3.4028235e38 and abs(value) != float("inf"):
            raise Unfit("the number does not fit a float of 32 bits")
        return float(value)

    return checked


def _decimal(column: Column) -> Check:
    plain = _only(Decimal, int)(column)
    precision, scale = column.precision or 38, column.scale
    step = Decimal(1).scaleb(-scale)

    def checked(value: Any) -> Decimal:
        if type(plain(value)) is int:
            if value.bit_length() > 200:
                raise Unfit(f"the number has more than {precision} digits")
            value = Decimal(value)
        if not value.is_finite() or len(value.as_tuple().digits) > _DIGITS:
            raise Unfit("the decimal is not a number of this kind")
        if value and value.adjusted() >= precision - scale:
            raise Unfit(f"the number has more than {precision - scale} digits before the point")
        with localcontext(Context(prec=2 * _DIGITS)):
            exact = value.quantize(step) if value.adjusted() > -_DIGITS or not value else Decimal(0)
            if exact != value:
                raise Unfit(f"the number has more than {scale} digits after the point")
        return exact

    return checked


def _timestamp(column: Column) -> Check:
    plain = _only(dt.datetime)(column)
    zone = ZoneInfo(column.zone) if column.zone else None

    def checked(value: Any) -> dt.datetime:
        aware = plain(value).tzinfo is not None
        if zone is None:
            if aware:
                raise Unfit("the timestamp has an offset, the column is local; use replace(tzinfo=None)")
            return value  # type: ignore[no-any-return]
        if not aware:
            raise Unfit("the timestamp has no offset; give it a tzinfo, for example timezone.utc")
        try:
            return value.astimezone(zone)  # type: ignore[no-any-return]
        except (OverflowError, ValueError):
            raise Unfit("the timestamp does not exist in the column's time zone") from None

    return checked


def _time(column: Column) -> Check:
    plain = _only(dt.time)(column)

    def checked(value: Any) -> dt.time:
        if plain(value).tzinfo is not None:
            raise Unfit("the time has an offset; use replace(tzinfo=None)")
        return value  # type: ignore[no-any-return]

    return checked


def _duration(column: Column) -> Check:
    plain = _only(dt.timedelta)(column)

    def checked(value: Any) -> dt.timedelta:
        if abs(plain(value) // _MICROSECOND) >= 1 << 63:
            raise Unfit("the duration is too long")
        return value  # type: ignore[no-any-return]

    return checked


def _json(_: Column) -> Check:
    def checked(value: Any) -> str:
        try:
            if type(value) is str:
                json.loads(value)
                return value
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise Unfit(f"{kind_of(value)} is not JSON; a text must be JSON itself") from None

    return checked


def _uuid(column: Column) -> Check:
    plain = _only(str)(column)

    def checked(value: Any) -> str:
        try:
            UUID(plain(value))
        except ValueError:
            raise Unfit("the text is not a UUID") from None
        return str(value)

    return checked


def _list(column: Column) -> Check:
    plain = _only(list, tuple)(column)
    inner = check(column.inner[0]) if column.inner else check(Column("item", DataType.TEXT))
    return lambda value: [inner(item) for item in plain(value)]


def _struct(column: Column) -> Check:
    plain = _only(dict)(column)
    inner = {field.name: check(field) for field in column.inner}

    def checked(value: Any) -> dict[str, Any]:
        if set(plain(value)) != set(inner):
            raise Unfit(f"the dict must have the keys {', '.join(inner)}")
        return {name: fits(value[name]) for name, fits in inner.items()}

    return checked


_CHECKS: Final[dict[DataType, Callable[[Column], Check]]] = {
    DataType.BOOLEAN: _only(bool), DataType.INTEGER: _integer, DataType.FLOAT: _float, DataType.DECIMAL: _decimal,
    DataType.TEXT: _only(str), DataType.BINARY: _only(bytes), DataType.DATE: _only(dt.date), DataType.TIME: _time,
    DataType.TIMESTAMP: _timestamp, DataType.DURATION: _duration, DataType.JSON: _json, DataType.UUID: _uuid,
    DataType.LIST: _list, DataType.STRUCT: _struct,
}  # fmt: skip
