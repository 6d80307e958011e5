"""Declarative base: ids, times, the organization in every key, and the version of a row.

SQLAlchemy's own base is used: importing the one of advanced-alchemy adds 0.4 s to the start of every process.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from headrace.infra.clock import now
from headrace.infra.ids import new_id


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        UUID: sa.Uuid(),
        datetime: sa.DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: JSONB(),
        str: sa.Text(),
        bytes: sa.LargeBinary(),
    }


class Timed:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(default=now, server_default=sa.func.now())
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now, server_default=sa.func.now())


class Versioned:
    """`row_version`: bumped by each change through the ORM; a stale one raises StaleDataError."""

    row_version: Mapped[int] = mapped_column(server_default="1", nullable=False)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.row_version}  # type: ignore[attr-defined]


class GlobalModel(Timed, Base):
    """A row that belongs to no organization. Such tables are on a list in the tests."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class TenantModel(Versioned, Timed, Base):
    """A row of one organization: primary key `(organization_id, id)`, under row-level security.

    Reference another one with `tenant_key("folder_id", "folders")`, so that no reference crosses organizations.
    """

    __abstract__ = True

    organization_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


def tenant_key(column: str, table: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """Foreign key `(organization_id, column)` to `table`."""
    return sa.ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )
