"""Files in buckets: they are announced and looked through here; contents go by signed addresses, without a sign-in."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from headrace.files import service as files
from headrace.files import signing, transfer
from headrace.files.buckets import BucketKey
from headrace.files.models import StoredFile
from headrace.sdk.errors import ConfigError, HeadraceError
from litestar import Controller, Request, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import UNSET, Meta, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, page_of, shown
from headrace_web.guards import PUBLIC, limited, permission
from headrace_web.services import Services

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Description = Annotated[str, Meta(max_length=2_000)]
SignedToken = Annotated[str, QueryParameter(min_length=1, max_length=200)]
_SANDBOX = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}


class FileOut(Struct, kw_only=True):
    """A file; `pending` until its content is there."""

    id: UUID
    bucket: str
    name: str
    description: str
    content_type: str
    status: str
    size_bytes: int
    sha256: str | None
    uploaded_at: datetime | None
    deleted_at: datetime | None
    created_by: UUID | None
    updated_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class Signed(Struct, kw_only=True):
    """Where a content goes or comes from: good for this method, this file and a short time, for whoever has it."""

    method: signing.Method
    url: str
    expires_at: datetime


class FileMade(FileOut, kw_only=True):
    """A new file, and where to send its content."""

    upload: Signed


class FileBody(ApiStruct, kw_only=True):
    """A file to come; with `size_bytes` it is said at once whether there is room."""

    bucket: BucketKey = "files"
    name: Name
    description: Description = ""
    size_bytes: Annotated[int, Meta(ge=0)] | None = None


class FilePatch(ApiStruct):
    """What to change; the end of the name, which says the kind, stays."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class FilePut(ApiStruct, kw_only=True):
    """A file as it shall be called and described."""

    name: Name
    description: Description = ""
    row_version: int | UnsetType = UNSET


class BucketOut(Struct, kw_only=True):
    """A bucket: what is in it, which ends of names it takes, and after how many days files go; 0 keeps them."""

    bucket: str
    files: int
    size_bytes: int
    kinds: list[str]
    days: float
    file_bytes: int


class FilesController(Controller):
    """Files."""

    path = "/files"
    tags = ("files",)

    @get("/", opt=permission("file:read"))
    async def list_files(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging],
        bucket: FromQuery[BucketKey | None] = None, q: FromQuery[str] = "", deleted: FromQuery[bool] = False,
    ) -> Envelope[list[FileOut]]:  # fmt: skip
        """Files, the latest first; with `deleted` those in the trash."""
        async with ctx.transaction() as session:
            rows, total = await files.list_(
                session, ctx.actor, bucket=bucket, q=q, deleted=deleted, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(FileOut, row) for row in rows], total, paging)

    @get("/buckets", opt=permission("file:read"))
    async def list_buckets(self, ctx: NamedDependency[Context]) -> Envelope[list[BucketOut]]:
        """What each bucket holds, takes and keeps."""
        most = ctx.services.settings.file_bytes
        async with ctx.transaction() as session:
            found = await files.in_buckets(session, ctx.actor)
        return ok([BucketOut(**one, file_bytes=most) for one in found])

    @post("/", opt=permission("file:create"))
    async def create_file(self, ctx: NamedDependency[Context], data: JSONBody[FileBody]) -> Envelope[FileMade]:
        """Announce a file; the answer says where its content goes."""
        most = ctx.services.settings.file_bytes
        async with ctx.transaction() as session:
            row = await files.create(
                session, ctx.actor, bucket=data.bucket, name=data.name, description=data.description,
                size_bytes=data.size_bytes, most_bytes=most,
            )  # fmt: skip
            plain = shown(FileOut, row)
        said = {name: getattr(plain, name) for name in plain.__struct_fields__}
        return ok(FileMade(**said, upload=_signed(ctx, "PUT", row.id)))

    @get("/{file_id:uuid}", opt=permission("file:read"))
    async def get_file(self, ctx: NamedDependency[Context], file_id: FromPath[UUID]) -> Envelope[FileOut]:
        """One file."""
        async with ctx.transaction() as session:
            return ok(shown(FileOut, await files.get(session, ctx.actor, file_id)))

    @patch("/{file_id:uuid}", opt=permission("file:update"))
    async def update_file(
        self, ctx: NamedDependency[Context], file_id: FromPath[UUID], data: JSONBody[FilePatch],
        if_match: IfMatch = None,
    ) -> Envelope[FileOut]:  # fmt: skip
        """Rename or describe a file."""
        return ok(await _changed(ctx, file_id, data, if_match))

    @put("/{file_id:uuid}", opt=permission("file:update"))
    async def replace_file(
        self, ctx: NamedDependency[Context], file_id: FromPath[UUID], data: JSONBody[FilePut], if_match: IfMatch = None
    ) -> Envelope[FileOut]:
        """Put name and description as a whole."""
        return ok(await _changed(ctx, file_id, data, if_match))

    @delete("/{file_id:uuid}", opt=permission("file:delete"), status_code=200)
    async def delete_file(self, ctx: NamedDependency[Context], file_id: FromPath[UUID]) -> Envelope[dict[str, UUID]]:
        """Move a file to the trash; addresses of it that were given end with that."""
        async with ctx.transaction() as session:
            await files.delete(session, ctx.actor, file_id)
        return ok({"id": file_id})

    @post("/{file_id:uuid}/restore", opt=permission("file:restore"), status_code=200)
    async def restore_file(self, ctx: NamedDependency[Context], file_id: FromPath[UUID]) -> Envelope[FileOut]:
        """Bring back a file from the trash."""
        async with ctx.transaction() as session:
            return ok(shown(FileOut, await files.restore(session, ctx.actor, file_id)))

    @post("/{file_id:uuid}/upload", opt=permission("file:update"), status_code=200)
    async def sign_upload(self, ctx: NamedDependency[Context], file_id: FromPath[UUID]) -> Envelope[Signed]:
        """Where to send the content of a file that has none yet."""
        async with ctx.transaction() as session:
            await files.get(session, ctx.actor, file_id)
            await files.to_send(session, ctx.organization_id, file_id, ctx.services.settings.file_bytes)
        return ok(_signed(ctx, "PUT", file_id))

    @get("/{file_id:uuid}/download", opt=permission("file:read"))
    async def sign_download(self, ctx: NamedDependency[Context], file_id: FromPath[UUID]) -> Envelope[Signed]:
        """Where to take the content of a file from."""
        async with ctx.transaction() as session:
            await files.get(session, ctx.actor, file_id)
            await files.to_take(session, ctx.organization_id, file_id)
        return ok(_signed(ctx, "GET", file_id))


