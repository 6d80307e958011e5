"""Bodies of requests and answers that come by an alias address, translated on their way through."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace_web import alias_words

_JSON = (b"application/json", b"application/problem+json")


class Translated:
    """One request by an alias: what it receives is in our names, what it sends in both."""

    def __init__(self, alias: str, path: str, receive: Any, send: Any, *, most_bytes: int) -> None:
        self._kind = alias_words.kind_of(path)
        self._upper = "/process-monitoring/" in alias
        self._workflow = "/workflows" in alias
        self._receive, self._send, self._most = receive, send, most_bytes
        self._waiting: list[dict[str, Any]] | None = None
        self._start: dict[str, Any] | None = None
        self._answer = bytearray()

    async def receive(self) -> dict[str, Any]:
        """The request's messages; a body of JSON comes as one of them. One that is too large comes as it is."""
        if self._waiting is None:
            self._waiting = await self._whole()
        found: dict[str, Any] = self._waiting.pop(0) if self._waiting else await self._receive()
        return found

    async def _whole(self) -> list[dict[str, Any]]:
        messages, size = [], 0
        while True:
            message = await self._receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if message["type"] != "http.request" or size > self._most:
                return messages
            if not message.get("more_body"):
                break
        body = b"".join(message.get("body", b"") for message in messages)
        return [{"type": "http.request", "body": self._read(body), "more_body": False}]

    def _read(self, body: bytes) -> bytes:
        try:
            said = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return body  # the handler says what is wrong with it
        ours = alias_words.read(said, self._kind)
        return body if ours == said else msgspec.json.encode(ours)

    async def send(self, message: dict[str, Any]) -> None:
        """Answers of JSON wait for their end; everything else goes through."""
        if message["type"] == "http.response.start":
            kind = dict(message["headers"]).get(b"content-type", b"").split(b";")[0]
            if kind in _JSON:
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._answer += message.get("body", b"")
            if message.get("more_body"):
                return
            start, self._start = self._start, None
            body = self._told(bytes(self._answer))
            headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await self._send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            message = {**message, "body": body}
        await self._send(message)

    def _told(self, body: bytes) -> bytes:
        try:
            said = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return body
        made = alias_words.told(said, self._kind, upper=self._upper, workflow=self._workflow)
        return body if made == said else msgspec.json.encode(made)
