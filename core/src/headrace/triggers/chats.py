"""Chats: conversations whose ids are signed, what was said in them, and the execution that each message starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections.service import Vault
from headrace.executions.service import NodeOutput
from headrace.infra.database import Database
from headrace.infra.store import Store
from headrace.sdk.errors import DataError, HeadraceError
from headrace.triggers import calls
from headrace.triggers.answers import last
from headrace.triggers.hosted import Hosted, Signs
from headrace.triggers.models import Trigger
from headrace.triggers.starting import Preparer

MESSAGE_MAX, ANSWER_MAX, HISTORY_MAX = 8_000, 20_000, 64_000
"""Characters of a message, of an answer, and of the history that a flow is given; older turns are left out."""
_TURNS = sa.text("""
SELECT c.body, c.answer, x.response FROM webhook_calls c
LEFT JOIN executions x ON x.organization_id = c.organization_id AND x.id = c.execution_id
WHERE c.organization_id = :organization_id AND c.trigger_id = :trigger_id AND c.conversation_id = :conversation_id
  AND c.outcome IN ('accepted', 'duplicate') ORDER BY c.created_at DESC, c.id DESC LIMIT :limit
""")
_LATE = sa.text("""
SELECT x.id AS execution_id, x.flow_id, x.output_data FROM webhook_calls c
JOIN executions x ON x.organization_id = c.organization_id AND x.id = c.execution_id
WHERE c.organization_id = :organization_id AND c.trigger_id = :trigger_id AND c.conversation_id = :conversation_id
  AND c.outcome = 'accepted' AND c.answer IS NULL AND x.response IS NULL AND x.status = 'completed'
ORDER BY c.created_at DESC, c.id DESC LIMIT :limit
""")
_ANSWERED = sa.text("""
UPDATE webhook_calls SET answer = :answer WHERE organization_id = :organization_id AND trigger_id = :trigger_id
  AND conversation_id = :conversation_id AND execution_id = :execution_id AND answer IS NULL
""")


class Turn(Struct, frozen=True):
    """Something that was said."""

    role: Literal["user", "assistant"]
    content: str


class Conversations:
    """Ids of conversations as visitors carry them: of one chat, and not to be guessed."""

    def __init__(self, vault: Vault) -> None:
        self._signs = Signs(vault, "chats")

    def show(self, chat: Hosted, conversation_id: UUID) -> str:
        """The id, signed."""
        return f"{conversation_id.hex}.{self._signs.sign(_named(chat, conversation_id.hex))}"

    def known(self, chat: Hosted, text: str) -> UUID:
        """The conversation of a signed id.

        Raises:
            DataError: it is none of this chat.
        """
        named, _, mark = text.partition(".")
        if not self._signs.right(_named(chat, named), mark):
            raise DataError(
                "this conversation is not known here; leave its id out to begin a new one", field="conversation_id"
            )
        return UUID(named)


def _named(chat: Hosted, conversation: str) -> str:
    return f"{chat.organization_id}|{chat.trigger_id}|{conversation}"


async def say(
    database: Database, flows: Preparer, store: Store, chat: Hosted, *, message: str, conversation_id: UUID,
    delivery_id: str | None, remote: str = "", agent: str = "",
) -> calls.Accepted:  # fmt: skip
    """Start the flow with a message and what was said before; committed when this returns.

    Raises:
        DataError: the message is empty or too long.
        HeadraceError: the flow cannot be started now, or too many of its executions are open.
    """
    message = message.replace("\r\n", "\n").strip()
    if not message or "\x00" in message:
        raise DataError("the message is empty, or has a character that cannot be stored; write a text", field="message")
    if len(message) > MESSAGE_MAX:
        raise DataError(f"the message is longer than {MESSAGE_MAX:,} characters; shorten it", field="message")
    call = calls.Call(
        place="", method="POST", headers={"content-type": "application/json", "user-agent": agent},
        body=msgspec.json.encode({"message": message}), remote=remote,
    )  # fmt: skip
    async with database.transaction(chat.organization_id) as session:
        row = await session.get_one(Trigger, (chat.organization_id, chat.trigger_id))
        history = fitting(await turns(session, chat, conversation_id, limit=chat.config.history))
        said = {"message": message, "conversation_id": str(conversation_id), "history": msgspec.to_builtins(history)}
        outcome = await calls.take(
            session, flows, store, row, call, {"rows": [said], "chat": {"remote": remote}}, delivery_id=delivery_id,
            response="respond_node", wait_s=chat.config.wait_seconds, conversation_id=conversation_id,
        )  # fmt: skip
    if isinstance(outcome, HeadraceError):
        raise outcome
    return outcome


async def turns(session: AsyncSession, chat: Hosted, conversation_id: UUID, *, limit: int) -> list[Turn]:
    """The last messages of a conversation and their answers, oldest first."""
    where = {**_of(chat, conversation_id), "limit": limit}
    found: list[Turn] = []
    for row in reversed((await session.execute(_TURNS, where)).all()):
        found.append(Turn("user", msgspec.json.decode(row.body)["message"]))
        answer = row.answer or (row.response and answer_of(row.response, ()))  # it may have come when nobody waited
        found += [Turn("assistant", answer)] if answer else []
    return found


async def late(
    database: Database, chat: Hosted, conversation_id: UUID, *, limit: int
) -> list[tuple[UUID, tuple[NodeOutput | None, str]]]:
    """Executions without a respond step that have ended since nobody waits for them, and what their last steps gave."""
    async with database.transaction(chat.organization_id) as session:
        rows = (await session.execute(_LATE, {**_of(chat, conversation_id), "limit": limit})).mappings().all()
        organization_id = chat.organization_id
        return [
            (row["execution_id"], await last(session, organization_id, row["execution_id"], dict(row))) for row in rows
        ]


async def answered(database: Database, chat: Hosted, conversation_id: UUID, execution_id: UUID, answer: str) -> None:
    """Keep an answer, as the first one said it; an empty one says that there is none to come."""
    where = {**_of(chat, conversation_id), "execution_id": execution_id, "answer": answer}
    async with database.transaction(chat.organization_id) as session:
        await session.execute(_ANSWERED, where)


def _of(chat: Hosted, conversation_id: UUID) -> dict[str, Any]:
    return {
        "organization_id": chat.organization_id, "trigger_id": chat.trigger_id, "conversation_id": conversation_id,
    }  # fmt: skip


def fitting(said: Sequence[Turn]) -> list[Turn]:
    """The newest turns that have room in what a flow is given."""
    kept, room = list(said), HISTORY_MAX
    for number in range(len(kept) - 1, -1, -1):
        room -= len(kept[number].content)
        if room < 0:
            return kept[number + 1 :]
    return kept


def answer_of(response: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]) -> str:
    """What a flow answers, as text: of its respond step, else of its last step's rows; empty when it says nothing."""
    value: Any = rows
    if response is not None:
        value = response.get("body", "")
        kind = {name.lower(): text for name, text in (response.get("headers") or {}).items()}.get("content-type", "")
        if isinstance(value, str) and "json" in str(kind):
            with suppress(msgspec.DecodeError):  # then it is a text all the same
                value = msgspec.json.decode(value)
    return _text(value).strip()[:ANSWER_MAX]


def _text(value: Any) -> str:
    """A text as it is; of an object its `answer` or its only field; a line for each of a list."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping):
        if "answer" in value or len(value) == 1:
            return _text(value.get("answer", next(iter(value.values()))))
    elif isinstance(value, Sequence):
        return "\n".join(_text(one) for one in value)
    return msgspec.json.encode(value).decode()
