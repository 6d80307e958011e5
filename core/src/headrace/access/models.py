"""The table of grants."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.accounts.models import OWN_ROLE
from headrace.infra.models import TenantModel, tenant_key


class Grant(TenantModel):
    """A level or a role on one object, and on what is in it, for a user or for a group."""

    __tablename__ = "grants"
    __table_args__ = (
        tenant_key("group_id", "groups", ondelete="CASCADE"),
        tenant_key("role_id", "roles"),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"], ["memberships.organization_id", "memberships.user_id"], ondelete="CASCADE"
        ),
    )

    object_type: Mapped[str]
    object_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    level: Mapped[str | None]
    role: Mapped[str | None]
    role_id: Mapped[UUID | None] = mapped_column(sa.Computed(OWN_ROLE))
    expires_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
