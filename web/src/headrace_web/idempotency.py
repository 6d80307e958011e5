"""Idempotency-Key: a creating POST that is sent again with the same key and body has one effect and one answer.

The key, all that the handler writes, and its answer are one transaction: none of them is there without the others. The
answer is encrypted, as it may show a secret once. A handler that has to commit earlier names its effect by the key
itself (`OWN_KEY`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import sqlalchemy as sa
from headrace.infra.database import translate
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict
from litestar import MediaType, Request, Response
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from headrace_web.services import Services

HEADER = b"idempotency-key"
REPLAYED = "Idempotency-Replayed"
OWN_KEY: dict[str, Any] = {"idempotency": "own"}
"""For `opt` of a handler that waits for what it has started: the key goes with what it creates."""
LENGTH_MAX = 200
ACCOUNTS = "accounts"
"""In `opt`: the handler's transactions are in the shared database."""
_STATE = "idempotency"
_CREATING = frozenset({201, 202})

_CLAIM = sa.text("""
INSERT INTO idempotency_keys (organization_id, id, key, request_hash) VALUES (:organization_id, :id, :key, :hash)
ON CONFLICT (organization_id, key) DO NOTHING RETURNING id
""")
_FIND = sa.text("""
SELECT id, request_hash, status_code, answer FROM idempotency_keys
WHERE organization_id = :organization_id AND key = :key
""")
_ANSWER = sa.text("""
UPDATE idempotency_keys SET status_code = :status, answer = :answer
WHERE organization_id = :organization_id AND id = :id
""")
_EXPIRE = sa.text("""
DELETE FROM idempotency_keys WHERE (organization_id, id) IN (SELECT organization_id, id FROM idempotency_keys
  WHERE organization_id = :organization_id AND created_at < clock_timestamp() - interval '24 hours'
  LIMIT 100 FOR UPDATE SKIP LOCKED)
""")


class Keyed:
    """A request with a key: its transaction, and its answer until that is committed.

    Attributes:
        request_hash: Of method, address and body, under a key of the install.
        hashes: The same under each key of the install, the present one first.
        session: The transaction of all that the handler does; None when the handler has a key of its own.
    """

    def __init__(self, send: Send) -> None:
        self.request_hash: str | None = None
        self.hashes: list[str] = []
        self.session: AsyncSession | None = None
        self._send = send
        self._start: Message | None = None
        self._body = b""
        self._where: dict[str, Any] = {}
        self._services: Services | None = None
        self._unit: AbstractAsyncContextManager[AsyncSession] | None = None

    async def begin(
        self, services: Services, organization_id: Any, user_id: Any, key: str, *, accounts: bool
    ) -> Response[bytes] | None:
        """Take the key, or give the answer that it has got. A request with the same key meanwhile waits for this one.

        Raises:
            Conflict: the key was used for another request.
            TransientError: the database is away, or all its connections are in use.
        """
        with _in_our_words():
            return await self._take(services, organization_id, user_id, key, here=accounts)

    async def _take(
        self, services: Services, organization_id: Any, user_id: Any, key: str, *, here: bool
    ) -> Response[bytes] | None:
        self._services = services
        unit = services.database.transaction(organization_id, user_id=user_id, here=here)
        self.session = await unit.__aenter__()
        self._unit = unit
        where = {"organization_id": organization_id, "id": new_id(), "key": f"{user_id}:{key}"}
        await self.session.execute(_EXPIRE, where)
        if await self.session.scalar(_CLAIM, {**where, "hash": self.request_hash}) is not None:
            self._where = where
            return None
        row = (await self.session.execute(_FIND, where)).one()
        if row.request_hash not in self.hashes:
            raise Conflict("this Idempotency-Key was used for another request; use a new one for each request")
        cipher = await organization_cipher(self.session, services.vault.ring, organization_id)
        body = cipher.decrypt(row.answer, table="idempotency_keys", row_id=row.id, field="answer")
        await self._leave(RuntimeError("nothing was changed"))
        return Response(body, status_code=row.status_code, media_type=MediaType.JSON, headers={REPLAYED: "true"})

    @asynccontextmanager
    async def part(self) -> AsyncIterator[AsyncSession]:
        """A unit of work inside of the request's."""
        session = self.session
        if session is None:
            raise RuntimeError("the request's transaction has ended")
        with _in_our_words():
            async with session.begin_nested():
                yield session

    async def send(self, message: Message) -> None:
        """Hold the answer back until it is stored and committed."""
        if self.session is None:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish()

    async def _finish(self) -> None:
        start, body = self._start, self._body
        self._start, self._body = None, b""
        if start is None or start["type"] != "http.response.start":
            raise RuntimeError("an answer has no beginning")
        if start["status"] < 400 and self._where:
            await self._store(start["status"], body)
            await self._leave(None)
        else:
            await self._leave(RuntimeError("the request failed"))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _store(self, status: int, body: bytes) -> None:
        session, services = self.session, self._services
        if session is None or services is None:
            raise RuntimeError("the request's transaction has ended")
        cipher = await sealing_cipher(session, services.vault.ring, self._where["organization_id"])
        answer = cipher.encrypt(body, table="idempotency_keys", row_id=self._where["id"], field="answer")
        await session.execute(_ANSWER, {**self._where, "status": status, "answer": answer})

    async def _leave(self, error: Exception | None) -> None:
        """Commit, or roll back after an error."""
        unit, self._unit, self.session = self._unit, None, None
        if unit is None:
            return
        try:
            await unit.__aexit__(type(error) if error else None, error, None)
        except RuntimeError as raised:
            if raised is not error:
                raise

    async def close(self) -> None:
        """Roll back what was not answered."""
        await self._leave(RuntimeError("the request was not answered"))


class Idempotency(ASGIMiddleware):
    """Holds the answers of requests with a key back until they are stored."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on; `begin` looks at it once it is known who asks."""
        if scope.get("method") != "POST" or all(name != HEADER for name, _ in scope["headers"]):
            await next_app(scope, receive, send)
            return
        keyed = Keyed(send)
        scope["state"][_STATE] = keyed
        try:
            await next_app(scope, receive, keyed.send)
        finally:
            await keyed.close()


def keyed_of(request: Request[Any, Any, Any]) -> Keyed | None:
    """The request's key, if it has one that counts."""
    found: Keyed | None = request.scope["state"].get(_STATE)
    return found if found is not None and found.request_hash is not None else None


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, StaleDataError) as error:
        translated = translate(error)
        if translated is error:
            raise
        raise translated from error


async def begin(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    """After the guard: take the key of a creating request, or give the stored answer.

    Raises:
        ConfigError: it is no key.
        Conflict: it was used for another request.
    """
    keyed: Keyed | None = request.scope["state"].get(_STATE)
    actor, handler = request.scope["state"].get("actor"), request.route_handler
    if keyed is None or actor is None or handler.status_code not in _CREATING:
        return None
    key = request.headers.get(HEADER.decode(), "")
    if not 1 <= len(key) <= LENGTH_MAX or not key.isprintable():
        raise ConfigError(f"an Idempotency-Key has 1 to {LENGTH_MAX} printable characters", field="Idempotency-Key")
    services: Services = request.app.state.services
    told = b"\n".join((request.url.path.encode(), request.url.query.encode(), await request.body()))
    keyed.hashes = services.marks(b"idempotency\n" + told)
    keyed.request_hash = keyed.hashes[0]
    if handler.opt.get("idempotency") == "own":
        return None
    accounts = bool(handler.opt.get(ACCOUNTS))
    return await keyed.begin(services, actor.organization_id, actor.user_id, key, accounts=accounts)
