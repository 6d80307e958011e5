"""Letters: what an account has to be told where only its owner reads it. The outbox of mail.

A letter says for whom and about what, nothing secret. Its one-time link is made when it is opened: by the mailer, or,
where no mail server is configured, by an admin who asks. So asking for a letter costs the same whether or not there is
an account, and no copy of the database opens one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.letter_texts import TEXTS
from headrace.accounts.models import Invitation, Letter, Organization, User
from headrace.accounts.tokens import digest
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id, new_token
from headrace.sdk.errors import NotFound, Unauthenticated

Kind = Literal["reset_password", "register", "invitation", "notice"]
LIFETIMES = {"reset_password": timedelta(minutes=15), "register": timedelta(hours=24)}
PATHS = {"reset_password": "/reset-password", "register": "/register", "invitation": "/invitation"}
ATTEMPTS_MAX = 10
_RETRY = timedelta(seconds=60)
_DEAD = "the link is not valid any more; ask for a new one"

_TAKE = sa.text("""
SELECT id FROM letters WHERE status = 'queued' AND due_at <= :now AND created_at > :since
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_FORGET = sa.text("""
DELETE FROM letters WHERE id IN (SELECT id FROM letters WHERE created_at < :before LIMIT 500 FOR UPDATE SKIP LOCKED)
""")


class Opened(Struct, frozen=True, kw_only=True):
    """A letter ready to be read; `link` is in the text too, and empty when there is nothing to do."""

    letter_id: UUID
    recipient: str
    subject: str
    text: str
    link: str

    def __repr__(self) -> str:
        return f"Opened({self.letter_id})"


async def write(session: AsyncSession, kind: Kind, recipient: str, **data: Any) -> Letter:
    """Queue a letter; it is sent after the commit."""
    letter = Letter(id=new_id(), kind=kind, recipient=recipient.strip(), data=data, due_at=now())
    session.add(letter)
    await session.flush()
    return letter


async def open_letter(session: AsyncSession, letter_id: UUID, base_url: str, *, mailed: bool = False) -> Opened | None:
    """Make the link; one made before is void. None when there is nobody to tell, or nothing any more.

    Only a link that is `mailed` shows later that whoever has it reads the address.

    Raises:
        NotFound: there is no such letter, or its link was used.
    """
    letter = await session.get(Letter, letter_id, with_for_update=True)
    if letter is None or letter.used_at is not None:
        raise NotFound("there is no such letter, or its link was used")
    told = await _addressee(session, letter)
    if told is None:
        letter.status, letter.token_hash = "void", None
        await session.flush()
        return None
    about, expires_at, recipient = told
    letter.data = {**letter.data, "mailed": mailed}
    link = f"{base_url}/login"
    if expires_at is not None:
        token = new_token("hrl_")
        letter.token_hash, letter.expires_at = digest(token), expires_at
        link = f"{base_url}{PATHS[letter.kind]}#{token}"
    await session.flush()
    subject, text = TEXTS[about]
    words = {"link": link, **{name: str(value) for name, value in letter.data.items()}}
    return Opened(
        letter_id=letter.id, recipient=recipient, subject=subject.format(**words), text=text.format(**words),
        link=link,
    )  # fmt: skip


async def _addressee(session: AsyncSession, letter: Letter) -> tuple[str, Any, str] | None:
    """Which text, until when its link is good (None: no link), and for which address; None: there is nobody to tell.

    An account's letter goes to its own address: what somebody has typed may be another one that only looks the same.
    """
    if letter.kind == "invitation":
        organization_id = UUID(letter.data["organization_id"])
        await set_tenant(session, organization_id)
        invitation = await session.get(Invitation, (organization_id, UUID(letter.data["invitation_id"])))
        if invitation is None or invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= now():
            return None
        organization = await session.get_one(Organization, organization_id)
        letter.data = {**letter.data, "organization": organization.name}
        return "invitation", invitation.expires_at, letter.recipient
    if letter.kind == "notice":
        return "notice", None, letter.recipient
    query = sa.select(User).where(sa.func.lower(User.email) == letter.recipient.lower(), User.kind == "person")
    user = await session.scalar(query)
    until = now() + LIFETIMES[letter.kind]
    if letter.kind == "register":
        return ("has_account", None, user.email) if user else ("register", until, letter.recipient)
    if user is None or not user.is_active:
        return None
    letter.data = {**letter.data, "user_id": str(user.id)}
    return "reset_password", until, user.email


async def redeem(session: AsyncSession, kind: Kind, token: object) -> Letter:
    """The letter whose link this is; it is used from this transaction's commit on.

    Raises:
        Unauthenticated: wrong, used, too old, or of another kind; one and the same answer.
    """
    if not isinstance(token, str) or not token:
        raise Unauthenticated(_DEAD)
    query = sa.select(Letter).where(Letter.token_hash == digest(token)).with_for_update()
    letter = await session.scalar(query)
    if letter is None or letter.kind != kind or letter.used_at is not None or letter.expires_at is None:
        raise Unauthenticated(_DEAD)
    if letter.expires_at <= now():
        raise Unauthenticated(_DEAD)
    letter.used_at = now()
    await session.flush()
    return letter


async def list_letters(session: AsyncSession, *, limit: int, offset: int) -> tuple[Sequence[Letter], int]:
    """Letters, newest first, and how many there are; for platform admins."""
    total = await session.scalar(sa.select(sa.func.count()).select_from(Letter))
    rows = await session.scalars(sa.select(Letter).order_by(Letter.created_at.desc()).limit(limit).offset(offset))
    return rows.all(), total or 0


async def take(session: AsyncSession, base_url: str) -> Opened | bool:
    """The next letter to send, opened and put off in case the sending dies; else whether to ask again at once."""
    since = now() - timedelta(days=1)
    letter_id = await session.scalar(_TAKE, {"now": now(), "since": since})
    if letter_id is None:
        await session.execute(_FORGET, {"before": now() - timedelta(days=30)})
        return False
    letter = await session.get_one(Letter, letter_id)
    letter.attempts += 1
    letter.due_at = now() + _RETRY * 2 ** min(letter.attempts - 1, 5)
    return await open_letter(session, letter_id, base_url, mailed=True) or True


async def settle(session: AsyncSession, letter_id: UUID, *, error: str = "", for_good: bool = False) -> None:
    """Note how the sending went; a failure is tried again, up to 10 times, unless it is for good."""
    letter = await session.get_one(Letter, letter_id, with_for_update=True)
    letter.error = error
    if not error:
        letter.status, letter.sent_at = "sent", now()
    elif for_good or letter.attempts >= ATTEMPTS_MAX:
        letter.status = "failed"
    await session.flush()
