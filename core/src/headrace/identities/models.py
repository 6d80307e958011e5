"""Identity providers of organizations, who has come by them, whom they tell of, and sign-ins that are under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import TenantModel, tenant_key
from headrace.infra.rls import SEALED


class IdentityProvider(TenantModel):
    """A configured auth provider. Its config is encrypted as a whole.

    Attributes:
        provider: Id of the plugin's manifest.
        default_role: Of those whose groups give none; None keeps them out.
        group_roles: Role by name of a group.
        provisions: Makes accounts of those who come for the first time.
        domains: Of e-mail addresses that it may speak for, `*` for all; a platform admin says so.
        listed: Shown at the entrance of the whole installation, and trusted with platform admins.
        session_hours: Whoever came by it is asked again after so long.
        last_refusal: Why somebody was refused last; for those who set it up.
    """

    __tablename__ = "identity_providers"

    provider: Mapped[str]
    name: Mapped[str]
    config: Mapped[str] = mapped_column(comment=SEALED)
    default_role: Mapped[str | None]
    group_roles: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    provisions: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    domains: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    listed: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    session_hours: Mapped[int] = mapped_column(default=12, server_default="12")
    last_refusal: Mapped[str] = mapped_column(default="", server_default="")
    last_refused_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]

    __table_args__ = (sa.Index("uq_identity_providers_name", "organization_id", sa.text("lower(name)"), unique=True),)


class Identity(TenantModel):
    """Who a provider's `subject` is here.

    Attributes:
        ended_at: The membership was ended because the provider gave it no role any more.
    """

    __tablename__ = "identities"

    provider_id: Mapped[UUID]
    subject: Mapped[str]
    user_id: Mapped[UUID]
    email: Mapped[str] = mapped_column(default="", server_default="")
    groups: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    ended_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]

    __table_args__ = (
        tenant_key("provider_id", "identity_providers", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"], ["memberships.organization_id", "memberships.user_id"], ondelete="CASCADE"
        ),
        sa.UniqueConstraint("organization_id", "provider_id", "subject"),
    )


class DirectoryPerson(TenantModel):
    """A member whom a directory tells of; the id is the user's. One is of one directory.

    Attributes:
        attributes: What the directory says of them, in its own words.
        made: The account was made for it, so that the name follows.
    """

    __tablename__ = "directory_people"

    provider_id: Mapped[UUID]
    user_name: Mapped[str]
    external_id: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    made: Mapped[bool] = mapped_column(default=False, server_default=sa.false())

    __table_args__ = (
        tenant_key("provider_id", "identity_providers", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id", "id"], ["memberships.organization_id", "memberships.user_id"], ondelete="CASCADE"
        ),
        sa.Index(
            "uq_directory_people_user_name", "organization_id", "provider_id", sa.text("lower(user_name)"), unique=True
        ),
        sa.Index("ix_directory_people_external_id", "organization_id", "provider_id", "external_id"),
    )


class DirectoryGroup(TenantModel):
    """A group that a directory keeps; the id is the group's."""

    __tablename__ = "directory_groups"

    provider_id: Mapped[UUID]
    external_id: Mapped[str | None]

    __table_args__ = (
        tenant_key("provider_id", "identity_providers", ondelete="CASCADE"),
        tenant_key("id", "groups", ondelete="CASCADE"),
        sa.Index("ix_directory_groups_provider_id", "organization_id", "provider_id"),
    )


class SignInAttempt(TenantModel):
    """A browser was sent to a provider; it comes back once, with the state, from the same browser.

    Attributes:
        memory: What the provider needs again, encrypted.
        answer: What the provider had the browser post, encrypted, until the browser itself asks for it.
        user_id: Who is signed in and only links the identity.
    """

    __tablename__ = "sign_in_attempts"

    provider_id: Mapped[UUID]
    state_hash: Mapped[bytes]
    browser_hash: Mapped[bytes]
    memory: Mapped[str] = mapped_column(comment=SEALED)
    next: Mapped[str] = mapped_column(default="/", server_default="/")
    answer: Mapped[str | None] = mapped_column(comment=SEALED)
    user_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        tenant_key("provider_id", "identity_providers", ondelete="CASCADE"),
        sa.UniqueConstraint("organization_id", "state_hash"),
    )
