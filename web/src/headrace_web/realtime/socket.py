"""The endpoint: ticket and origin before accepting, then commands in and events out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from headrace.accounts.permissions import Actor
from headrace.sdk.errors import HeadraceError, NotFound, Unauthenticated
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from headrace_web.guards import TICKET
from headrace_web.realtime import protocol
from headrace_web.realtime.channels import OF_A_FLOW, Channel, listen, may_hear, open_channel
from headrace_web.realtime.connected import Connected
from headrace_web.realtime.holders import Holder
from headrace_web.realtime.outbox import Outbox, Overflow
from headrace_web.realtime.protocol import Command, Outgoing
from headrace_web.realtime.tickets import redeem
from headrace_web.security.browser import own_origin
from headrace_web.services import Services

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Command)


class _Closing(Exception):
    """End the socket with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@websocket(["/ws", "/api/v1/ws"], opt=TICKET)
async def socket(socket: WebSocket[Any, Any, Any]) -> None:
    """Serve one socket."""
    services: Services = socket.app.state.services
    try:
        holder, actor = await _admit(services, socket)
    except _Closing as refused:
        await socket.close(refused.code, refused.reason)
        return
    await socket.accept(subprotocols=protocol.PROTOCOL)
    services.metrics.sockets += 1
    connected = Connected(services, actor)
    await connected.begin()
    try:
        await _Session(services, socket, holder, actor, connected).serve()
    finally:
        services.metrics.sockets -= 1
        await asyncio.shield(connected.end())


async def _admit(services: Services, socket: WebSocket[Any, Any, Any]) -> tuple[Holder, Actor]:
    """Whose socket it is.

    Raises:
        _Closing: a foreign origin, a wrong protocol, or no good ticket.
    """
    origin = socket.headers.get("origin")
    if origin is not None and not own_origin(services, origin, socket.headers.get("host", "")):
        raise _Closing(protocol.FORBIDDEN, "foreign origin")
    offered = [part.strip() for part in socket.headers.get("sec-websocket-protocol", "").split(",")]
    tickets = [part.removeprefix(protocol.TICKET_PREFIX) for part in offered if part.startswith(protocol.TICKET_PREFIX)]
    if protocol.PROTOCOL not in offered or len(tickets) != 1:
        raise _Closing(protocol.UNAUTHENTICATED, "no ticket")
    holder = await redeem(services, tickets[0])
    if holder is None:
        raise _Closing(protocol.UNAUTHENTICATED, "the ticket is not valid")
    try:
        return holder, await services.holders.actor(holder)
    except Unauthenticated:
        raise _Closing(protocol.UNAUTHENTICATED, "signed out") from None


