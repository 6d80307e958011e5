"""What is to be written, kept in a folder until its source has ended: all or nothing, in bounded memory."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from headrace.sdk.connectors import Reject
from headrace.sdk.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

PART_ROWS = 1_000


class Part(msgspec.Struct, frozen=True):
    """Some records, and an id for each that a repeat of the same effect gives again.

    Attributes:
        first: Number of the first record in the whole write, from 0.
    """

    first: int
    records: list[dict[str, Any]]
    ids: list[str]

    def rejected(self, index: int, reason: str, column: str = "") -> Reject:
        """A reject of the record at that index."""
        from headrace.kits.records.schema import as_json

        return Reject(self.first + index + 1, reason, column, as_json(self.records[index])[:10_000])


class Spool:
    """Frames of a write on disk.

    Args:
        frames: The source; it is read to its end before anything is written.
        effect_key: Ids are made of it and of the row's number; without it of a random one.
        json_columns: Columns whose text is JSON.
    """

    def __init__(self, frames: Iterator[pl.DataFrame], effect_key: str, json_columns: Sequence[str] = ()) -> None:
        self.effect = hashlib.sha256((effect_key or uuid4().hex).encode()).hexdigest()[:20]
        self._json = frozenset(json_columns)
        self._folder = Path(tempfile.mkdtemp(prefix="headrace-records-"))
        self.rows = 0
        self.columns: list[str] = []
        self._parts: list[Path] = []
        try:
            for frame in frames:
                self.columns = self.columns or frame.columns
                if frame.height:
                    self._parts.append(self._folder / f"{len(self._parts)}.arrow")
                    frame.write_ipc(self._parts[-1], compression="lz4")
                    self.rows += frame.height
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def parts(self, rows: int = PART_ROWS) -> Iterator[Part]:
        """All records, in order, in parts of the same size however the frames were cut.

        Raises:
            DataError: a JSON column holds text that is no JSON.
        """
        first = 0
        found = self._records()
        while records := list(islice(found, rows)):
            yield Part(first, records, [f"{self.effect}{first + n:012d}" for n in range(len(records))])
            first += len(records)

    def _records(self) -> Iterator[dict[str, Any]]:
        import polars as pl

        number = 0
        for path in self._parts:
            for record in pl.read_ipc(path).iter_rows(named=True):
                number += 1
                yield self._nested(record, number)

    def _nested(self, record: dict[str, Any], number: int) -> dict[str, Any]:
        for name in self._json & record.keys():
            if record[name] is not None:
                try:
                    record[name] = msgspec.json.decode(record[name])
                except (msgspec.DecodeError, TypeError, RecursionError):
                    raise DataError(
                        f"row {number}: column '{name}' holds no JSON text; nothing was written; correct the value, "
                        "or take the column from the JSON columns",
                        row=number, column=name,
                    ) from None  # fmt: skip
        return record

    def check_keys(self, keys: Sequence[str]) -> None:
        """Refuse rows that a key does not tell apart.

        Raises:
            ConfigError: there are no keys, or no such columns.
            DataError: a key is empty, or two rows have the same.
        """
        import polars as pl

        if not keys:
            raise ConfigError("choose the key columns that tell records apart", field="keys")
        for name in keys:
            if self.columns and name not in self.columns:
                raise ConfigError(f"the rows have no column '{name}'; they have {', '.join(self.columns[:20])}",
                                  field="keys", column=name)  # fmt: skip
        if not self._parts:
            return
        rows = pl.concat([pl.scan_ipc(path).select(keys) for path in self._parts])
        if rows.filter(pl.any_horizontal(pl.col(keys).is_null())).head(1).collect().height:
            raise DataError(
                f"a row has no value in the key ({', '.join(keys)}); nothing was written; fill or filter it"
            )
        twice = rows.group_by(keys).len().filter(pl.col("len") > 1).head(1).collect()
        if twice.height:
            shown = _shown({name: twice[name][0] for name in keys})
            raise DataError(
                f"several rows have the same key ({shown}); nothing was written; put a Distinct step before",
                field="keys",
            )


def _shown(key: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={str(value)[:50]}" for name, value in key.items())
