"""Organizations, users, memberships, sign-ins, set-up tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import Base, GlobalModel, TenantModel, Timed, Versioned


class Organization(Versioned, GlobalModel):
    """The tenant. Under row-level security by its own id."""

    __tablename__ = "organizations"

    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str | None]
    billing_email: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="active", server_default="active")
    infrastructure_type: Mapped[str] = mapped_column(default="shared", server_default="shared")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class User(Versioned, GlobalModel):
    """A person; may be a member of several organizations."""

    __tablename__ = "users"

    email: Mapped[str]
    full_name: Mapped[str] = mapped_column(default="", server_default="")
    first_name: Mapped[str] = mapped_column(default="", server_default="")
    last_name: Mapped[str] = mapped_column(default="", server_default="")
    photo_url: Mapped[str | None]
    user_utc_offset: Mapped[int] = mapped_column(default=0, server_default="0")
    password_hash: Mapped[str | None]
    session_version: Mapped[int] = mapped_column(default=1, server_default="1")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    is_email_verified: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    is_platform_admin: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    last_login_at: Mapped[datetime | None]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")

    __table_args__ = (sa.Index("uq_users_email", sa.text("lower(email)"), unique=True),)


class Membership(Versioned, Timed, Base):
    """A user's role in an organization."""

    __tablename__ = "memberships"

    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str]
    username: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    session_version: Mapped[int] = mapped_column(default=1, server_default="1")

    __table_args__ = (sa.Index("uq_memberships_username", "organization_id", sa.text("lower(username)"), unique=True),)


class SignIn(TenantModel):
    """One sign-in of a browser or a program: a family of refresh tokens, of which one is alive."""

    __tablename__ = "sessions"

    user_id: Mapped[UUID]
    kind: Mapped[str]
    token_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    rotated_at: Mapped[datetime | None]
    ip_address: Mapped[str] = mapped_column(default="", server_default="")
    user_agent: Mapped[str] = mapped_column(default="", server_default="")
    last_activity_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str] = mapped_column(default="", server_default="")

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"], ["memberships.organization_id", "memberships.user_id"], ondelete="CASCADE"
        ),
        sa.Index("ix_sessions_organization_id_user_id", "organization_id", "user_id"),
    )


class SetupToken(GlobalModel):
    """Lets the first admin in, once."""

    __tablename__ = "setup_tokens"

    token_hash: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
