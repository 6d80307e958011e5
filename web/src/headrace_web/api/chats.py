"""Chats of flows: /chats/<key> and /chats/<organization>/<own path>, a page without scripts and an address for JSON."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from headrace.executions.state import TERMINAL
from headrace.infra.ids import new_id
from headrace.sdk.errors import DataError, HeadraceError, ServiceError
from headrace.triggers import answers, calls, chats
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from headrace_web.api.hooks import last_rows
from headrace_web.envelope import ApiStruct, ok
from headrace_web.guards import PUBLIC, limited
from headrace_web.hosted import EXPIRED, TICKET, Visit, closed, sentence
from headrace_web.services import Services

BODY_MAX = 2**20
SHOWN_MAX = 50
"""Messages of a conversation that the page shows."""


class Unanswered(ServiceError):
    """The flow ended without an answer."""

    code = "EXECUTION_FAILED"
    status = 502


class AnswerLate(ServiceError):
    """The flow is still at work."""

    code = "TIMED_OUT"
    status = 504


class MessageBody(ApiStruct):
    """A message; without the id of a conversation it begins one."""

    message: str
    conversation_id: str = ""


class Answer(msgspec.Struct, kw_only=True):
    """What the flow answers; send the id with the next message."""

    conversation_id: str
    execution_id: UUID
    answer: str


class ChatsController(Controller):
    """Chats. Each judges its visitors itself."""

    path = "/chats"
    tags = ("chats",)
    opt = {**PUBLIC, **limited("webhook")}
    include_in_schema = False
    request_max_body_size = BODY_MAX

    @get("/{place:path}")
    async def show(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], place: FromPath[Path],
        token: FromQuery[str] = "",
    ) -> Response[str]:  # fmt: skip
        """The page, before the first message."""
        chat = Chat(Visit(request, services, "chat"))
        try:
            await chat.visit.open(place, token, sends=False)
            return await chat.show(None)
        except HeadraceError as error:
            return chat.visit.sorry(error)

    @post("/{place:path}", status_code=200)
    async def send(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], place: FromPath[Path],
        token: FromQuery[str] = "",
    ) -> Response[Any]:  # fmt: skip
        """A message, answered as it came: JSON by JSON, a page by a page."""
        chat = Chat(Visit(request, services, "chat"))
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            await chat.visit.open(place, token, sends=True)
            return closed(Response(ok(await chat.told(await request.body())), status_code=200))
        try:
            await chat.visit.open(place, token, sends=True)
            return await chat.sent(dict(await request.form()))
        except HeadraceError as error:
            return chat.visit.sorry(error)


class Chat:
    """A call of a chat, by a visitor who may see it."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self._of = visit, visit.services
        self._ids = chats.Conversations(visit.services.vault)

    async def told(self, body: bytes) -> Answer:
        """The answer for a program; the same Idempotency-Key within 24 hours gives the same one.

        Raises:
            DataError: the body is no message.
            HeadraceError: there is no answer.
        """
        try:
            given = msgspec.json.decode(body, type=MessageBody)
        except (msgspec.DecodeError, RecursionError):
            raise DataError('the body is no message; write it like {"message": "Hello"}') from None
        page, key = self.visit.page, self.visit.request.headers.get("idempotency-key", "")
        conversation = self._ids.known(page, given.conversation_id) if given.conversation_id else new_id()
        if given.conversation_id:
            await self._heard(conversation, page.config.history)
        delivery = "chat:" + sha256(f"{given.conversation_id}|{key}".encode()).hexdigest() if key else None
        made, answer = await self._say(given.message, conversation, delivery)
        conversation = made.conversation_id or conversation
        return Answer(conversation_id=self._ids.show(page, conversation), execution_id=made.execution_id, answer=answer)

    async def sent(self, given: dict[str, Any]) -> Response[str]:
        """The page with what was said, and what is wrong."""
        message, named = str(given.get("message", "")), str(given.get("conversation_id", ""))
        conversation = self._ids.known(self.visit.page, named) if named else new_id()
        delivery = self.visit.redeem(str(given.get(TICKET, "")))
        if delivery is None:
            return await self.show(conversation if named else None, message=message, problem=EXPIRED)
        if named:
            await self._heard(conversation, self.visit.page.config.history)
        try:
            made, _ = await self._say(message, conversation, delivery)
        except (Unanswered, AnswerLate) as error:
            return await self.show(conversation, problem=sentence(error), status=error.status)
        except DataError as error:
            return await self.show(conversation, message=message, problem=sentence(error))
        return await self.show(made.conversation_id or conversation)

    async def show(
        self, conversation: UUID | None, *, message: str = "", problem: str = "", status: int = 422
    ) -> Response[str]:
        """The page of a conversation; None has not begun."""
        page, said = self.visit.page, []
        if conversation:
            await self._heard(conversation, SHOWN_MAX)
            async with self._of.database.transaction(page.organization_id) as session:
                said = await chats.turns(session, page, conversation, limit=SHOWN_MAX)
        return self.visit.show(
            "hosted_chat.html", status=status if problem else 200, said=said, problem=problem, message=message,
            conversation=self._ids.show(page, conversation) if conversation else "", most=chats.MESSAGE_MAX,
        )  # fmt: skip

    async def _say(self, message: str, conversation: UUID, delivery: str | None) -> tuple[calls.Accepted, str]:
        page, of = self.visit.page, self._of
        made = await chats.say(
            of.database, of.flows, of.store, page, message=message, conversation_id=conversation, delivery_id=delivery,
            remote=self.visit.address, agent=self.visit.agent,
        )  # fmt: skip
        state = await answers.wait(
            of.database, of.bus, page.organization_id, made.execution_id, timeout_s=made.wait_s, respond=True
        )
        conversation = made.conversation_id or conversation
        named = self._ids.show(page, conversation)
        details = {"execution_id": made.execution_id, "status": state["status"], "conversation_id": named}
        rows: list[dict[str, Any]] = []
        if state["response"] is None:
            if state["status"] not in TERMINAL:
                raise AnswerLate(
                    f"the flow gave no answer within {made.wait_s:g} seconds and goes on; ask again later", **details
                )
            if state["status"] != "completed":
                raise Unanswered("the flow could not answer this message; try again later", **details)
            rows = (await last_rows(of, page.organization_id, *state["last"]))["rows"]
        answer = chats.answer_of(state["response"], rows)
        if not answer:
            raise Unanswered("the flow ended without an answer; let it end with a respond step", **details)
        await chats.answered(of.database, page, conversation, made.execution_id, answer)
        return made, answer

    async def _heard(self, conversation: UUID, limit: int) -> None:
        """Keep answers of last steps that came when nobody waited any more."""
        page, of = self.visit.page, self._of
        for execution_id, last in await chats.late(of.database, page, conversation, limit=limit):
            answer = chats.answer_of(None, (await last_rows(of, page.organization_id, *last))["rows"])
            await chats.answered(of.database, page, conversation, execution_id, answer)


unversioned = [ChatsController]
