"""What the owners of an organization have to know: a letter to each, and a word on the pages they have open."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import letters

_OWNERS = sa.text("""
SELECT u.id, u.email, o.name FROM memberships m JOIN users u ON u.id = m.user_id JOIN organizations o ON o.id = :id
WHERE m.organization_id = :id AND m.role = 'owner' AND m.is_active AND u.is_active AND u.kind = 'person'
  AND o.status = 'active' ORDER BY u.id
""")
_TELL = sa.text("SELECT pg_notify('headrace_people', :said)")


async def tell_owners(session: AsyncSession, organization_id: UUID, about: str, sentence: str, **data: Any) -> int:
    """With the commit; returns how many are told. `data` is for pages: names and numbers, nothing secret."""
    rows = (await session.execute(_OWNERS, {"id": organization_id})).all()
    for user_id, email, name in rows:
        await letters.write(session, "notice", email, organization=name, sentence=sentence)
        said = {"user_id": user_id, "organization_id": organization_id, "about": about, "sentence": sentence, **data}
        await session.execute(_TELL, {"said": msgspec.json.encode(said).decode()})
    return len(rows)
