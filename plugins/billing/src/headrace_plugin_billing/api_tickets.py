"""Tickets: what members ask; each sees their own, who manages members sees all of the organization."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import Actor, now
from headrace.sdk.errors import NotFound
from headrace_web.sdk import (
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
    shown,
)
from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_plugin_billing import rows
from headrace_plugin_billing.models import Ticket, TicketMessage

Status = Literal["open", "pending", "closed"]
Priority = Literal["low", "normal", "high"]
Label = Annotated[str, Meta(min_length=1, max_length=50)]
Labels = Annotated[list[Label], Meta(max_length=20)]
Body = Annotated[str, Meta(min_length=1, max_length=20_000)]


class TicketOut(Struct, kw_only=True):
    """A ticket."""

    id: UUID
    subject: str
    status: str
    priority: str
    labels: list[str]
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class MessageOut(Struct, kw_only=True):
    """A question or an answer."""

    id: UUID
    body: str
    created_by: UUID | None
    created_at: datetime


class TicketBody(ApiStruct):
    """A new ticket."""

    subject: Annotated[str, Meta(min_length=1, max_length=255)]
    body: Body
    priority: Priority = "normal"
    labels: Labels = []


class TicketPatch(ApiStruct):
    """What to change."""

    subject: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class MessageBody(ApiStruct):
    """What to say; a closed ticket is open again."""

    body: Body


class TicketsController(Controller):
    """Tickets."""

    path = "/tickets"
    tags = ("tickets",)

    @get("/", opt=SIGNED_IN)
    async def list_tickets(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], status: FromQuery[Status | None] = None,
        label: FromQuery[str] = "",
    ) -> Envelope[list[TicketOut]]:  # fmt: skip
        """Tickets, the last changed first."""
        where = _mine(ctx.actor)
        where += [Ticket.status == status] if status else []
        where += [Ticket.labels.contains([label])] if label else []
        async with ctx.transaction() as session:
            found, total = await rows.page(
                session, Ticket, *where, order=Ticket.updated_at.desc(), limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(TicketOut, row) for row in found], total, paging)

    @get("/labels", opt=SIGNED_IN)
    async def list_labels(self, ctx: NamedDependency[Context]) -> Envelope[list[str]]:
        """Labels in use, by name."""
        one = sa.func.jsonb_array_elements_text(Ticket.labels).label("one")
        async with ctx.transaction() as session:
            found = await session.scalars(sa.select(one).where(*_mine(ctx.actor)).distinct().order_by("one"))
            return ok(list(found))

    @post("/", opt=SIGNED_IN)
    async def create_ticket(self, ctx: NamedDependency[Context], data: JSONBody[TicketBody]) -> Envelope[TicketOut]:
        """Ask something."""
        async with ctx.transaction() as session:
            row = Ticket(**{**given(data, "body"), "labels": _labels(data.labels)}, created_by=ctx.actor.user_id)
            row = await rows.add(session, ctx.actor, row, "ticket")
            await _say(session, ctx.actor, row, data.body)
            return ok(shown(TicketOut, row))

    @get("/{ticket_id:uuid}", opt=SIGNED_IN)
    async def get_ticket(self, ctx: NamedDependency[Context], ticket_id: FromPath[UUID]) -> Envelope[TicketOut]:
        """One ticket."""
        async with ctx.transaction() as session:
            return ok(shown(TicketOut, await _get(session, ctx.actor, ticket_id)))

    @patch("/{ticket_id:uuid}", opt=SIGNED_IN)
    async def update_ticket(
        self, ctx: NamedDependency[Context], ticket_id: FromPath[UUID], data: JSONBody[TicketPatch],
        if_match: IfMatch = None,
    ) -> Envelope[TicketOut]:  # fmt: skip
        """Change what is given."""
        async with ctx.transaction() as session:
            row = await _get(session, ctx.actor, ticket_id)
            changes = given(data, "row_version")
            if "labels" in changes:
                changes["labels"] = _labels(changes["labels"])
            version = base_version(if_match, data.row_version, "ticket")
            return ok(shown(TicketOut, await rows.change(session, row, changes, version, "ticket")))

    @get("/{ticket_id:uuid}/messages", opt=SIGNED_IN)
    async def list_messages(
        self, ctx: NamedDependency[Context], ticket_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[MessageOut]]:
        """What was said, the first one first."""
        async with ctx.transaction() as session:
            row = await _get(session, ctx.actor, ticket_id)
            found, total = await rows.page(
                session, TicketMessage, TicketMessage.organization_id == row.organization_id,
                TicketMessage.ticket_id == row.id, order=TicketMessage.created_at, limit=paging.limit,
                offset=paging.offset,
            )  # fmt: skip
        return page_of([shown(MessageOut, one) for one in found], total, paging)

    @post("/{ticket_id:uuid}/messages", opt=SIGNED_IN)
    async def create_message(
        self, ctx: NamedDependency[Context], ticket_id: FromPath[UUID], data: JSONBody[MessageBody]
    ) -> Envelope[MessageOut]:
        """Say something more."""
        async with ctx.transaction() as session:
            row = await _get(session, ctx.actor, ticket_id)
            row.status, row.updated_at = "open" if row.status == "closed" else row.status, now()
            return ok(shown(MessageOut, await _say(session, ctx.actor, row, data.body)))


def _mine(actor: Actor) -> list[Any]:
    where: list[Any] = [Ticket.organization_id == actor.organization_id]
    return where if actor.may("organization:manage_members") else [*where, Ticket.created_by == actor.user_id]


def _labels(labels: list[str]) -> list[str]:
    return sorted({one.strip() for one in labels if one.strip()})


async def _get(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Ticket:
    row = await session.scalar(sa.select(Ticket).where(Ticket.id == ticket_id, *_mine(actor)))
    if row is None:
        raise NotFound("there is no such ticket", resource="ticket")
    return row


async def _say(session: AsyncSession, actor: Actor, ticket: Ticket, body: str) -> TicketMessage:
    message = TicketMessage(ticket_id=ticket.id, body=body, created_by=actor.user_id)
    return await rows.add(session, actor, message, "message")