class _Session:
    """One accepted socket."""

    def __init__(
        self, services: Services, socket: WebSocket[Any, Any, Any], holder: Holder, actor: Actor, connected: Connected
    ) -> None:
        self._services = services
        self._socket = socket
        self._holder = holder
        self._actor = actor
        self._connected = connected
        self._outbox = Outbox()
        self._listeners: dict[str, asyncio.Task[None]] = {}
        self._heard: dict[str, Channel] = {}  # by grant, which may end
        self._recent: deque[float] = deque()

    async def serve(self) -> None:
        """Until either side ends it."""
        loops: list[Callable[[], Coroutine[Any, Any, None]]] = [self._receive, self._send, self._watch]
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except _Closing as end:
            await self._close(end.code, end.reason)
        except Overflow:
            await self._close(protocol.SLOW, "reading too slowly")
        except WebSocketDisconnect:
            pass
        finally:
            everything = [*tasks, *self._listeners.values()]
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(protocol.SEND_S):
                await self._socket.close(code, reason)

    async def _receive(self) -> None:
        while True:
            text = await self._socket.receive_text()
            at = time.monotonic()
            self._recent.append(at)
            while self._recent[0] < at - 1:
                self._recent.popleft()
            if len(self._recent) > protocol.COMMANDS_PER_S:
                raise _Closing(protocol.TOO_MANY, "too many commands")
            if len(text.encode()) > protocol.FRAME_MAX_BYTES:
                raise _Closing(protocol.BAD_MESSAGE, "the message is too long")
            try:
                command = _DECODER.decode(text)
            except msgspec.MsgspecError:
                raise _Closing(protocol.BAD_MESSAGE, "not a command") from None
            await self._obey(command)

    async def _obey(self, command: Command) -> None:
        if command.op == "ping":
            self._outbox.put(Outgoing(op="pong"))
        elif command.op == "unsubscribe":
            self._heard.pop(command.channel, None)
            task = self._listeners.pop(command.channel, None)
            if task is not None:
                task.cancel()
            self._outbox.put(Outgoing(op="unsubscribed", channel=command.channel))
        else:
            await self._subscribe(command.channel, command.after)

    async def _subscribe(self, name: str, after: int | None) -> None:
        if name in self._listeners and not self._listeners[name].done():
            self._error(name, "CONFLICT", "this channel is subscribed already")
            return
        if len(self._listeners) >= protocol.SUBSCRIPTIONS_MAX:
            self._error(name, "LIMIT_REACHED", f"a socket has at most {protocol.SUBSCRIPTIONS_MAX} subscriptions")
            return
        try:
            channel = await open_channel(self._services, self._actor, name)
        except HeadraceError as error:
            self._error(name[:100], error.code, error.message)
            return
        start = after if after is not None else channel.seq or 0
        if channel.seq is not None and start > channel.seq:
            self._outbox.put(Outgoing(op="resync", channel=name, seq=channel.seq))
            start = channel.seq
        self._outbox.put(Outgoing(op="subscribed", channel=name, seq=channel.seq))
        if not self._actor.may("flow:read" if channel.kind in OF_A_FLOW else "execution:read"):
            self._heard[name] = channel
        self._listeners[name] = asyncio.create_task(self._listen(name, channel, start))

    async def _listen(self, name: str, channel: Channel, after: int) -> None:
        try:
            async for message in listen(self._services, self._actor, channel, after):
                self._outbox.put_event(name, message)
        except Overflow:
            await self._close(protocol.SLOW, "reading too slowly")
        except HeadraceError as error:
            self._error(name, error.code, error.message)

    def _error(self, channel: str, code: str, message: str) -> None:
        self._outbox.put(Outgoing(op="error", channel=channel, data={"code": code, "message": message}))

    async def _send(self) -> None:
        while True:
            for message in await self._outbox.take():
                try:
                    async with asyncio.timeout(protocol.SEND_S):
                        await self._socket.send_text(_ENCODER.encode(message).decode())
                except TimeoutError:
                    raise _Closing(protocol.SLOW, "reading too slowly") from None
            await asyncio.sleep(protocol.COALESCE_S)

    async def _drop_lost(self) -> None:
        """End what a grant that is over allowed to hear."""
        for name, channel in list(self._heard.items()):
            if not await may_hear(self._services, self._actor, channel):
                del self._heard[name]
                self._listeners.pop(name).cancel()
                self._error(name, NotFound.code, "there is no such channel any more")

    async def _watch(self) -> None:
        """Say now and then that we live, and end the socket when the sign-in ends or the rights change."""
        beat = time.monotonic()
        while True:
            try:
                actor = await self._services.holders.recheck(self._holder)
                await self._drop_lost()
            except Unauthenticated:
                raise _Closing(protocol.UNAUTHENTICATED, "signed out") from None
            except HeadraceError:
                continue
            await self._connected.beat([name for name, task in self._listeners.items() if not task.done()])
            if actor.permissions != self._actor.permissions:
                raise _Closing(protocol.FORBIDDEN, "your rights have changed; connect again")
            if time.monotonic() - beat >= protocol.HEARTBEAT_S:
                beat = time.monotonic()
                self._outbox.put(Outgoing(op="pong"))
