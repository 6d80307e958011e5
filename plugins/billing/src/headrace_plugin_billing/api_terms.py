"""Terms: platform admins issue versions of them, people accept them as members of an organization."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import new_id, now
from headrace.sdk.errors import Conflict, NotFound
from headrace_web.sdk import (
    OF_ACCOUNTS,
    PERSON,
    SIGNED_IN,
    ApiStruct,
    Context,
    Envelope,
    Paging,
    ok,
    page_of,
    permission,
    shown,
)
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct, structs
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_plugin_billing.models import Acceptance, Terms


class TermsOut(Struct, kw_only=True):
    """A version of terms; `accepted_at` is when whoever asks accepted it here."""

    id: UUID
    kind: str
    version: int
    title: str
    body: str
    effective_at: datetime
    accepted_at: datetime | None = None


class TermsBody(ApiStruct):
    """A new version; it is numbered after the last one of its kind, and never changes."""

    kind: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,49}$")]
    title: Annotated[str, Meta(min_length=1, max_length=255)]
    body: Annotated[str, Meta(min_length=1, max_length=200_000)]
    effective_at: datetime | None = None


class AcceptanceOut(Struct, kw_only=True):
    """Who accepted a version, and when."""

    user_id: UUID
    accepted_at: datetime


class TermsController(Controller):
    """Terms."""

    path = "/terms"
    opt = OF_ACCOUNTS
    tags = ("terms",)

    @get("/", opt=SIGNED_IN)
    async def list_terms(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], every_version: FromQuery[bool] = False
    ) -> Envelope[list[TermsOut]]:
        """The terms that hold, one of a kind; or every version of them."""
        async with ctx.transaction() as session:
            rows = (await session.scalars(sa.select(Terms).order_by(Terms.kind, Terms.version.desc()))).all()
            accepted = await _accepted(session, ctx)
        holding: dict[str, Terms] = {}
        for row in rows:
            if row.effective_at <= now():
                holding.setdefault(row.kind, row)
        wanted = list(rows) if every_version else list(holding.values())
        part = wanted[paging.offset : paging.offset + paging.limit]
        return page_of([_out(row, accepted) for row in part], len(wanted), paging)

    @post("/", opt=permission("system:manage"))
    async def create_terms(self, ctx: NamedDependency[Context], data: JSONBody[TermsBody]) -> Envelope[TermsOut]:
        """Issue a version."""
        async with ctx.transaction() as session:
            await session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('billing_terms', 0))"))
            last = await session.scalar(sa.select(sa.func.max(Terms.version)).where(Terms.kind == data.kind))
            row = Terms(
                id=new_id(), kind=data.kind, version=(last or 0) + 1, title=data.title, body=data.body,
                effective_at=data.effective_at or now(),
            )  # fmt: skip
            session.add(row)
            await session.flush()
            return ok(shown(TermsOut, row))

    @get("/{terms_id:uuid}", opt=SIGNED_IN)
    async def get_terms(self, ctx: NamedDependency[Context], terms_id: FromPath[UUID]) -> Envelope[TermsOut]:
        """One version."""
        async with ctx.transaction() as session:
            return ok(_out(await _get(session, terms_id), await _accepted(session, ctx)))

    @post("/{terms_id:uuid}/accept", opt=PERSON, status_code=200)
    async def accept_terms(self, ctx: NamedDependency[Context], terms_id: FromPath[UUID]) -> Envelope[TermsOut]:
        """Accept a version that holds; a second time changes nothing."""
        async with ctx.transaction() as session:
            row = await _get(session, terms_id)
            if row.effective_at > now():
                raise Conflict(f"version {row.version} of '{row.kind}' holds from {row.effective_at:%Y-%m-%d} on")
            await session.execute(
                insert(Acceptance)
                .values(
                    organization_id=ctx.organization_id, id=new_id(), terms_id=row.id, user_id=ctx.actor.user_id,
                    accepted_at=now(),
                )
                .on_conflict_do_nothing(index_elements=["organization_id", "terms_id", "user_id"])
            )  # fmt: skip
            return ok(_out(row, await _accepted(session, ctx)))

    @get("/{terms_id:uuid}/acceptances", opt=permission("organization:manage_members"))
    async def list_acceptances(
        self, ctx: NamedDependency[Context], terms_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[AcceptanceOut]]:
        """Which members of the organization accepted it, newest first."""
        async with ctx.transaction() as session:
            await _get(session, terms_id)
            query = sa.select(Acceptance).where(
                Acceptance.organization_id == ctx.organization_id, Acceptance.terms_id == terms_id
            )
            total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
            order = (Acceptance.accepted_at.desc(), Acceptance.id)
            found = await session.scalars(query.order_by(*order).limit(paging.limit).offset(paging.offset))
            return page_of([shown(AcceptanceOut, row) for row in found], total or 0, paging)


async def _get(session: AsyncSession, terms_id: UUID) -> Terms:
    row = await session.get(Terms, terms_id)
    if row is None:
        raise NotFound("there are no such terms", resource="terms")
    return row


async def _accepted(session: AsyncSession, ctx: Context) -> dict[UUID, datetime]:
    query = sa.select(Acceptance.terms_id, Acceptance.accepted_at).where(
        Acceptance.organization_id == ctx.organization_id, Acceptance.user_id == ctx.actor.user_id
    )
    found: dict[UUID, datetime] = {row.terms_id: row.accepted_at for row in await session.execute(query)}
    return found


def _out(row: Terms, accepted: dict[UUID, datetime]) -> TermsOut:
    return structs.replace(shown(TermsOut, row), accepted_at=accepted.get(row.id))
