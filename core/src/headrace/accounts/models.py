"""Organizations, users, memberships, roles, groups, sign-ins, second factors, letters, invitations, API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.clock import now
from headrace.infra.models import Base, GlobalModel, TenantModel, Timed, Versioned, tenant_key
from headrace.infra.rls import SEALED_PERSONAL

OWN_ROLE = "CASE WHEN role ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text THEN role::uuid ELSE NULL::uuid END"
"""`role` names one of ours, or is the id of one that the organization has made."""


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
    """A person, who may be a member of several organizations; or a service account (`kind` service) of one."""

    __tablename__ = "users"

    kind: Mapped[str] = mapped_column(default="person", server_default="person")
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
    """A user's role in an organization.

    Attributes:
        provider_id: The identity provider that made it and goes on deciding over it; a password does not open it.
        removed_at: When the member went for good; grants that are older are void, in whatever database they are.
    """

    __tablename__ = "memberships"

    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str]
    role_id: Mapped[UUID | None] = mapped_column(sa.Computed(OWN_ROLE))
    username: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    session_version: Mapped[int] = mapped_column(default=1, server_default="1")
    provider_id: Mapped[UUID | None]
    removed_at: Mapped[datetime | None]

    __table_args__ = (sa.Index("uq_memberships_username", "organization_id", sa.text("lower(username)"), unique=True),)


class Role(TenantModel):
    """A role that an organization has made, beside ours."""

    __tablename__ = "roles"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    permissions: Mapped[list[str]]
    created_by: Mapped[UUID | None]


class Group(TenantModel):
    """Members who are given the same."""

    __tablename__ = "groups"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    created_by: Mapped[UUID | None]


class GroupMember(Timed, Base):
    """A member in a group."""

    __tablename__ = "group_members"
    __table_args__ = (
        tenant_key("group_id", "groups", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"], ["memberships.organization_id", "memberships.user_id"], ondelete="CASCADE"
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    added_by: Mapped[UUID | None]


class SignIn(TenantModel):
    """One sign-in of a browser or a program: a family of refresh tokens, of which one is alive.

    It ends with the `session_version` of the user that it was made with (`user_version`): a new password ends all.

    Attributes:
        provider_id: The identity provider that it came by; None for a password.
        is_bound: That provider speaks for its own organization only, so that the sign-in goes nowhere else.
    """

    __tablename__ = "sessions"

    user_id: Mapped[UUID]
    user_version: Mapped[int] = mapped_column(default=1, server_default="1")
    kind: Mapped[str]
    token_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    rotated_at: Mapped[datetime | None]
    ip_address: Mapped[str] = mapped_column(default="", server_default="")
    user_agent: Mapped[str] = mapped_column(default="", server_default="")
    last_activity_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    provider_id: Mapped[UUID | None]
    is_bound: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
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


class SecondFactor(Timed, Base):
    """A person's authenticator; it counts once a code has confirmed it. Seen in that person's transactions only."""

    __tablename__ = "second_factors"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(comment=SEALED_PERSONAL)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    recovery_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(sa.LargeBinary), default=list, server_default="{}")
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    locked_until: Mapped[datetime | None]


class Letter(GlobalModel):
    """A message to be mailed, or to be shown to an admin; it holds no secret, its link is made when it is opened."""

    __tablename__ = "letters"

    kind: Mapped[str]
    recipient: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    status: Mapped[str] = mapped_column(default="queued", server_default="queued")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(default=now, server_default=sa.func.now())
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="", server_default="")
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class Invitation(TenantModel):
    """An address that may become a member; its letter carries the link."""

    __tablename__ = "invitations"

    email: Mapped[str]
    role: Mapped[str]
    role_id: Mapped[UUID | None] = mapped_column(sa.Computed(OWN_ROLE))
    letter_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("letters.id", ondelete="SET NULL"))
    invited_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]


class ApiKey(TenantModel):
    """A key of a person or a service account: of the key itself only a hash, and `hint`, the part that is no secret."""

    __tablename__ = "api_keys"

    user_id: Mapped[UUID]
    name: Mapped[str]
    hint: Mapped[str]
    key_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    permissions: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_ip: Mapped[str] = mapped_column(default="", server_default="")
    revoked_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"], ["memberships.organization_id", "memberships.user_id"], ondelete="CASCADE"
        ),
    )
