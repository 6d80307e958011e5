"""The table of event subscriptions; their deliveries are rows that the database writes (`deliveries.py`)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import TenantModel
from headrace.infra.rls import SEALED


class EventSubscription(TenantModel):
    """Who is told of what.

    Attributes:
        events: Names, or patterns like `execution.*` and `*`.
        secrets: The signing key, and the one before it; encrypted.
        previous_until: How long the key before is used beside the new one.
        failures: Failed attempts in a row, of any delivery.
        open_until: The circuit is open: nothing is tried before this.
    """

    __tablename__ = "event_subscriptions"

    name: Mapped[str] = mapped_column(default="")
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(sa.Text()))
    secrets: Mapped[str] = mapped_column(comment=SEALED)
    previous_until: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    failures: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[datetime | None]
    error: Mapped[str | None]
    last_delivered_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]
