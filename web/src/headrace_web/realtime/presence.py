"""Who has a flow open: each socket on the channel tells the others, and answers whoever comes. Nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

from headrace.accounts.models import User
from headrace.accounts.permissions import Actor
from headrace.infra.bus import Message
from headrace.infra.clock import now
from headrace.infra.ids import new_id

from headrace_web.services import Services

AGAIN_S = 20.0
"""How often one says that one is still there; whoever is silent three times as long is gone."""


async def present(services: Services, actor: Actor, flow: UUID) -> AsyncIterator[Message]:
    """Be seen on a flow, and hear of the others, for as long as somebody listens.

    Each message has `id` (of the socket), `user_id`, `name`, and `state`: `came`, `here` or `went`.
    """
    channel, me = f"presence:{flow}", str(new_id())
    async with services.database.transaction(actor.organization_id, user_id=actor.user_id) as session:
        user = await session.get(User, actor.user_id) if actor.user_id else None
        name = user.full_name or user.email if user else ""

    async def tell(state: Literal["came", "here", "went"]) -> None:
        data = {"id": me, "user_id": str(actor.user_id or ""), "name": name, "state": state}
        message = Message(channel=channel, type="presence", data=data, timestamp=now())
        await services.bus.publish(actor.organization_id, message)

    clock = asyncio.get_running_loop()
    async with services.bus.subscribe(actor.organization_id, channel) as queue:
        try:
            await tell("came")
            due = clock.time() + AGAIN_S
            while True:
                try:
                    async with asyncio.timeout_at(due):
                        heard = await queue.get()
                except TimeoutError:
                    await tell("here")
                    due = clock.time() + AGAIN_S
                    continue
                if heard is None or heard.data.get("id") == me:
                    continue
                if heard.data.get("state") == "came":
                    await tell("here")
                yield heard
        finally:
            await tell("went")
