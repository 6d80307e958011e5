"""Keys as records: a JSON text or a hash is one record, a set or list that is named has one per member."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from headrace.kits.records.connector import After, Given, Write, key_of
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import Column, ConfigError, DataType

from headrace_connector_redis import RedisWriteOptions
from headrace_connector_redis.server import RedisServer

PAGE = 500
LISTED = 10_000
"""Keys that `discover` looks at."""
VALUE_BYTES = 512 * 1024 * 1024


class RedisConnector(RedisServer):
    """Keys of one database."""

    kind = "key or prefix"
    key = ("_key",)
    facts = (Column("_key", DataType.TEXT, nullable=False),)
    write_options = RedisWriteOptions
    _kept: set[str] = set()

    def names(self) -> Iterable[str]:
        """Prefixes before the last colon, and keys without one."""
        found: set[str] = set()
        for page in self._pages("*", LISTED):
            for key, kind in zip(page, self._each("type", page), strict=True):
                if kind != b"stream":
                    found.add(_text(key).rpartition(":")[0] or _text(key))
        return found

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Members of a key of that name, or a record for each key below it."""
        kind = b"none" if "*" in name else self.client.type(name)
        if kind in {b"set", b"list", b"zset"}:
            yield from self._members(name, kind)
            return
        pages = [[name.encode()]] if kind != b"none" else self._pages(name if "*" in name else f"{_literal(name)}:*")
        for page in pages:
            kinds = self._each("type", page)
            for key, found, value in zip(page, kinds, self._values(page, kinds), strict=True):
                if value is not None and found != b"stream":
                    yield {"_key": _text(key), **_fields(value)}

    def _pages(self, pattern: str, most: int | None = None) -> Iterator[list[bytes]]:
        """Keys, each once; the server may show one twice while it grows."""
        seen: set[bytes] = set()

        def new() -> Iterator[bytes]:
            for key in self.client.scan_iter(match=pattern, count=PAGE):
                if key not in seen:
                    seen.add(key)
                    yield key

        found = islice(new(), most)
        while page := list(islice(found, PAGE)):
            yield page

    def _each(self, command: str, keys: Iterable[bytes | str]) -> list[Any]:
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            getattr(pipe, command)(key)
        answers: list[Any] = pipe.execute()
        return answers

    def _values(self, keys: Sequence[bytes], kinds: Sequence[bytes]) -> list[Any]:
        pipe = self.client.pipeline(transaction=False)
        for key, kind in zip(keys, kinds, strict=True):
            match kind:
                case b"hash":
                    pipe.hgetall(key)
                case b"set":
                    pipe.smembers(key)
                case b"list":
                    pipe.lrange(key, 0, -1)
                case b"zset":
                    pipe.zrange(key, 0, -1)
                case b"string":
                    pipe.get(key)
                case _:
                    pipe.exists("")
        answers: list[Any] = pipe.execute()
        return answers

    def _members(self, name: str, kind: bytes) -> Iterator[Record]:
        if kind == b"set":
            yield from ({"_key": name, "member": _text(member)} for member in self.client.sscan_iter(name, count=PAGE))
        elif kind == b"zset":
            for member, score in self.client.zscan_iter(name, count=PAGE):
                yield {"_key": name, "member": _text(member), "score": float(score)}
        else:
            for start in range(0, self.client.llen(name), PAGE):
                for place, value in enumerate(self.client.lrange(name, start, start + PAGE - 1), start):
                    yield {"_key": name, "place": place, "value": _text(value)}

    def begin(self, write: Write, spool: Spool) -> None:
        """A pattern cannot be written."""
        if "*" in write.name:
            raise ConfigError(f"'{write.name}' is a pattern; write to a prefix such as 'orders'", field="stream")
        self._kept = set()
        if write.options.form == "set" and write.mode == "overwrite":
            self.client.delete(write.name)

    def give(self, write: Write, part: Part) -> Given:
        """A key for each record, or a member of a set."""
        pipe = self.client.pipeline(transaction=False)
        if write.options.form == "set":
            pipe.sadd(write.name, *(str(next(iter(record.values()))) for record in part.records))
            pipe.execute()
            return Given()
        made, rejects = bodies(part, VALUE_BYTES)
        upsert = write.mode == "upsert"
        keys = {n: f"{write.name}:{key_of(part.records[n], write.keys) if upsert else part.ids[n]}" for n in made}
        there = sum(self._each("exists", keys.values())) if upsert else 0
        for index, body in made.items():
            self._put(pipe, keys[index], body, write.options)
        pipe.execute()
        self._kept.update(keys.values() if write.mode == "overwrite" else ())
        return Given(there, rejects)

    def _put(self, pipe: Any, key: str, body: bytes, options: RedisWriteOptions) -> None:
        if options.form == "json":
            pipe.set(key, body, ex=options.expires_s or None)
            return
        pipe.delete(key)
        pipe.hset(key, mapping=_texts(body) or {"": ""})
        if options.expires_s:
            pipe.expire(key, options.expires_s)

    def end(self, write: Write, spool: Spool) -> None:
        """An overwrite removes the keys of the prefix that it has not written."""
        if write.mode != "overwrite" or write.options.form == "set":
            return
        for page in self._pages(f"{_literal(write.name)}:*"):
            old = [key for key in page if _text(key) not in self._kept]
            if old:
                self.client.delete(*old)


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {_text(name): _text(text) for name, text in value.items() if name}
    if isinstance(value, bytes):
        found = fields_of(value)
        return {"value": found["text"]} if found.keys() == {"text"} else found
    return {"members": sorted(_text(member) for member in value) if isinstance(value, set) else [*map(_text, value)]}


def _texts(body: bytes) -> dict[str, Any]:
    """Fields of a hash: texts as they are, all else as JSON; what is null is not there."""
    fields: dict[str, Any] = msgspec.json.decode(body)
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value)
        for name, value in fields.items()
        if value is not None
    }


def _text(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")


def _literal(name: str) -> str:
    """A pattern that matches just this text."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in name)
