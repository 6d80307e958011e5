"""The rows of a directory as resources of SCIM. The session is the request's transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import Directory
from scim2_models import (
    NotFoundException,
    NotImplementedException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimFilter,
    SearchRequest,
    TooManyException,
)
from scim2_models.path import CompareOperator, Comparison
from scim2_server.storage import AsyncScimStorage, SearchPage
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_plugin_scim.groups import Groups
from headrace_plugin_scim.kinds import Kind
from headrace_plugin_scim.people import People

PAGE_MAX = 200
LOOKED_THROUGH_MAX = 10_000
"""So many are looked through for a filter, or sorted, that the database does not answer by an index."""


class DirectoryStorage(AsyncScimStorage):
    """People and groups of one directory."""

    def __init__(self, session: AsyncSession, directory: Directory) -> None:
        self.session = session
        self.kinds: dict[str | None, Kind] = {
            "User": People(session, directory), "Group": Groups(session, directory)
        }  # fmt: skip

    async def get(
        self, resource_type: ResourceType, resource_id: str, *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:  # fmt: skip
        """One of them."""
        return await self.kinds[resource_type.name].get(_id(resource_type, resource_id))

    async def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        """A page: by the database where it can tell, else by looking through all."""
        if len(resource_types) != 1:
            raise NotImplementedException(detail="search below /Users or /Groups, not both at once")
        kind = self.kinds[resource_types[0].name]
        start, count = search_request.start_index_0 or 0, search_request.count
        count = PAGE_MAX if count is None else count
        wanted: ScimFilter[Any] | None = search_request.filter
        told = _equality(kind, wanted)
        query = kind.query() if told is None else kind.query().where(told)
        total = await self.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        if (wanted is None or told is not None) and search_request.sort_by is None:
            return SearchPage(total, await kind.load(query.limit(count).offset(start)))
        if total > LOOKED_THROUGH_MAX:
            raise TooManyException(detail=f"there are more than {LOOKED_THROUGH_MAX}; filter by one attribute with eq")
        found = [one for one in await kind.load(query) if wanted is None or wanted.match(one)]
        if search_request.sort_by is not None:
            descending = search_request.sort_order == SearchRequest.SortOrder.descending
            found.sort(key=lambda one: _sort_key(search_request.sort_value(one)), reverse=descending)
        return SearchPage(len(found), found[start : start + count])

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """A new one."""
        return await self.kinds[resource_type.name].create(resource)

    async def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        """One as it shall be."""
        kind = self.kinds[resource_type.name]
        id_ = _id(resource_type, resource.id or "")
        await self._as_expected(kind, id_, expected_version)
        return await kind.update(id_, resource)

    async def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        """Away with it."""
        kind = self.kinds[resource_type.name]
        id_ = _id(resource_type, resource_id)
        await self._as_expected(kind, id_, expected_version)
        await kind.delete(id_)

    async def _as_expected(self, kind: Kind, id_: UUID, version: str | None) -> None:
        present = await kind.get(id_, lock=True)
        if version is not None and (present.meta is None or present.meta.version != version):
            raise PreconditionFailedException


def _id(resource_type: ResourceType, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundException(detail=f"there is no {resource_type.name} '{text}' of this directory") from None


def _equality(kind: Kind, wanted: ScimFilter[Any] | None) -> sa.ColumnElement[bool] | None:
    """The condition of a filter that compares one attribute of which the database has an index."""
    node = wanted.ast if wanted is not None else None
    if wanted is None or not isinstance(node, Comparison) or node.op != CompareOperator.eq:
        return None
    binding = wanted.resolve_comparison(node.attr_path, strict=False)
    if binding is None or not isinstance(node.value, str):
        return None
    return kind.equal(binding.urn.rpartition(":")[2], node.value)


def _sort_key(value: Any) -> tuple[bool, Any]:
    return value is None, "" if value is None else value
