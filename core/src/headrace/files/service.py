"""Files: the only door to their table. Nothing commits here; contents are moved by `transfer`."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.permissions import Actor
from headrace.entitlements import counts
from headrace.entitlements.service import limit_of, reserve
from headrace.files.buckets import BUCKETS
from headrace.files.kinds import TooLarge, Watch, ending, kind_of
from headrace.files.models import StoredFile
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, LimitReached, NotFound, PreconditionFailed

STORAGE = "storage_bytes"
_DAYS = sa.text("""
SELECT settings -> 'retention' FROM organizations WHERE id = :organization_id
""")


async def create(
    session: AsyncSession, actor: Actor, *, bucket: str, name: str, most_bytes: int, description: str = "",
    size_bytes: int | None = None,
) -> StoredFile:  # fmt: skip
    """Announce a file; its content comes by a signed address.

    Raises:
        ConfigError: its name is none, or of a kind that the bucket does not take.
        TooLarge, LimitReached: there is no room for `size_bytes`, if that is told.
    """
    _of_bucket(actor, bucket)
    kind = kind_of(checked_file_name(name), BUCKETS[bucket].kinds)
    if size_bytes is not None:
        if size_bytes > most_bytes:
            raise TooLarge(f"a file may have {most_bytes:,} bytes, this one has {size_bytes:,}; send it in parts",
                           max=most_bytes)  # fmt: skip
        await reserve(session, STORAGE, organization_id=actor.organization_id, more=size_bytes)
    row = StoredFile(
        organization_id=actor.organization_id, bucket=bucket, name=name, description=description,
        content_type=kind.media_type, created_by=actor.user_id, updated_by=actor.user_id,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def get(session: AsyncSession, actor: Actor, file_id: UUID, *, deleted: bool = False) -> StoredFile:
    """A file.

    Raises:
        NotFound: there is none, it is in the trash (or, with `deleted`, is not), or it is not theirs to see.
    """
    row = await session.get(StoredFile, (actor.organization_id, file_id))
    if row is None or (row.deleted_at is not None) != deleted or _hidden(actor, row.bucket):
        raise NotFound("there is no such file", resource="file")
    return row


async def list_(
    session: AsyncSession, actor: Actor, *, bucket: str | None = None, q: str = "", deleted: bool = False,
    limit: int = 20, offset: int = 0,
) -> tuple[Sequence[StoredFile], int]:  # fmt: skip
    """Files that the actor may see, the latest first, and how many there are."""
    gone = StoredFile.deleted_at.is_not(None) if deleted else StoredFile.deleted_at.is_(None)
    seen = [key for key in BUCKETS if not _hidden(actor, key) and bucket in {None, key}]
    query = sa.select(StoredFile).where(
        StoredFile.organization_id == actor.organization_id, gone, StoredFile.bucket.in_(seen)
    )
    if q:
        query = query.where(StoredFile.name.icontains(q, autoescape=True))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(
        query.order_by(StoredFile.created_at.desc(), StoredFile.id.desc()).limit(limit).offset(offset)
    )
    return rows.all(), total or 0


async def update(
    session: AsyncSession, actor: Actor, file_id: UUID, changes: Mapping[str, Any], base: int
) -> StoredFile:  # fmt: skip
    """Rename or describe a file.

    Raises:
        PreconditionFailed: it has changed since `base`.
        ConfigError: the new name says another kind.
    """
    row = await get(session, actor, file_id)
    if row.row_version != base:
        raise PreconditionFailed("this file was changed meanwhile; load it again", current=row.row_version)
    if "name" in changes:
        kind = kind_of(checked_file_name(changes["name"]), BUCKETS[row.bucket].kinds)
        if kind.media_type != row.content_type:
            raise ConfigError(
                f"'{row.name}' cannot become a '.{ending(changes['name'])}': its content stays; keep the end of its "
                "name",
                field="name",
            )  # fmt: skip
        row.name = changes["name"]
    row.description = changes.get("description", row.description)
    row.updated_by, row.updated_at = actor.user_id, now()
    await session.flush()
    return row


async def delete(session: AsyncSession, actor: Actor, file_id: UUID) -> StoredFile:
    """Move a file to the trash; signed addresses of it end with that."""
    row = await get(session, actor, file_id)
    row.deleted_at, row.updated_by = now(), actor.user_id
    await session.flush()
    return row


async def restore(session: AsyncSession, actor: Actor, file_id: UUID) -> StoredFile:
    """Bring back a file from the trash.

    Raises:
        NotFound: it is not there.
    """
    row = await get(session, actor, file_id, deleted=True)
    row.deleted_at, row.updated_by = None, actor.user_id
    await session.flush()
    return row


async def to_take(session: AsyncSession, organization_id: UUID, file_id: UUID) -> StoredFile:
    """The file whose content is wanted, by whoever holds a signed address.

    Raises:
        NotFound: it is deleted.
        Conflict: it has no content yet.
    """
    row = await _there(session, organization_id, file_id)
    if row.status != "ready":
        raise Conflict("this file has no content yet; send it first")
    return row


async def to_send(session: AsyncSession, organization_id: UUID, file_id: UUID, most_bytes: int) -> tuple[str, Watch]:
    """Where a content goes that is about to come, and who looks at it.

    Raises:
        NotFound: the file is deleted.
        Conflict: it has its content.
        LimitReached: the plan's storage is used up.
    """
    row = await _there(session, organization_id, file_id)
    if row.status != "pending":
        raise Conflict("this file has its content, which stays as it is; make a new one")
    left = await limit_of(session, STORAGE, organization_id=organization_id)
    if left >= 0:
        used = await counts.used(session, STORAGE, organization_id)
        if used >= left:
            raise LimitReached(
                f"the plan allows {left:,} bytes of storage, {used:,} are used; delete some or upgrade the plan",
                limit=STORAGE, used=used, max=left,
            )  # fmt: skip
        most_bytes = min(most_bytes, left - used)
    key = f"files/{row.bucket}/{row.id}/{new_id()}"
    return key, Watch(row.name, kind_of(row.name, BUCKETS[row.bucket].kinds), most_bytes)


async def sent(session: AsyncSession, organization_id: UUID, file_id: UUID, key: str, watch: Watch) -> StoredFile:
    """The content is stored under `key`; of several that came at once the first counts.

    Raises:
        NotFound, Conflict, LimitReached: as `to_send`, meanwhile.
    """
    row = await session.get(StoredFile, (organization_id, file_id), with_for_update=True)
    if row is None or row.deleted_at is not None:
        raise NotFound("there is no such file", resource="file")
    if row.status != "pending":
        raise Conflict("this file has got another content meanwhile; make a new one")
    await reserve(session, STORAGE, organization_id=organization_id, more=watch.size_bytes)
    row.status, row.object_key, row.uploaded_at = "ready", key, now()
    row.size_bytes, row.sha256 = watch.size_bytes, watch.sha256
    await session.flush()
    return row


async def in_buckets(session: AsyncSession, actor: Actor) -> list[dict[str, Any]]:
    """Each bucket that the actor may see: how many files it has, how large, what it takes and how long it keeps."""
    live = (StoredFile.organization_id == actor.organization_id, StoredFile.deleted_at.is_(None))
    query = sa.select(StoredFile.bucket, sa.func.count(), sa.func.coalesce(sa.func.sum(StoredFile.size_bytes), 0))
    rows = (await session.execute(query.where(*live).group_by(StoredFile.bucket))).all()
    held = {bucket: (count, size) for bucket, count, size in rows}
    said = await session.scalar(_DAYS, {"organization_id": actor.organization_id}) or {}
    found = []
    for key, bucket in BUCKETS.items():
        if not _hidden(actor, key):
            count, size = held.get(key, (0, 0))
            days = said.get(f"{key}_days") if isinstance(said, dict) else None
            found.append({
                "bucket": key, "files": count, "size_bytes": int(size), "kinds": sorted(bucket.kinds),
                "days": days if isinstance(days, int) and not isinstance(days, bool) else bucket.days,
            })  # fmt: skip
    return found


def checked_file_name(name: str) -> str:
    """The name of a file, without a path.

    Raises:
        ConfigError: it is none.
    """
    odd = any(unicodedata.category(one).startswith("C") for one in name)
    if not 1 <= len(name) <= 255 or odd or set("/\\") & set(name) or name.strip(". ") != name:
        raise ConfigError(
            "the name of a file has 1 to 255 characters, no / and \\, nothing unprintable, and neither begins nor ends "
            "with a dot or a space",
            field="name",
        )  # fmt: skip
    return name


async def _there(session: AsyncSession, organization_id: UUID, file_id: UUID) -> StoredFile:
    row = await session.get(StoredFile, (organization_id, file_id))
    if row is None or row.deleted_at is not None:
        raise NotFound("there is no such file", resource="file")
    return row


def _hidden(actor: Actor, bucket: str) -> bool:
    return BUCKETS[bucket].admins and not actor.may("file:delete")


def _of_bucket(actor: Actor, bucket: str) -> None:
    if _hidden(actor, bucket):
        actor.require("file:delete")