class FileContentsController(Controller):
    """Contents, for whoever has a signed address; each address is judged here."""

    path = "/files/{file_id:uuid}/content"
    tags = ("files",)
    opt = {**PUBLIC, **limited("signed")}
    request_max_body_size = None
    """Counted as it comes, by `Watch`."""

    @put("/")
    async def send_content(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], file_id: FromPath[UUID],
        token: SignedToken,
    ) -> Envelope[FileOut]:  # fmt: skip
        """Take the body of the request as the content of a file; it must be what the file's name says."""
        organization_id = signing.check(services.vault.ring, "PUT", file_id, token)
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            raise ConfigError("a content is sent as the body itself, without a form around it; send the file's bytes")
        async with services.database.transaction(organization_id) as session:
            key, watch = await files.to_send(session, organization_id, file_id, services.settings.file_bytes)
        await transfer.receive(services.store, organization_id, key, request.stream(), watch)
        async with services.database.transaction(organization_id) as session:
            try:
                row = await files.sent(session, organization_id, file_id, key, watch)
            except HeadraceError:  # it is nobody's; after the commit began, only the sweep of retention can know
                await asyncio.to_thread(services.store.delete, organization_id, key)
                raise
            out = shown(FileOut, row)
        await services.replicas.changed(organization_id)
        return ok(out)

    @get("/", media_type="application/octet-stream")
    async def take_content(
        self, services: NamedDependency[Services], file_id: FromPath[UUID], token: SignedToken
    ) -> Stream:
        """The content of a file, to be kept and never shown as a page of ours."""
        organization_id = signing.check(services.vault.ring, "GET", file_id, token)
        async with services.database.transaction(organization_id) as session:
            row = await files.to_take(session, organization_id, file_id)
            session.expunge(row)
        content = transfer.pieces(services.store, organization_id, str(row.object_key))
        return Stream(content, headers=_told(row))


def _told(row: StoredFile) -> dict[str, str]:
    """Headers of a content: its name in every alphabet (RFC 6266), and that no browser may think for itself."""
    plain = row.name.encode("ascii", "replace").decode().replace('"', "'").replace("%", "_").replace("?", "_")
    return {
        "Content-Length": str(row.size_bytes), "ETag": f'"{row.sha256}"', "Cache-Control": "private, no-store",
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(row.name, safe='')}",
        **_SANDBOX,
    }  # fmt: skip


def _signed(ctx: Context, method: signing.Method, file_id: UUID) -> Signed:
    token = signing.sign(ctx.services.vault.ring, method, ctx.organization_id, file_id)
    url = f"{ctx.services.settings.link_base}/api/v1/files/{file_id}/content?token={token.text}"
    return Signed(method=method, url=url, expires_at=token.expires_at)


async def _changed(ctx: Context, file_id: UUID, data: FilePatch | FilePut, if_match: str | None) -> FileOut:
    async with ctx.transaction() as session:
        await files.get(session, ctx.actor, file_id)
        base = base_version(if_match, data.row_version, "file")
        return shown(FileOut, await files.update(session, ctx.actor, file_id, given(data, "row_version"), base))
