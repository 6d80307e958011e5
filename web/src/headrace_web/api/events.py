"""The channels of the WebSocket as server-sent events, for programs that only listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Annotated

import msgspec
from headrace.sdk.errors import ConfigError, Unauthenticated
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, HeaderParameter, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from headrace_web.deps import Context
from headrace_web.guards import scoped
from headrace_web.realtime.channels import Channel, listen, may_hear, open_channel
from headrace_web.realtime.outbox import Outbox
from headrace_web.realtime.protocol import COALESCE_S, RECHECK_S
from headrace_web.security.identity import actor_again

CHANNELS_MAX = 20
BEAT_S = 15.0
STREAM_S = 600.0
"""Then the stream ends and the listener comes again, with whatever rights it has by then."""
After = Annotated[int | None, QueryParameter(ge=0, le=2**53)]
LastEventId = Annotated[int | None, HeaderParameter(name="Last-Event-ID", ge=0, le=2**53)]


class EventsController(Controller):
    """Live events."""

    path = "/events"
    tags = ("realtime",)

    @get("/", opt=scoped("execution:read"))
    async def stream_events(
        self,
        ctx: NamedDependency[Context],
        channel: FromQuery[list[str]],
        after: After = None,
        last_event_id: LastEventId = None,
    ) -> ServerSentEvent:
        """What happens on channels such as `execution:{id}` or `flow:{id}`, each event named by its type.

        Of one execution the events have its sequence as their id, without a gap: a listener that comes back with
        `Last-Event-ID`, or `after`, goes on there. `end` follows the last event of executions that have ended.
        """
        if not 1 <= len(channel) <= CHANNELS_MAX:
            raise ConfigError(f"name 1 to {CHANNELS_MAX} channels, e.g. channel=execution:<id>", field="channel")
        opened = {name: await open_channel(ctx.services, ctx.actor, name) for name in channel}
        start = last_event_id if last_event_id is not None else after
        if start is not None and (len(opened) > 1 or opened[channel[0]].seq is None):
            raise ConfigError("only one execution's events can be gone on with; name its channel alone", field="after")
        return ServerSentEvent(_events(ctx, opened, start))


async def _events(
    ctx: Context, channels: dict[str, Channel], after: int | None
) -> AsyncIterator[ServerSentEventMessage]:
    """Until the end of everything that is listened to; without `end` when somebody may not listen, or is too slow."""
    outbox, loop = Outbox(), asyncio.get_running_loop()

    async def hear(name: str, channel: Channel) -> None:
        seq = channel.seq or 0
        async for message in listen(ctx.services, ctx.actor, channel, seq if after is None else min(after, seq)):
            outbox.put_event(name, message)

    tasks = [asyncio.create_task(hear(name, channel)) for name, channel in channels.items()]
    waiting = asyncio.create_task(outbox.take())
    until, beat, asked = loop.time() + STREAM_S, loop.time(), loop.time()
    try:
        while loop.time() < until:
            over = all(task.done() for task in tasks)
            await asyncio.wait([waiting], timeout=COALESCE_S if over else RECHECK_S)
            if waiting.done():
                for message in waiting.result():
                    yield ServerSentEventMessage(event=message.type, id=message.seq, data=msgspec.json.encode(message))
                waiting = asyncio.create_task(outbox.take())
                await asyncio.sleep(COALESCE_S)
            elif over:
                yield ServerSentEventMessage(event="end", data="{}")
                return
            if any(task.done() and task.exception() for task in tasks):
                return
            if loop.time() - asked >= RECHECK_S:
                asked = loop.time()
                if not await _still(ctx, channels.values()):
                    return
            if loop.time() - beat >= BEAT_S:
                beat = loop.time()
                yield ServerSentEventMessage(comment="still here", data=None)
    finally:
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)


async def _still(ctx: Context, channels: Iterable[Channel]) -> bool:
    """Whether who listens may still do so."""
    try:
        actor = await actor_again(ctx.services, ctx.actor)
    except Unauthenticated:
        return False
    return all([await may_hear(ctx.services, actor, channel) for channel in channels])
