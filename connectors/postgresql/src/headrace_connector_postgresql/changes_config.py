"""Config of the trigger on changes: which tables, how they are packed, whose publication and slot."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from headrace.kits.sql.declare import RowChanges
from headrace.sdk import Field

_NAME = "^([a-z_][a-z0-9_]{0,62})?$"


class ChangesConfig(RowChanges, kw_only=True):
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
