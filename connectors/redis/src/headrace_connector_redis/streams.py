"""Streams: entries in the order of their ids, appended once per effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.spool import Part
from headrace.sdk import Column, DataError, DataType

from headrace_connector_redis.server import RedisServer

PAGE = 1_000
BODY_BYTES = 64 * 1024 * 1024
REMEMBERED_S = 7 * 86_400
SHIFT = 20
"""Bits of a position that count the entries of one millisecond."""
_ONCE = """
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then
  for n = 2, #ARGV do redis.call('XADD', KEYS[1], '*', 'data', ARGV[n]) end
end
"""


class RedisStreamsConnector(RedisServer):
    """Streams of one database."""

    service = "Redis"
    kind = "stream"
    key = ("_id",)
    cursors = ("_position",)
    facts = (
        Column("_id", DataType.TEXT, nullable=False),
        Column("_position", DataType.INTEGER, nullable=False, bits=64),
        Column("_at", DataType.TIMESTAMP, nullable=False, zone="UTC"),
    )
    modes = ("append",)

    def names(self) -> Iterable[str]:
        """Keys of the type stream."""
        return (key.decode(errors="backslashreplace") for key in self.client.scan_iter(_type="stream", count=PAGE))

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Entries up to the newest one there was at the beginning."""
        last = self.client.xrevrange(name, count=1)
        start = f"({int(str(after.value)) >> SHIFT}-{int(str(after.value)) & (2**SHIFT - 1)}" if after else "-"
        while last and (page := self.client.xrange(name, min=start, max=last[0][0], count=PAGE)):
            for raw, fields in page:
                yield _record(raw.decode(), fields or {})
            start = f"({page[-1][0].decode()}"

    def give(self, write: Write, part: Part) -> Given:
        """Append the entries of a part together, unless the same part was appended already."""
        made, rejects = bodies(part, BODY_BYTES)
        if made:
            once = f"headrace:effect:{part.ids[0]}"
            self.client.eval(_ONCE, 2, write.name, once, REMEMBERED_S, *made.values())
        return Given(0, rejects)


def _record(entry: str, fields: dict[bytes, bytes]) -> Record:
    moment, _, number = entry.partition("-")
    if int(number) >= 2**SHIFT or int(moment) >= 2 ** (63 - SHIFT):
        raise DataError(f"the entry '{entry}' has an id that is no position; entries need ids that the server gives")
    found = {"_id": entry, "_position": (int(moment) << SHIFT) + int(number),
             "_at": datetime.fromtimestamp(int(moment) / 1000, UTC)}  # fmt: skip
    if fields.keys() == {b"data"}:
        return {**fields_of(fields[b"data"]), **found}
    return {
        **{name.decode(errors="replace"): value.decode(errors="backslashreplace") for name, value in fields.items()},
        **found,
    }
