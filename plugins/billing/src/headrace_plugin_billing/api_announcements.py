"""Announcements of the installation: platform admins write them, everybody signed in reads those that hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import check_version, new_id, now
from headrace.sdk.errors import ConfigError, NotFound
from headrace_web.sdk import (
    OF_ACCOUNTS,
    SIGNED_IN,
    ApiStruct,
    Context,
    Envelope,
    IfMatch,
    Paging,
    base_version,
    given,
    ok,
    page_of,
    permission,
    shown,
)
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_plugin_billing.models import Announcement

Severity = Literal["info", "warning", "critical"]
Title = Annotated[str, Meta(min_length=1, max_length=255)]
Body = Annotated[str, Meta(max_length=20_000)]
WRITE = permission("system:manage")


class AnnouncementOut(Struct, kw_only=True):
    """An announcement; without a start it holds from when it was written, without an end for good."""

    id: UUID
    title: str
    body: str
    severity: str
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class AnnouncementBody(ApiStruct):
    """A new announcement."""

    title: Title
    body: Body = ""
    severity: Severity = "info"
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class AnnouncementPut(AnnouncementBody):
    """An announcement as it shall be."""

    row_version: int | UnsetType = UNSET


class AnnouncementPatch(ApiStruct):
    """What to change."""

    title: Title | UnsetType = UNSET
    body: Body | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    starts_at: datetime | UnsetType | None = UNSET
    ends_at: datetime | UnsetType | None = UNSET
    row_version: int | UnsetType = UNSET


class AnnouncementsController(Controller):
    """Announcements."""

    path = "/announcements"
    opt = OF_ACCOUNTS
    tags = ("announcements",)

    @get("/", opt=SIGNED_IN)
    async def list_announcements(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], all_of_them: FromQuery[bool] = False
    ) -> Envelope[list[AnnouncementOut]]:
        """What holds now, newest first; for platform admins, if they ask, what is over and what is to come too."""
        if all_of_them:
            ctx.actor.require("system:manage")
        query = sa.select(Announcement)
        if not all_of_them:
            query = query.where(
                sa.or_(Announcement.starts_at.is_(None), Announcement.starts_at <= now()),
                sa.or_(Announcement.ends_at.is_(None), Announcement.ends_at > now()),
            )
        async with ctx.transaction() as session:
            total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
            order = (Announcement.created_at.desc(), Announcement.id)
            found = await session.scalars(query.order_by(*order).limit(paging.limit).offset(paging.offset))
            return page_of([shown(AnnouncementOut, row) for row in found], total or 0, paging)

    @post("/", opt=WRITE)
    async def create_announcement(
        self, ctx: NamedDependency[Context], data: JSONBody[AnnouncementBody]
    ) -> Envelope[AnnouncementOut]:
        """Announce something."""
        async with ctx.transaction() as session:
            row = Announcement(id=new_id(), **given(data))
            _check(row)
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return ok(shown(AnnouncementOut, row))

    @get("/{announcement_id:uuid}", opt=SIGNED_IN)
    async def get_announcement(
        self, ctx: NamedDependency[Context], announcement_id: FromPath[UUID]
    ) -> Envelope[AnnouncementOut]:
        """One announcement."""
        async with ctx.transaction() as session:
            return ok(shown(AnnouncementOut, await _get(session, announcement_id)))

    @patch("/{announcement_id:uuid}", opt=WRITE)
    async def update_announcement(
        self, ctx: NamedDependency[Context], announcement_id: FromPath[UUID], data: JSONBody[AnnouncementPatch],
        if_match: IfMatch = None,
    ) -> Envelope[AnnouncementOut]:  # fmt: skip
        """Change what is given."""
        return ok(await _changed(ctx, announcement_id, data, if_match))

    @put("/{announcement_id:uuid}", opt=WRITE)
    async def replace_announcement(
        self, ctx: NamedDependency[Context], announcement_id: FromPath[UUID], data: JSONBody[AnnouncementPut],
        if_match: IfMatch = None,
    ) -> Envelope[AnnouncementOut]:  # fmt: skip
        """Put the announcement as a whole."""
        return ok(await _changed(ctx, announcement_id, data, if_match))

    @delete("/{announcement_id:uuid}", opt=WRITE, status_code=200)
    async def delete_announcement(
        self, ctx: NamedDependency[Context], announcement_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Take it back."""
        async with ctx.transaction() as session:
            await session.delete(await _get(session, announcement_id))
        return ok({"id": announcement_id})


async def _get(session: AsyncSession, announcement_id: UUID) -> Announcement:
    row = await session.get(Announcement, announcement_id)
    if row is None:
        raise NotFound("there is no such announcement", resource="announcement")
    return row


async def _changed(ctx: Context, id_: UUID, data: Any, if_match: str | None) -> AnnouncementOut:
    async with ctx.transaction() as session:
        row = await _get(session, id_)
        check_version(row.row_version, base_version(if_match, data.row_version, "announcement"), "announcement")
        for name, value in given(data, "row_version").items():
            setattr(row, name, value)
        _check(row)
        await session.flush()
        await session.refresh(row)
        return shown(AnnouncementOut, row)


def _check(row: Announcement) -> None:
    if row.starts_at and row.ends_at and row.ends_at <= row.starts_at:
        raise ConfigError("an announcement ends after it starts; correct ends_at", field="ends_at")
