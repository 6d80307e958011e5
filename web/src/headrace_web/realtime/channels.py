"""Which channels there are, who may listen, and what comes out of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import UUID

from headrace.accounts.permissions import Actor
from headrace.executions import live
from headrace.executions import service as executions
from headrace.flows import service as flows
from headrace.infra.bus import Message
from headrace.sdk.errors import NotFound
from msgspec import Struct

from headrace_web.services import Services

_CHANNEL = re.compile(r"(execution|flow):([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\Z")


class Channel(Struct, frozen=True):
    """A channel the actor may hear; the last sequence there is, where it has one."""

    kind: str
    id: UUID
    seq: int | None = None


async def open_channel(services: Services, actor: Actor, name: str) -> Channel:
    """Find a channel by its name.

    Raises:
        NotFound: there is none, or the actor may not know of it.
        Denied: the role does not include it.
    """
    match = _CHANNEL.match(name)
    if match is None:
        raise NotFound("there is no such channel")
    kind, id_ = match[1], UUID(match[2])
    actor.require(f"{kind}:read")
    async with services.database.transaction(actor.organization_id, user_id=actor.user_id) as session:
        if kind == "flow":
            await flows.get(session, actor, id_)
            return Channel(kind, id_)
        execution = await executions.get(session, actor.organization_id, id_)
        return Channel(kind, id_, execution["last_seq"])


async def listen(services: Services, actor: Actor, channel: Channel, after: int) -> AsyncIterator[Message]:
    """What happens on a channel, for as long as somebody listens."""
    if channel.kind == "execution":
        async for message in live.follow(
            services.database, services.bus, actor.organization_id, channel.id, after=after
        ):
            yield message
        return
    async with services.bus.subscribe(actor.organization_id, f"flow:{channel.id}") as queue:
        while True:
            heard = await queue.get()
            if heard is not None:
                yield heard
