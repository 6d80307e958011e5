"""Tickets for the WebSocket."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from msgspec import Struct

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, ok
from headrace_web.guards import PERSON
from headrace_web.realtime.tickets import TICKET_S, issue


class Ticket(Struct, kw_only=True):
    """Good once, for a short while: send it as the subprotocol `ticket.<ticket>` beside `headrace.v1`."""

    ticket: str
    expires_in: int = TICKET_S


class TicketsController(Controller):
    """Tickets."""

    path = "/ws-tickets"
    tags = ("realtime",)

    @post("/", opt=PERSON)
    async def create_ticket(self, ctx: NamedDependency[Context]) -> Envelope[Ticket]:
        """A ticket for one WebSocket."""
        return ok(Ticket(ticket=await issue(ctx.services, ctx.actor)))
