"""The work: pages of a scan become records, parts become batches of puts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from headrace.kits.records.aws import AwsConnector
from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import ConfigError, TransientError

from headrace_connector_dynamodb import DynamodbConfig

TOGETHER = 25
DIGITS = 38
AGAIN = 8


class DynamodbConnector(AwsConnector[DynamodbConfig]):
    """Tables of one region."""

    service = "DynamoDB"
    kind = "table"
    api = "dynamodb"
    _own: tuple[str, ...] = ()
    _kept: set[tuple[str, ...]] = set()

    def ping(self) -> None:
        """One name of a table."""
        self.client().list_tables(Limit=1)

    def names(self) -> Iterable[str]:
        """Tables of the region."""
        return [name for page in self.client().get_paginator("list_tables").paginate() for name in page["TableNames"]]

    def key_in(self, name: str) -> tuple[str, ...]:
        """Attributes of the table's key; none if there is no such table."""
        try:
            schema = self.client().describe_table(TableName=name)["Table"]["KeySchema"]
        except self.client().exceptions.ResourceNotFoundException:
            return ()
        return tuple(part["AttributeName"] for part in schema)

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Items of a table."""
        if self.key_in(name):
            for page in self.client().get_paginator("scan").paginate(TableName=name):
                for item in page["Items"]:
                    yield {field: _plain(value) for field, value in item.items()}

    def begin(self, write: Write, spool: Spool) -> None:
        """Make the table if it is missing; look at its key if it is there."""
        self._kept, own = set(), self.key_in(write.name)
        if not own:
            own = write.keys or ("_id",)
            if len(own) > 2:
                raise ConfigError(f"a key of {self.service} has one or two columns; choose them", field="keys")
            self._make(write.name, own, spool)
        if write.mode == "upsert" and set(write.keys) != set(own):
            raise ConfigError(
                f"the table '{write.name}' has the key ({', '.join(own)}); choose these columns", field="keys"
            )
        self._own = own

    def _make(self, name: str, key: Sequence[str], spool: Spool) -> None:
        first = next(spool.parts(1)).records[0] if spool.rows else {}
        kinds = {field: next(iter(_sent(first.get(field) if first.get(field) is not None else ""))) for field in key}
        self.client().create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": field, "AttributeType": kinds[field]} for field in key],
            KeySchema=[
                {"AttributeName": field, "KeyType": kind} for field, kind in zip(key, ("HASH", "RANGE"), strict=False)
            ],
        )
        self.client().get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def give(self, write: Write, part: Part) -> Given:
        """Put the items; those without the table's key, or with a value it does not take, are rejected."""
        items, rejects = [], []
        for index, (record, own) in enumerate(zip(part.records, part.ids, strict=True)):
            try:
                whole = {"_id": own, **record} if self._own == ("_id",) else record
                item = {field: _sent(value) for field, value in whole.items()}
            except ValueError as error:
                rejects.append(part.rejected(index, f"the row {error}"))
                continue
            empty = next((field for field in self._own if item.get(field, {"NULL": True}) == {"NULL": True}), "")
            if empty:
                rejects.append(part.rejected(index, f"it has no value in '{empty}', a key of the table", empty))
            else:
                items.append(item)
        there = self._there(write.name, items) if write.mode == "upsert" else 0
        self._batch(write.name, [{"PutRequest": {"Item": item}} for item in items])
        if write.mode == "overwrite":
            self._kept.update(self._known(item) for item in items)
        return Given(there, rejects)

    def _known(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(next(iter(item[field].values()))) for field in self._own)

    def _there(self, name: str, items: Sequence[Any]) -> int:
        found = 0
        for start in range(0, len(items), 100):
            keys = [{field: item[field] for field in self._own} for item in items[start : start + 100]]
            left: Any = {name: {"Keys": keys}}
            while left:
                answer = self.client().batch_get_item(RequestItems=left)
                found, left = found + len(answer["Responses"].get(name, ())), answer.get("UnprocessedKeys")
        return found

    def _batch(self, name: str, requests: Sequence[Any]) -> None:
        for start in range(0, len(requests), TOGETHER):
            left: Any = {name: requests[start : start + TOGETHER]}
            for _ in range(AGAIN):
                left = self.client().batch_write_item(RequestItems=left).get("UnprocessedItems")
                if not left:
                    break
            else:
                raise TransientError(f"{self.where} takes no more for now; it is tried again")

    def end(self, write: Write, spool: Spool) -> None:
        """An overwrite removes the items that it has not written."""
        if write.mode == "overwrite":
            names = {f"#k{n}": field for n, field in enumerate(self._own)}
            pages = (
                self.client()
                .get_paginator("scan")
                .paginate(TableName=write.name, ProjectionExpression=",".join(names), ExpressionAttributeNames=names)
            )
            for page in pages:
                old = [item for item in page["Items"] if self._known(item) not in self._kept]
                self._batch(write.name, [{"DeleteRequest": {"Key": item}} for item in old])


def _plain(value: Mapping[str, Any]) -> Any:
    """A typed value as Python has it."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return int(held) if held.lstrip("-").isdigit() else _number(held)
        case "NULL":
            return None
        case "M":
            return {name: _plain(inner) for name, inner in held.items()}
        case "L":
            return [_plain(inner) for inner in held]
        case "NS":
            return [_plain({"N": inner}) for inner in held]
        case "SS" | "BS":
            return sorted(held)
        case _:
            return held


def _number(text: str) -> Any:
    """A float where it says the same, else a decimal."""
    exact = Decimal(text)
    return float(exact) if Decimal(repr(float(exact))) == exact else exact


def _sent(value: Any) -> dict[str, Any]:
    """A value as the service types it.

    Raises:
        ValueError: it does not take that; the words follow "the row ".
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if len(number.normalize().as_tuple().digits) > DIGITS or (number and not -130 <= number.adjusted() <= 125):
            return {"S": str(value)} if isinstance(value, Decimal) else _beyond(value)
        return {"N": format(number, "f") if abs(number.adjusted()) < 30 else str(number)}
    if isinstance(value, float):
        raise ValueError(f"holds {value}, which DynamoDB does not take")  # noqa: TRY004 - words of a reject
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, datetime):
        return {"S": (value.astimezone(UTC) if value.tzinfo else value).isoformat()}
    if isinstance(value, dict):
        return {"M": {name: _sent(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"L": [_sent(inner) for inner in value]}
    return {"S": value.isoformat() if isinstance(value, date | time) else str(value)}


def _beyond(value: float) -> dict[str, Any]:
    raise ValueError(f"holds {value}, which is beyond the numbers of DynamoDB (1e125)")
