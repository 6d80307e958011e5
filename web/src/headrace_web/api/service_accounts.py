"""Service accounts: members that are programs."""

from __future__ import annotations

from uuid import UUID

from headrace.accounts import service_accounts
from headrace.accounts.models import Membership, User
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, part_of
from headrace_web.guards import OF_ACCOUNTS, permission


class ServiceAccountOut(Struct, kw_only=True):
    """A service account."""

    id: UUID
    name: str
    role: str
    row_version: int


class ServiceAccountBody(ApiStruct):
    """A new service account."""

    name: str
    role: str = "viewer"


class ServiceAccountPatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class ServiceAccountPut(ApiStruct):
    """A service account as it shall be."""

    name: str
    role: str
    row_version: int | UnsetType = UNSET


class ServiceAccountsController(Controller):
    """Service accounts; their keys are made at `/api-keys`."""

    path = "/service-accounts"
    opt = OF_ACCOUNTS
    tags = ("service accounts",)

    @get("/", opt=permission("apikey:manage"))
    async def list_accounts(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[ServiceAccountOut]]:
        """Service accounts by name."""
        async with ctx.transaction() as session:
            rows = await service_accounts.list_accounts(session, ctx.actor)
        return part_of([_out(*row) for row in rows], paging)

    @post("/", opt=permission("apikey:manage"))
    async def create_account(
        self, ctx: NamedDependency[Context], data: JSONBody[ServiceAccountBody]
    ) -> Envelope[ServiceAccountOut]:
        """Make a service account with a role of at most one's own rights."""
        async with ctx.transaction() as session:
            return ok(_out(*await service_accounts.create(session, ctx.actor, name=data.name, role=data.role)))

    @get("/{account_id:uuid}", opt=permission("apikey:manage"))
    async def get_account(
        self, ctx: NamedDependency[Context], account_id: FromPath[UUID]
    ) -> Envelope[ServiceAccountOut]:
        """One service account."""
        async with ctx.transaction() as session:
            return ok(_out(*await service_accounts.get(session, ctx.actor, account_id)))

    @patch("/{account_id:uuid}", opt=permission("apikey:manage"))
    async def update_account(
        self, ctx: NamedDependency[Context], account_id: FromPath[UUID], data: JSONBody[ServiceAccountPatch],
        if_match: IfMatch = None,
    ) -> Envelope[ServiceAccountOut]:  # fmt: skip
        """Change name or role; its keys follow at once."""
        return ok(await _changed(ctx, account_id, data, if_match))

    @put("/{account_id:uuid}", opt=permission("apikey:manage"))
    async def replace_account(
        self, ctx: NamedDependency[Context], account_id: FromPath[UUID], data: JSONBody[ServiceAccountPut],
        if_match: IfMatch = None,
    ) -> Envelope[ServiceAccountOut]:  # fmt: skip
        """Put the service account as a whole; its keys stay."""
        return ok(await _changed(ctx, account_id, data, if_match))

    @delete("/{account_id:uuid}", opt=permission("apikey:manage"), status_code=200)
    async def delete_account(
        self, ctx: NamedDependency[Context], account_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """End it with all its keys."""
        async with ctx.transaction() as session:
            await service_accounts.delete(session, ctx.actor, account_id)
        return ok({"id": account_id})


async def _changed(
    ctx: Context, account_id: UUID, data: ServiceAccountPatch | ServiceAccountPut, if_match: str | None
) -> ServiceAccountOut:
    async with ctx.transaction() as session:
        await service_accounts.get(session, ctx.actor, account_id)
        version = base_version(if_match, data.row_version, "service account")
        changes = given(data, "row_version")
        return _out(*await service_accounts.update(session, ctx.actor, account_id, row_version=version, **changes))


def _out(user: User, membership: Membership) -> ServiceAccountOut:
    return ServiceAccountOut(id=user.id, name=user.full_name, role=membership.role, row_version=membership.row_version)
