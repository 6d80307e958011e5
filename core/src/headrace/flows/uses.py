"""Which flows use what."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections.models import Connection
from headrace.flows.models import Flow, FlowData
from headrace.sdk.errors import Conflict

_CONNECTIONS: sa.ColumnElement[str] = sa.literal_column("'$.nodes[*].data.config.connection ? (@ == $name)'::jsonpath")


async def users_of(session: AsyncSession, row: Connection, *also: sa.ColumnElement[bool]) -> list[tuple[UUID, str]]:
    """Ids and names of the live flows whose canvas uses a connection, by its name or id; `also` narrows them."""
    uses = [
        sa.func.jsonb_path_exists(FlowData.definition, _CONNECTIONS, sa.func.jsonb_build_object("name", text))
        for text in (row.name, str(row.id))
    ]
    query = (
        sa.select(Flow.id, Flow.name)
        .join(FlowData, sa.and_(FlowData.organization_id == Flow.organization_id, FlowData.flow_id == Flow.id))
        .where(Flow.organization_id == row.organization_id, Flow.deleted_at.is_(None), sa.or_(*uses), *also)
    )
    return [(found.id, found.name) for found in await session.execute(query.order_by(Flow.name))]


async def refuse_used(session: AsyncSession, row: Connection) -> None:
    """Refuse to take a connection away from the flows that use it.

    Raises:
        Conflict: naming the first of them.
    """
    users = [name for _, name in await users_of(session, row)]
    if users:
        raise Conflict(
            f"the connection '{row.name}' is used by {', '.join(users[:5])}; change these flows first, or force it",
            flows=users,
        )
