"""Subscriptions and overrides; editions and plans themselves are data of plugins."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import Base, Timed, Versioned


class Subscription(Versioned, Timed, Base):
    """Edition and plan of an organization; no row means the community edition."""

    __tablename__ = "subscriptions"

    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    edition: Mapped[str]
    plan: Mapped[str]
    status: Mapped[str] = mapped_column(default="active", server_default="active")
    infrastructure_type: Mapped[str] = mapped_column(default="shared", server_default="shared")
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    facts: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, server_default="{}")
    next_edition: Mapped[str | None]
    next_plan: Mapped[str | None]
    next_at: Mapped[datetime | None]


class FeatureOverride(Timed, Base):
    """One feature switched, or one limit set, for one organization."""

    __tablename__ = "feature_overrides"

    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool | None]
    value: Mapped[int | None] = mapped_column(sa.BigInteger)
    reason: Mapped[str] = mapped_column(default="", server_default="")
    expires_at: Mapped[datetime | None]
