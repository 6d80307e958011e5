"""An organization whose plan is opened and closed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from headrace.entitlements import counts
from headrace.infra.settings import Settings

from tests.tenancy.operations import Document
from tests.tenancy.requests import Requests
from tests.tenancy.things import side_of
from tests.tenancy.world import Side, Site

OVERRIDE = sa.text("""
INSERT INTO feature_overrides (organization_id, kind, key, enabled, value) VALUES (:o, :kind, :key, :enabled, :value)
""")


class House(Requests):
    """One organization on the site, without limits until `close`."""

    def __init__(self, site: Site, settings: Settings, document: Document, side: Side) -> None:
        super().__init__(site, document, side)
        self.settings = settings

    async def counted(self) -> dict[str, int]:
        """How much there is of everything that a plan limits; people who are invited count, as they are promised."""
        async with self.site.services.database.transaction(self.side.organization_id) as session:
            found = {key: await counts.used(session, key, self.side.organization_id) for key in counts.COUNTED}
            found["users"] += await counts.promised(session, self.side.organization_id)
        return found

    async def close(self, kind: str, key: str) -> None:
        """No more of a limit's things, or no such feature, whatever the plan says."""
        said = {"enabled": False, "value": None} if kind == "feature" else {"enabled": None, "value": 0}
        await self.do(OVERRIDE, {"o": self.side.organization_id, "kind": kind, "key": key, **said})

    async def open(self) -> None:
        """As the plan says again: everything, without limits."""
        await self.do(sa.text("DELETE FROM feature_overrides"), {})

    async def do(self, statement: sa.TextClause, values: dict[str, Any]) -> None:
        """A statement as the organization."""
        async with self.site.services.database.transaction(self.side.organization_id) as session:
            await session.execute(statement, values)


async def housed(site: Site, settings: Settings) -> House:
    """An organization with one of everything."""
    return House(site, settings, Document(site.app), await side_of(site, "gated"))
