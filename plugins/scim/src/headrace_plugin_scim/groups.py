"""Groups of SCIM: groups of the organization that the directory keeps. Groups in groups are not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import DirectoryGroup, DirectoryPerson
from headrace.feature import directory_groups as groups
from scim2_models import Group, InvalidValueException, Resource

from headrace_plugin_scim.kinds import Kind, about


class Groups(Kind):
    """Groups."""

    def query(self) -> sa.Select[Any, Any]:
        """All of them, in a fixed order."""
        return groups.groups_of(self.directory).order_by(DirectoryGroup.id)

    def equal(self, attribute: str, value: str) -> sa.ColumnElement[bool] | None:
        """Of `displayName` and `externalId`."""
        if attribute == "displayName":
            return groups.named(value)
        return DirectoryGroup.external_id == value if attribute == "externalId" else None

    async def load(self, query: sa.Select[Any, Any]) -> list[Resource[Any]]:
        """Those of a query."""
        teams = [groups.Team(*found) for found in await self.session.execute(query)]
        inside = await groups.members_of(self.session, self.directory, [team.row.id for team in teams])
        return [_shown(team, inside[team.row.id]) for team in teams]

    async def get(self, id_: UUID, *, lock: bool = False) -> Resource[Any]:
        """One of them."""
        return await self._one(await groups.find_group(self.session, self.directory, id_, lock=lock))

    async def create(self, resource: Resource[Any]) -> Resource[Any]:
        """A new one."""
        return await self._one(await groups.add_group(self.session, self.directory, **_said(resource)))

    async def update(self, id_: UUID, resource: Resource[Any]) -> Resource[Any]:
        """One as it shall be."""
        team = await groups.find_group(self.session, self.directory, id_)
        await groups.change_group(self.session, self.directory, team, **_said(resource))
        return await self._one(team)

    async def delete(self, id_: UUID) -> None:
        """Away with it."""
        team = await groups.find_group(self.session, self.directory, id_)
        await groups.remove_group(self.session, self.directory, team)

    async def _one(self, team: groups.Team) -> Resource[Any]:
        inside = await groups.members_of(self.session, self.directory, [team.row.id])
        return _shown(team, inside[team.row.id])


def _shown(team: groups.Team, members: Sequence[DirectoryPerson]) -> Resource[Any]:
    row, group = team.row, team.group
    return Group.model_validate({
        "id": str(row.id), "externalId": row.external_id, "displayName": group.name,
        "members": [
            {"value": str(one.id), "$ref": f"Users/{one.id}", "type": "User", "display": one.user_name}
            for one in members
        ] or None,
        "meta": about(
            "Group", row.created_at, max(row.updated_at, group.updated_at), row.row_version, group.row_version
        ),
    })  # fmt: skip


def _said(resource: Resource[Any]) -> dict[str, Any]:
    if not isinstance(resource, Group):
        raise TypeError(f"{type(resource).__name__} is no group")
    members = []
    for one in resource.members or []:
        try:
            members.append(UUID(one.value or ""))
        except ValueError:
            raise InvalidValueException(detail=f"there is no user '{one.value}' of this directory") from None
    return {"name": resource.display_name or "", "external_id": resource.external_id, "members": members}
