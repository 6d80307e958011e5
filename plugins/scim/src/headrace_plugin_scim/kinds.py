"""What `storage` asks of people and of groups alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import Directory
from scim2_models import Meta, Resource
from sqlalchemy.ext.asyncio import AsyncSession


class Kind(ABC):
    """A kind of resource of one directory."""

    def __init__(self, session: AsyncSession, directory: Directory) -> None:
        self.session, self.directory = session, directory

    @abstractmethod
    def query(self) -> sa.Select[Any, Any]:
        """All of them, in a fixed order."""

    @abstractmethod
    def equal(self, attribute: str, value: str) -> sa.ColumnElement[bool] | None:
        """The condition that an attribute has this value; None for what only the resource itself tells."""

    @abstractmethod
    async def load(self, query: sa.Select[Any, Any]) -> list[Resource[Any]]:
        """Those of a query."""

    @abstractmethod
    async def get(self, id_: UUID, *, lock: bool = False) -> Resource[Any]:
        """One of them."""

    @abstractmethod
    async def create(self, resource: Resource[Any]) -> Resource[Any]:
        """A new one."""

    @abstractmethod
    async def update(self, id_: UUID, resource: Resource[Any]) -> Resource[Any]:
        """One as it shall be."""

    @abstractmethod
    async def delete(self, id_: UUID) -> None:
        """Away with it."""


def about(kind: str, created: datetime, changed: datetime, *versions: int) -> Meta:
    """What a resource says of itself."""
    version = f'W/"{".".join(map(str, versions))}"'
    return Meta(resource_type=kind, created=created, last_modified=changed, version=version)
