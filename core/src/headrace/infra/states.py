"""Small facts of the whole installation: which plugins are off, which organization is the first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.clock import now
from headrace.infra.models import Base, Timed

SWITCHED = "headrace_switched"
"""The channel on which processes hear, after the commit, that something of the installation was switched."""
_TELL = sa.text("SELECT pg_notify(:channel, :what)")


class InstanceState(Timed, Base):
    """One fact."""

    __tablename__ = "instance_state"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)


class PluginState(Timed, Base):
    """Whether an admin switched a plugin off; no row means on."""

    __tablename__ = "plugin_states"

    plugin_id: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool] = mapped_column(server_default=sa.true())
    changed_by: Mapped[UUID | None]


async def get_state(session: AsyncSession, key: str) -> Any:
    """The fact, or None."""
    return await session.scalar(sa.select(InstanceState.value).where(InstanceState.key == key))


async def set_state(session: AsyncSession, key: str, value: Any) -> None:
    """Store a fact."""
    row = insert(InstanceState).values(key=key, value=value, created_at=now(), updated_at=now())
    await session.execute(
        row.on_conflict_do_update(index_elements=["key"], set_={"value": row.excluded.value, "updated_at": now()})
    )


async def disabled_plugins(session: AsyncSession) -> frozenset[str]:
    """Distributions that are switched off."""
    query = sa.select(PluginState.plugin_id).where(PluginState.enabled.is_(False))
    return frozenset((await session.scalars(query)).all())


async def switch_plugin(session: AsyncSession, plugin_id: str, *, enabled: bool, by: UUID | None) -> None:
    """Switch a plugin on or off; every process follows within seconds (`plugins.follow`)."""
    values = {"enabled": enabled, "changed_by": by, "updated_at": now()}
    row = insert(PluginState).values(plugin_id=plugin_id, created_at=now(), **values)
    await session.execute(row.on_conflict_do_update(index_elements=["plugin_id"], set_=values))
    await session.execute(_TELL, {"channel": SWITCHED, "what": plugin_id})
