"""Config of the trigger on changes: which tables, how they are packed, whose publication and slot."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from headrace.sdk import Field, TriggerConfig

_NAME = "^([a-z_][a-z0-9_]{0,62})?$"


class ChangesConfig(TriggerConfig, kw_only=True):
    """Which changes start the flow."""

    connection: Annotated[
        str, Field("Connection", "PostgreSQL with wal_level = logical; its user has the right REPLICATION.",
                   widget="connection", connection_type="postgresql", order=0)
    ]  # fmt: skip
    tables: Annotated[
        list[str], Field("Tables", "As schema.table; without a schema it is public. Empty: all, which only a superuser "
                         "may publish.", widget="tags", order=1)
    ] = []  # fmt: skip
    operations: Annotated[
        list[Literal["insert", "update", "delete", "truncate"]],
        Field("Operations", "Which changes count.", min_length=1, order=2),
    ] = msgspec.field(default_factory=lambda: ["insert", "update", "delete"])
    snapshot: Annotated[
        Literal["initial", "never"],
        Field("Rows that are there already", "Read first, each as a change `read`, then go on with what changed since; "
              "or left out.", order=3),
    ] = "initial"  # fmt: skip
    shape: Annotated[
        Literal["changes", "columns"],
        Field("Rows", "A row for each change with `before` and `after`, or the columns of the table with _operation "
              "beside them.", order=4),
    ] = "changes"  # fmt: skip
    batch_changes: Annotated[
        int, Field("Changes at once", "No more changes in one execution.", ge=1, le=10_000, order=5)
    ] = 1_000
    batch_seconds: Annotated[
        float, Field("Wait for more", "A batch is closed so long after its first change.", ge=0, le=30, unit="s",
                     order=6)
    ] = 1  # fmt: skip
    alert_mb: Annotated[
        int, Field("Warn above", "When the slot keeps back more log than this.", ge=1, unit="MB", order=7)
    ] = 1_024
    publication: Annotated[
        str, Field("Publication", "One that exists; empty: the trigger makes and removes its own.", pattern=_NAME,
                   advanced=True, order=10)
    ] = ""  # fmt: skip
    slot: Annotated[
        str, Field("Slot", "One of pgoutput that exists; empty: the trigger makes and removes its own.", pattern=_NAME,
                   advanced=True, order=11)
    ] = ""  # fmt: skip
