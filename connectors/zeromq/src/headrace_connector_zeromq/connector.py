"""The work: a socket of its own for each call, connected to a judged address; its handshake is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import zmq
from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of
from headrace.kits.records.place import Place
from headrace.kits.records.spool import Part, Spool
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import AuthError, Column, ConfigError, DataType, HeadraceError, Message, Stream, Taken, Taking
from headrace.sdk.egress import dial
from zmq.utils.monitor import recv_monitor_message

from headrace_connector_zeromq import ZeromqConfig, ZeromqReadOptions

WAIT_S = 10
BODY_BYTES = 64 * 1024 * 1024
ALL = "*"
_AUTH = {zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL}
_BODY = {"text": "text", "base64": "text"}


class ZeromqConnector(MessagesConnector[ZeromqConfig]):
    """One socket that gives, and one that takes."""

    service = "ZeroMQ"
    kind = "topic"
    facts = (
        Column("_topic", DataType.TEXT), Column("_number", DataType.INTEGER, nullable=False, bits=64),
        Column("_at", DataType.TIMESTAMP, nullable=False, zone="UTC"),
    )  # fmt: skip
    modes = ("append",)
    read_options = ZeromqReadOptions
    _context: Any = None
    _socket: Any = None

    def _opened(self, kind: int, port: int, topic: str = "") -> Any:
        """A socket whose handshake is done."""
        config, place = self.config, Place.of(self.config.host, port)
        self._context = self._context or zmq.Context()
        self._socket = socket = self._context.socket(kind)
        socket.linger, socket.immediate = 0, 1
        socket.ipv6 = ":" in place.address
        if config.server_key:
            self._secure(socket)
        if kind == zmq.SUB and topic:
            socket.subscribe("" if topic == ALL else topic)
        events = socket.get_monitor_socket()
        try:
            socket.connect(f"tcp://{place.netloc}")
            self._shaken(events)
        finally:
            socket.disable_monitor()
            events.close(linger=0)
        return socket

    def _secure(self, socket: Any) -> None:
        config = self.config
        keys = (config.server_key, config.public_key, config.secret_key.reveal())
        try:
            socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = (key.encode() for key in keys)
        except (zmq.ZMQError, UnicodeEncodeError):
            raise ConfigError("a key of CURVE has 40 characters of Z85; enter the three keys again",
                              field="server_key") from None  # fmt: skip

    def _shaken(self, events: Any) -> None:
        """Wait for the handshake."""
        end = time.monotonic() + WAIT_S
        refusals = 0
        while time.monotonic() < end:
            if not events.poll(200):
                continue
            event = recv_monitor_message(events)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                return
            if event in _AUTH:
                raise self._denied(event)
            if event == zmq.EVENT_CLOSED or (event == zmq.EVENT_DISCONNECTED and not self.config.server_key):
                raise self.away("nobody listens there")
            if event == zmq.EVENT_DISCONNECTED:  # a server of CURVE hangs up without a word
                refusals += 1
                if refusals > 1:
                    raise self._denied(event)
        raise self.away("no handshake in time")

    def _denied(self, event: Any) -> AuthError:
        said = f"{self.where} refuses the handshake; correct the keys of CURVE and the pattern"
        return AuthError(said, detail=str(event), field="server_key")

    def ping(self) -> None:
        """A handshake that takes no message: a subscription to nothing, or the greeting of a socket that pushes."""
        self.hang_up()
        if self.config.pattern == "publish":
            self._opened(zmq.SUB, self.config.port)
        else:
            place = Place.of(self.config.host, self.config.port)
            with dial(place.address, place.port, timeout_s=WAIT_S) as link:
                link.settimeout(WAIT_S)
                if link.recv(1) != b"\xff":
                    raise ConfigError(f"{self.where} does not speak ZeroMQ; correct the port", field="port")
        self.hang_up()

    def names(self) -> Iterable[str]:
        """All topics, once the other side answers; nobody lists them."""
        self.ping()
        return [ALL]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """A topic: the columns that are declared, or the text of its messages; to look at one would be to take it."""
        said = options or ZeromqReadOptions()
        return super().stream(name, options=msgspec.structs.replace(said, columns=said.columns or _BODY))

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """What comes until it is quiet."""
        self.hang_up()
        socket = self._listening(name)
        end = time.monotonic() + options.listen_s
        for number in range(options.max_messages):
            left = min(self.quiet_s, end - time.monotonic())
            if left <= 0 or not socket.poll(left * 1000):
                return
            *topic, body = socket.recv_multipart()
            fields = fields_of(body) if options.columns else _whole(body)
            yield {**fields, "_topic": topic[0].decode(errors="replace") if topic else None, "_number": number,
                   "_at": datetime.now(UTC)}  # fmt: skip

    def _listening(self, name: str) -> Any:
        if self.config.pattern == "pipeline" and name != ALL:
            raise ConfigError(f"a pipeline has no topics; read '{ALL}' instead of '{name[:50]}'", field="stream")
        return self._opened(zmq.SUB if self.config.pattern == "publish" else zmq.PULL, self.config.port, name)

    def take(self, asked: Taking) -> Taken:
        """What came since the last call; the socket stays open, and what nobody hears is gone."""

        def some() -> list[Message]:
            socket = self._socket or self._listening(asked.stream)
            found: list[Message] = []
            while len(found) < asked.most and socket.poll(0 if found else int(asked.wait_s * 1000)):
                *topic, body = socket.recv_multipart()
                about = {"_topic": topic[0].decode(errors="replace") if topic else None, "_at": datetime.now(UTC)}
                found.append(Message(uuid4().hex, {**fields_of(body), **about}))
            return found

        return Taken(messages=self._call(some), cursor=dict(asked.cursor), more=True)

    def released(self) -> None:
        """Each read has a socket of its own."""
        self.hang_up()

    def begin(self, write: Write, spool: Spool) -> None:
        """Connect; a publisher waits until somebody has subscribed."""
        self.hang_up()
        if not self.config.write_port:
            raise ConfigError("the connection has no port to write to; enter it", field="write_port")
        publish = self.config.pattern == "publish"
        socket = self._opened(zmq.XPUB if publish else zmq.PUSH, self.config.write_port)
        socket.sndtimeo = WAIT_S * 1000
        if publish:
            socket.xpub_nodrop = 1
            if not socket.poll(WAIT_S * 1000):
                raise self.away("nobody subscribes")

    def give(self, write: Write, part: Part) -> Given:
        """Send one by one; where the other side does not take more, it is waited for."""
        made, rejects = bodies(part, BODY_BYTES)
        head = [write.name.encode()] if self.config.pattern == "publish" else []
        for body in made.values():
            self._socket.send_multipart([*head, body])
        return Given(0, rejects)

    def end(self, write: Write, spool: Spool) -> None:
        """Wait until all has left this machine."""
        socket, context, self._socket, self._context = self._socket, self._context, None, None
        socket.close(linger=WAIT_S * 1000)
        context.term()

    def trouble(self, error: Exception) -> HeadraceError | None:
        """Whatever libzmq raises, the other side has not answered."""
        return self.away(error) if isinstance(error, zmq.ZMQError) else None

    def hang_up(self) -> None:
        """Close the socket; what waits in it is gone."""
        socket, context, self._socket, self._context = self._socket, self._context, None, None
        if socket is not None:
            socket.close(linger=0)
        if context is not None:
            context.destroy(linger=0)


def _whole(body: bytes) -> Record:
    """The message as it came."""
    found = fields_of(body)
    return found if found.keys() <= _BODY.keys() and len(found) == 1 else {"text": body.decode()}
