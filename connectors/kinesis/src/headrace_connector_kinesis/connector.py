"""The work: shards one after another, puts in groups that are tried again for what was not taken."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from headrace.kits.records.aws import AwsConnector
from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of, text_of
from headrace.kits.records.spool import Part
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import Column, ConfigError, DataType, Message, Taken, Taking, TransientError

from headrace_connector_kinesis import KinesisConfig, KinesisReadOptions, KinesisWriteOptions

PAGE, TOGETHER = 1_000, 100
BODY_BYTES = 40_000
"""A hundred of them are below the limit of a request, 5 MiB."""
AGAIN_S = (0.2, 0.5, 1, 2, 5)
_FROM_THE_START = "TRIM_HORIZON"


class KinesisConnector(AwsConnector[KinesisConfig], MessagesConnector[KinesisConfig]):
    """Data streams of one region."""

    service = "Kinesis"
    kind = "stream"
    api = "kinesis"
    key = ("_shard", "_sequence")
    facts = (
        Column("_shard", DataType.TEXT, nullable=False), Column("_sequence", DataType.TEXT, nullable=False),
        Column("_key", DataType.TEXT), Column("_at", DataType.TIMESTAMP, zone="UTC"),
    )  # fmt: skip
    modes = ("append",)
    read_options = KinesisReadOptions
    write_options = KinesisWriteOptions

    def ping(self) -> None:
        """One name of a stream."""
        self.client().list_streams(Limit=1)

    def names(self) -> Iterable[str]:
        """Streams of the region."""
        return [name for page in self.client().get_paginator("list_streams").paginate() for name in page["StreamNames"]]

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Records of every shard, up to where it is now."""
        begin = _from(options.since)
        try:
            shards = self._shards(name)
        except self.client().exceptions.ResourceNotFoundException:
            return
        until = datetime.now(UTC)
        for shard in shards:
            place = self.client().get_shard_iterator(StreamName=name, ShardId=shard, **begin)["ShardIterator"]
            while place:
                answer = self.client().get_records(ShardIterator=place, Limit=PAGE)
                place = answer.get("NextShardIterator") if answer.get("MillisBehindLatest", 0) else ""
                for record in answer["Records"]:
                    row = _record(shard, record)
                    if row["_at"] > until:  # it came while we read
                        place = ""
                        break
                    yield row

    def take(self, asked: Taking) -> Taken:
        """Records behind the cursor, which has the last sequence of each shard, or the moment it began."""

        def some() -> Taken:
            return self._behind(asked, dict(asked.cursor))

        return self._call(some)

    def _behind(self, asked: Taking, cursor: dict[str, Any]) -> Taken:
        name, most = asked.stream, asked.most
        if not cursor:
            cursor = {"since": datetime.now(UTC).isoformat() if asked.first == "new" else ""}
        found: list[Record] = []
        more = False
        for shard in self._shards(name):
            if len(found) >= most:
                return Taken(messages=_messages(found), cursor=cursor, more=True)
            begin = _from(cursor["since"])
            if shard in cursor:
                begin = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": cursor[shard]}
            place = self.client().get_shard_iterator(StreamName=name, ShardId=shard, **begin)["ShardIterator"]
            answer = self.client().get_records(ShardIterator=place, Limit=most - len(found))
            page = [_record(shard, record) for record in answer["Records"]]
            if page:
                cursor = {**cursor, shard: page[-1]["_sequence"]}
            found, more = found + page, more or bool(answer.get("MillisBehindLatest", 0))
        return Taken(messages=_messages(found), cursor=cursor, more=more)

    def _shards(self, name: str) -> list[str]:
        pages = self.client().get_paginator("list_shards").paginate(StreamName=name)
        return [shard["ShardId"] for page in pages for shard in page["Shards"]]

    def give(self, write: Write, part: Part) -> Given:
        """Put in groups; what the service has no room for is tried again."""
        made, rejects = bodies(part, BODY_BYTES)
        keyed = write.options.key_column
        keys = {n: (text_of(part.records[n], keyed)[:256] if keyed else "") or part.ids[n] for n in made}
        waiting = [{"Data": body, "PartitionKey": keys[index]} for index, body in made.items()]
        for start in range(0, len(waiting), TOGETHER):
            self._put(write.name, waiting[start : start + TOGETHER])
        return Given(0, rejects)

    def _put(self, name: str, group: list[Any]) -> None:
        for pause_s in (*AGAIN_S, None):
            answer = self.client().put_records(StreamName=name, Records=group)
            told = zip(group, answer["Records"], strict=True)
            group = [one for one, result in told if result.get("ErrorCode")]
            if not group:
                return
            if pause_s is not None:
                time.sleep(pause_s)
        raise TransientError(f"{self.where} takes no more for now; it is tried again")


def _from(since: str) -> dict[str, Any]:
    if not since:
        return {"ShardIteratorType": _FROM_THE_START}
    return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": _moment(since)}


def _record(shard: str, record: dict[str, Any]) -> Record:
    return {**fields_of(record["Data"]), "_shard": shard, "_sequence": record["SequenceNumber"],
            "_key": record["PartitionKey"], "_at": record["ApproximateArrivalTimestamp"].astimezone(UTC)}  # fmt: skip


def _messages(found: list[Record]) -> list[Message]:
    return [Message(f"{row['_shard']}:{row['_sequence']}", dict(row)) for row in found]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"'{text}' is no moment; write it as 2026-03-01T10:30:00Z", field="since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
