"""What tables add to the contract: schema drift, planned changes, reads that go on where they stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from msgspec import Struct

from headrace.sdk.config import Config, Field

if TYPE_CHECKING:
    import polars as pl

Drift: TypeAlias = Literal["freeze", "evolve", "discard_row", "discard_value", "quarantine"]
State: TypeAlias = dict[str, Any]
"""Where a read stands, JSON-ready: it goes on after the row under `after`, and ends with `until`, if that is given."""

VALID_FROM, VALID_TO = "valid_from", "valid_to"
"""Columns that `scd2` adds: from when to when a version held, in UTC; the current one has no end."""
QUARANTINE = "__quarantine"
"""What the name of a table's quarantine ends with; its columns are `at`, `reason`, `column_name` and `row_data`."""

_LABELS = {
    "freeze": "Freeze: refuse the rows", "evolve": "Evolve: add and widen columns",
    "discard_row": "Reject rows that do not fit", "discard_value": "Leave out values that do not fit",
    "quarantine": "Keep rows that do not fit in a table beside",
}  # fmt: skip


class TableOptions(Config, kw_only=True):
    """How rows meet a table that is there already; the `write_options` of a connector that claims DRIFT or MERGE."""

    drift: Annotated[
        Drift,
        Field(
            "Schema drift", "What to do with columns and values that the table has no place for.", enum_labels=_LABELS
        ),
    ] = "freeze"
    deletes: Annotated[
        str,
        Field(
            "Deletion column",
            "Of merge and scd2: a column of true and false; the rows marked true are deleted by key. Empty: a merge "
            "deletes the rows whose key did not come.",
            advanced=True,
        ),
    ] = ""


class Change(Struct, frozen=True, kw_only=True):
    """One thing that a write would do to a table that is there.

    Attributes:
        text: One sentence.
        column: If it is about one.
        rows: How many it concerns, if that is known before.
        loses: Whether something is lost that the rows do not bring; ask before.
    """

    kind: Literal["create", "add", "widen", "narrow", "drop", "rewrite", "delete"]
    text: str
    column: str = ""
    rows: int | None = None
    loses: bool = False


class Page(Struct, frozen=True):
    """A frame of a read, and the state from which another read goes on behind it."""

    frame: pl.DataFrame
    state: State
