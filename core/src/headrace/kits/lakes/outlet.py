"""Rows that a table has no place for: handed on with their reason, or kept on disk for the table beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from msgspec import structs

from headrace.kits.sieve import Sifted
from headrace.sdk.connectors import Rejector, WriteResult

_BESIDE = {
    "at": pl.Datetime("us", "UTC"), "reason": pl.String(), "column_name": pl.String(), "row_data": pl.String(),
}  # fmt: skip


class Outlet:
    """Counts what stays out of a write.

    Args:
        scratch: Folder of the write.
        reject: Takes the rows, unless they are quarantined.
        quarantine: Keep the rows for a table beside the target.
    """

    def __init__(self, scratch: Path, reject: Rejector | None, *, quarantine: bool) -> None:
        self._scratch, self._reject, self._quarantine = scratch, reject, quarantine
        self._rejected = self._discarded = self._parts = 0

    def take(self, found: Sifted) -> None:
        """Hand on what was left out of a frame."""
        self._discarded += found.discarded
        self._rejected += len(found.rejects)
        if self._quarantine and found.rejects:
            now = datetime.now(UTC)
            rows = [(now, one.reason, one.column, one.data) for one in found.rejects]
            pl.DataFrame(rows, schema=_BESIDE, orient="row").write_ipc(self._scratch / f"{self._parts}.beside")
            self._parts += 1
        elif found.rejects and self._reject is not None:
            self._reject(found.rejects)

    def quarantined(self) -> Iterator[pl.DataFrame]:
        """Rows for the table beside the target; none if nothing was left out."""
        for number in range(self._parts):
            yield pl.read_ipc(self._scratch / f"{number}.beside")

    def counted(self, result: WriteResult) -> WriteResult:
        """The counts, with what stayed out."""
        return structs.replace(result, rejected=self._rejected, discarded=self._discarded)
