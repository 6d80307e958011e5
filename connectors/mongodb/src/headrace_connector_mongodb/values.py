"""Values of documents as Python has them, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from bson import Decimal128, ObjectId


def plain(value: Any) -> Any:
    """A value as Python has it; ids become texts, also inside."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def sent(value: Any) -> Any:
    """A value as the server has it: 34 digits of a decimal; a moment to the millisecond, finer ones as text."""
    if isinstance(value, Decimal):
        return Decimal128(value) if len(value.as_tuple().digits) <= 34 else str(value)
    if isinstance(value, datetime):
        exact = value.microsecond % 1000 == 0
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment if exact and value.tzinfo else moment.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: sent(inner) for name, inner in value.items()}
    return [sent(inner) for inner in value] if isinstance(value, list) else value
