"""Stores of keys and values: a record is a key below the stream's name, its value JSON."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from headrace.kits.records.connector import After, Given, RecordsConnector, Write, key_of
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.spool import Part, Spool
from headrace.sdk.config import ConfigT
from headrace.sdk.types import Column, DataType

PAGE = 500


class KeyedConnector(RecordsConnector[ConfigT]):
    """One store; `orders` is every key `orders<mark>...`.

    Attributes:
        mark: Between the stream's name and the rest of a key.
        key_bytes: That a key may have.
        value_bytes: That a value may have.
    """

    kind = "prefix"
    key = ("_key",)
    facts: ClassVar[tuple[Column, ...]] = (Column("_key", DataType.TEXT, nullable=False),)
    mark: ClassVar[str] = ":"
    key_bytes: ClassVar[int] = 1_000
    value_bytes: ClassVar[int] = 1_000_000
    _kept: set[str] = set()

    @abstractmethod
    def keys(self, prefix: str) -> Iterable[str]:
        """Keys that begin with a text, in any order."""

    @abstractmethod
    def values(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Values of those keys that are there."""

    @abstractmethod
    def put(self, values: Mapping[str, bytes]) -> None:
        """Set keys."""

    @abstractmethod
    def remove(self, keys: Sequence[str]) -> None:
        """Delete keys, those that are there."""

    def names(self) -> Iterable[str]:
        """What stands before the first mark."""
        return {key.partition(self.mark)[0] for key in self.keys("") if self.mark in key}

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """A record for each key below the name."""
        found = iter(self.keys(name + self.mark))
        while page := list(islice(found, PAGE)):
            for key, value in self.values(page).items():
                yield {**fields_of(value), "_key": key}

    def begin(self, write: Write, spool: Spool) -> None:
        """Nothing is kept yet."""
        self._kept = set()

    def give(self, write: Write, part: Part) -> Given:
        """A key for each record."""
        made, rejects = bodies(part, self.value_bytes)
        upsert = write.mode == "upsert"
        keys = {
            index: f"{write.name}{self.mark}{key_of(part.records[index], write.keys) if upsert else part.ids[index]}"
            for index in made
        }
        for index, key in keys.items():
            problem = self.unfit(key)
            if problem:
                rejects.append(part.rejected(index, problem))
                del made[index]
        there = len(self.values([keys[index] for index in made])) if upsert else 0
        self.put({keys[index]: body for index, body in made.items()})
        self._kept.update(keys[index] for index in made if write.mode == "overwrite")
        return Given(there, rejects)

    def unfit(self, key: str) -> str:
        """Why a key cannot be used, or nothing."""
        size = len(key.encode())
        return f"its key has {size} bytes; {self.key_bytes} are allowed" if size > self.key_bytes else ""

    def end(self, write: Write, spool: Spool) -> None:
        """An overwrite removes the keys below the name that it has not written."""
        if write.mode == "overwrite":
            old = (key for key in list(self.keys(write.name + self.mark)) if key not in self._kept)
            while page := list(islice(old, PAGE)):
                self.remove(page)
