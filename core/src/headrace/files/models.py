"""The table of files; contents are in the object store."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import TenantModel


class StoredFile(TenantModel):
    """A file of a bucket.

    Attributes:
        status: `pending` until its content is there, then `ready`.
        object_key: Of the content, below the organization's prefix; each upload has its own.
        sha256: Of the content, in hexadecimal.
    """

    __tablename__ = "files"

    bucket: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    content_type: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    sha256: Mapped[str | None]
    object_key: Mapped[str | None]
    uploaded_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]
