"""API keys of people and service accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from headrace.accounts import api_keys
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, ok, page_of, shown
from headrace_web.guards import OF_ACCOUNTS, PERSON


class KeyOut(Struct, kw_only=True):
    """A key without its secret; `hint` is what it begins with."""

    id: UUID
    user_id: UUID
    name: str
    hint: str
    permissions: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_ip: str
    previous_until: datetime | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class NewKeyOut(Struct, kw_only=True):
    """A key with its secret; it is shown this once."""

    id: UUID
    key: str
    details: KeyOut


class KeyBody(ApiStruct):
    """A new key; `user_id` names a service account, absent it is one's own."""

    name: str
    permissions: list[str]
    user_id: UUID | None = None
    expires_at: datetime | None = None


class KeyPatch(ApiStruct):
    """What to change."""

    name: str
    row_version: int | UnsetType = UNSET


class RotateBody(ApiStruct):
    """How long the old key stays good."""

    overlap_s: Annotated[int, Meta(ge=0, le=7 * 24 * 3600)] = 0


class ApiKeysController(Controller):
    """API keys. A key may do what it names and its owner still may; no key makes or changes keys."""

    path = "/api-keys"
    opt = OF_ACCOUNTS
    tags = ("api keys",)

    @get("/", opt=PERSON)
    async def list_keys(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], user_id: FromQuery[UUID | None] = None
    ) -> Envelope[list[KeyOut]]:
        """My keys, newest first; all of the organization for who may manage keys."""
        async with ctx.transaction() as session:
            rows, total = await api_keys.list_keys(
                session, ctx.actor, user_id=user_id, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(KeyOut, row) for row in rows], total, paging)

    @post("/", opt=PERSON)
    async def create_key(self, ctx: NamedDependency[Context], data: JSONBody[KeyBody]) -> Envelope[NewKeyOut]:
        """Make a key; its text is shown this once."""
        async with ctx.transaction() as session:
            made = await api_keys.create(
                session, ctx.actor, name=data.name, permissions=data.permissions, user_id=data.user_id,
                expires_at=data.expires_at,
            )  # fmt: skip
        return ok(_new(made))

    @get("/{key_id:uuid}", opt=PERSON)
    async def get_key(self, ctx: NamedDependency[Context], key_id: FromPath[UUID]) -> Envelope[KeyOut]:
        """One key."""
        async with ctx.transaction() as session:
            return ok(shown(KeyOut, await api_keys.find(session, ctx.actor, key_id)))

    @patch("/{key_id:uuid}", opt=PERSON)
    async def rename_key(
        self, ctx: NamedDependency[Context], key_id: FromPath[UUID], data: JSONBody[KeyPatch], if_match: IfMatch = None
    ) -> Envelope[KeyOut]:
        """Rename."""
        return ok(await _renamed(ctx, key_id, data, if_match))

    @put("/{key_id:uuid}", opt=PERSON)
    async def replace_key(
        self, ctx: NamedDependency[Context], key_id: FromPath[UUID], data: JSONBody[KeyPatch], if_match: IfMatch = None
    ) -> Envelope[KeyOut]:
        """The same: of a key only its name can change, never what it may do."""
        return ok(await _renamed(ctx, key_id, data, if_match))

    @post("/{key_id:uuid}/rotate", opt=PERSON)
    async def rotate_key(
        self, ctx: NamedDependency[Context], key_id: FromPath[UUID], data: JSONBody[RotateBody]
    ) -> Envelope[NewKeyOut]:
        """A new key in place of this one, which may stay good for a while."""
        async with ctx.transaction() as session:
            made = await api_keys.rotate(session, ctx.actor, key_id, overlap=timedelta(seconds=data.overlap_s))
        return ok(_new(made))

    @delete("/{key_id:uuid}", opt=PERSON, status_code=200)
    async def revoke_key(self, ctx: NamedDependency[Context], key_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """End a key at once."""
        async with ctx.transaction() as session:
            await api_keys.revoke(session, ctx.actor, key_id)
        return ok({"id": key_id})


async def _renamed(ctx: Context, key_id: UUID, data: KeyPatch, if_match: str | None) -> KeyOut:
    async with ctx.transaction() as session:
        await api_keys.find(session, ctx.actor, key_id)
        version = base_version(if_match, data.row_version, "key")
        return shown(KeyOut, await api_keys.rename(session, ctx.actor, key_id, name=data.name, row_version=version))


def _new(made: api_keys.NewKey) -> NewKeyOut:
    return NewKeyOut(id=made.row.id, key=made.text, details=shown(KeyOut, made.row))
