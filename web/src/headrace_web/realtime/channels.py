"""Which channels there are, who may listen, and what comes out of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from headrace.access.resolve import reach
from headrace.accounts.models import SignIn
from headrace.accounts.permissions import Actor
from headrace.executions import live, logs
from headrace.executions import service as executions
from headrace.flows import service as flows
from headrace.infra.bus import Message
from headrace.infra.clock import now
from headrace.sdk.errors import Denied, NotFound
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.realtime.hub import CHANNEL, EVERYBODY
from headrace_web.realtime.presence import present
from headrace_web.services import Services

_ID = "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_CHANNEL = re.compile(rf"(execution|flow|logs|organization|presence|user):{_ID}\Z")
_OLD_NAMES = (
    (re.compile(rf"workflow:{_ID}(:updates)?\Z"), r"flow:\1"),
    (re.compile(rf"updates:{_ID}\Z"), r"flow:\1"),
    (re.compile(rf"user:{_ID}:notifications\Z"), r"user:\1"),
    (re.compile(rf"subscription:{_ID}(:activity)?\Z"), r"organization:\1"),
    (re.compile(r"system:broadcast\Z"), CHANNEL),
)
"""What channels were called; what comes out of one has the name that was asked for."""
_OLD_TYPES = {"flow_update": "workflow_update"}
"""What messages were called; who listens by an old name of a flow's channel gets these."""

OF_A_FLOW = {"flow", "presence"}


def type_of(message: Message, name: str) -> str:
    """What a message is called on a channel of this name."""
    of_old = name.startswith(("workflow:", "updates:"))
    return _OLD_TYPES.get(message.type, message.type) if of_old else message.type


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
    for old, now_called in _OLD_NAMES:
        name = old.sub(now_called, name)
    if name == CHANNEL:
        return Channel(CHANNEL, EVERYBODY)
    match = _CHANNEL.match(name)
    if match is None:
        raise NotFound("there is no such channel")
    kind, id_ = match[1], UUID(match[2])
    if kind == "organization":
        if id_ != actor.organization_id:
            raise NotFound("there is no such channel")
        return Channel(kind, id_)
    if kind == "user":
        if id_ != actor.user_id:
            raise NotFound("there is no such channel")
        return Channel(kind, id_)
    async with services.database.transaction(actor.organization_id, user_id=actor.user_id) as session:
        await _may_hear(session, actor, kind, id_)
        if kind in OF_A_FLOW:
            await flows.get(session, actor, id_)
            return Channel(kind, id_)
        execution = await executions.get(session, actor.organization_id, id_)
        if kind == "logs":
            return Channel(kind, id_, await logs.last_id(session, actor.organization_id, id_))
        return Channel(kind, id_, execution["last_seq"])


async def may_hear(services: Services, actor: Actor, channel: Channel) -> bool:
    """Whether the actor may still listen; who may by role is not asked for again."""
    if channel.kind == CHANNEL:
        return True
    if channel.kind == "organization":
        return channel.id == actor.organization_id
    if channel.kind == "user":
        return channel.id == actor.user_id
    try:
        async with services.database.transaction(actor.organization_id, user_id=actor.user_id) as session:
            await _may_hear(session, actor, channel.kind, channel.id)
    except (NotFound, Denied):
        return False
    return True


async def _may_hear(session: AsyncSession, actor: Actor, kind: str, id_: UUID) -> None:
    if kind in OF_A_FLOW:
        await reach(session, actor, "flow:read", "flow", id_)
    else:
        await reach(session, actor, "execution:read", "execution", id_)


async def listen(services: Services, actor: Actor, channel: Channel, after: int) -> AsyncIterator[Message]:
    """What happens on a channel, for as long as somebody listens."""
    if channel.kind == "execution":
        async for message in live.follow(
            services.database, services.bus, actor.organization_id, channel.id, after=after
        ):
            yield message
        return
    if channel.kind == "logs":
        async for page in logs.follow(services.database, services.bus, actor.organization_id, channel.id, after=after):
            yield Message(
                channel=f"logs:{channel.id}", seq=page[-1].id, type="logs", timestamp=now(),
                data={"lines": [msgspec.to_builtins(row) for row in page]},
            )  # fmt: skip
        return
    if channel.kind == "presence":
        async for message in present(services, actor, channel.id):
            yield message
    if channel.kind in {CHANNEL, "user"}:
        async for message in _told(services, actor, channel):
            yield message
    async with services.bus.subscribe(actor.organization_id, f"{channel.kind}:{channel.id}") as queue:
        while True:
            heard = await queue.get()
            if heard is not None:
                yield heard


async def _told(services: Services, actor: Actor, channel: Channel) -> AsyncIterator[Message]:
    """What this process tells everybody, or one."""
    wide = channel.kind == CHANNEL or await _reaches_further(services, actor)
    with services.hub.subscribe(channel.id) as told:
        while True:
            message = await told.get()
            if wide or message.data.get("organization_id") in {None, str(actor.organization_id)}:
                yield message


async def _reaches_further(services: Services, actor: Actor) -> bool:
    """Whether they may hear of other organizations of theirs: not by a key, nor by one organization's provider."""
    if actor.session_id is None:
        return False
    async with services.database.transaction(actor.organization_id, user_id=actor.user_id, here=True) as session:
        row = await session.get(SignIn, (actor.organization_id, actor.session_id))
        return row is not None and not row.is_bound
