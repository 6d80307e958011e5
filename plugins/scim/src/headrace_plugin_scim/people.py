"""Users of SCIM: members whom the directory tells of. All that it says is kept in its own words, but a password."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import DirectoryPerson
from headrace.feature import directory as people
from scim2_models import EnterpriseUser, Resource, User

from headrace_plugin_scim.kinds import Kind, about

MODEL = User[EnterpriseUser]
_OURS = frozenset({"id", "meta", "externalId", "userName", "active", "password", "groups"})
"""Attributes that we know better, or must not keep."""


class People(Kind):
    """Users."""

    def query(self) -> sa.Select[Any, Any]:
        """All of them, in a fixed order."""
        return people.people_of(self.directory).order_by(DirectoryPerson.id)

    def equal(self, attribute: str, value: str) -> sa.ColumnElement[bool] | None:
        """Of `userName` and `externalId`."""
        if attribute == "userName":
            return sa.func.lower(DirectoryPerson.user_name) == value.lower()
        return DirectoryPerson.external_id == value if attribute == "externalId" else None

    async def load(self, query: sa.Select[Any, Any]) -> list[Resource[Any]]:
        """Those of a query."""
        return [_shown(people.Person(*found)) for found in await self.session.execute(query)]

    async def get(self, id_: UUID, *, lock: bool = False) -> Resource[Any]:
        """One of them."""
        return _shown(await people.find_person(self.session, self.directory, id_, lock=lock))

    async def create(self, resource: Resource[Any]) -> Resource[Any]:
        """A new one; nobody says that they are not active, so they are."""
        return _shown(await people.add_person(self.session, self.directory, _said(resource)))

    async def update(self, id_: UUID, resource: Resource[Any]) -> Resource[Any]:
        """One as it shall be."""
        person = await people.find_person(self.session, self.directory, id_)
        await people.change_person(self.session, self.directory, person, _said(resource))
        return _shown(person)

    async def delete(self, id_: UUID) -> None:
        """Away with them."""
        person = await people.find_person(self.session, self.directory, id_)
        await people.remove_person(self.session, self.directory, person)


def _shown(person: people.Person) -> Resource[Any]:
    row, membership = person.row, person.membership
    return MODEL.model_validate({
        **row.attributes, "id": str(row.id), "userName": row.user_name, "externalId": row.external_id,
        "active": membership.is_active,
        "meta": about(
            "User", row.created_at, max(row.updated_at, membership.updated_at), row.row_version, membership.row_version
        ),
    })  # fmt: skip


def _said(resource: Resource[Any]) -> people.Said:
    if not isinstance(resource, User):
        raise TypeError(f"{type(resource).__name__} is no user")
    kept = {name: value for name, value in resource.model_dump().items() if name not in _OURS}
    name = resource.display_name or ""
    if not name and resource.name is not None:
        parts = (resource.name.given_name, resource.name.family_name)
        name = resource.name.formatted or " ".join(part for part in parts if part)
    return people.Said(
        user_name=resource.user_name or "", email=_email(resource), name=name.strip(), external_id=resource.external_id,
        attributes=kept, active=resource.active,
    )  # fmt: skip


def _email(user: User[Any]) -> str:
    """The primary address, else the first; most directories make it the userName as well."""
    each = [one for one in user.emails or [] if one.value]
    chosen = next((one for one in each if one.primary), each[0] if each else None)
    return (chosen.value if chosen is not None else user.user_name) or ""
