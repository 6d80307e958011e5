"""Billing accounts, and what stands on every invoice."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from headrace.feature import new_id
from headrace.sdk.errors import Conflict
from headrace_web.sdk import (
    ApiStruct,
    Context,
    Envelope,
    IfMatch,
    Paging,
    base_version,
    given,
    merged,
    ok,
    page_of,
    permission,
    shown,
)
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import func, select, update

from headrace_plugin_billing import rows
from headrace_plugin_billing.models import Account, Info, Invoice

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Text = Annotated[str, Meta(max_length=255)]


class AccountOut(Struct, kw_only=True):
    """A billing account."""

    id: UUID
    name: str
    email: str
    currency: str
    reference: str
    is_default: bool
    created_at: datetime
    updated_at: datetime
    row_version: int


class AccountBody(ApiStruct):
    """A new billing account; the first one is the default."""

    name: str
    email: Text = ""
    currency: Currency = "USD"
    reference: Text = ""
    is_default: bool = False


class AccountPut(AccountBody):
    """A billing account as it shall be."""

    row_version: int | UnsetType = UNSET


class AccountPatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    email: Text | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    reference: Text | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class InfoOut(Struct, kw_only=True):
    """What stands on every invoice."""

    legal_name: str = ""
    address: dict[str, Any] = {}
    tax_id: str = ""
    purchase_order: str = ""
    row_version: int = 0


class InfoBody(ApiStruct):
    """What shall stand on every invoice; `address` has e.g. street, city, zip, country."""

    legal_name: Text = ""
    address: dict[str, Text] = {}
    tax_id: Text = ""
    purchase_order: Text = ""
    row_version: int | UnsetType = UNSET


class InfoPatch(ApiStruct):
    """What to change."""

    legal_name: Text | UnsetType = UNSET
    address: dict[str, Text | None] | UnsetType = UNSET
    tax_id: Text | UnsetType = UNSET
    purchase_order: Text | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


BILLING = permission("organization:manage_billing")


class AccountsController(Controller):
    """Billing accounts."""

    path = "/billing/accounts"
    tags = ("billing accounts",)

    @get("/", opt=BILLING)
    async def list_accounts(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[AccountOut]]:
        """Billing accounts by name."""
        async with ctx.transaction() as session:
            found, total = await rows.page(
                session, Account, Account.organization_id == ctx.organization_id, order=func.lower(Account.name),
                limit=paging.limit, offset=paging.offset,
            )  # fmt: skip
        return page_of([shown(AccountOut, row) for row in found], total, paging)

    @post("/", opt=BILLING)
    async def create_account(self, ctx: NamedDependency[Context], data: JSONBody[AccountBody]) -> Envelope[AccountOut]:
        """Make a billing account."""
        async with ctx.transaction() as session:
            mine = Account.organization_id == ctx.organization_id
            first = await session.scalar(select(Account.id).where(mine).limit(1)) is None
            row = Account(**{**given(data), "name": rows.named(data.name, "billing account")})
            row.is_default = row.is_default or first
            if row.is_default:
                await session.execute(update(Account).where(mine).values(is_default=False))
            return ok(shown(AccountOut, await rows.add(session, ctx.actor, row, "billing account")))

    @get("/{billing_account_id:uuid}", opt=BILLING)
    async def get_account(
        self, ctx: NamedDependency[Context], billing_account_id: FromPath[UUID]
    ) -> Envelope[AccountOut]:
        """One billing account."""
        async with ctx.transaction() as session:
            row = await rows.get(session, ctx.actor, Account, billing_account_id, "billing account")
            return ok(shown(AccountOut, row))

    @patch("/{billing_account_id:uuid}", opt=BILLING)
    async def update_account(
        self, ctx: NamedDependency[Context], billing_account_id: FromPath[UUID], data: JSONBody[AccountPatch],
        if_match: IfMatch = None,
    ) -> Envelope[AccountOut]:  # fmt: skip
        """Change what is given."""
        return ok(await _changed(ctx, billing_account_id, data, if_match))

    @put("/{billing_account_id:uuid}", opt=BILLING)
    async def replace_account(
        self, ctx: NamedDependency[Context], billing_account_id: FromPath[UUID], data: JSONBody[AccountPut],
        if_match: IfMatch = None,
    ) -> Envelope[AccountOut]:  # fmt: skip
        """Put the billing account as a whole."""
        return ok(await _changed(ctx, billing_account_id, data, if_match))

    @delete("/{billing_account_id:uuid}", opt=BILLING, status_code=200)
    async def delete_account(
        self, ctx: NamedDependency[Context], billing_account_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove a billing account that no invoice names."""
        async with ctx.transaction() as session:
            row = await rows.get(session, ctx.actor, Account, billing_account_id, "billing account")
            named = select(Invoice.number).where(
                Invoice.organization_id == row.organization_id, Invoice.account_id == row.id
            )
            number = await session.scalar(named.limit(1))
            if number is not None:
                raise Conflict(f"the billing account '{row.name}' is named by invoice {number}; it stays")
            await session.delete(row)
        return ok({"id": billing_account_id})


class InfoController(Controller):
    """What stands on every invoice of the organization."""

    path = "/billing/info"
    tags = ("billing info",)

    @get("/", opt=BILLING)
    async def get_info(self, ctx: NamedDependency[Context]) -> Envelope[InfoOut]:
        """Legal name, address, tax id, purchase order; empty until somebody sets them."""
        async with ctx.transaction() as session:
            row = await session.get(Info, (ctx.organization_id, ctx.organization_id))
            return ok(shown(InfoOut, row) if row else InfoOut())

    @patch("/", opt=BILLING)
    async def update_info(
        self, ctx: NamedDependency[Context], data: JSONBody[InfoPatch], if_match: IfMatch = None
    ) -> Envelope[InfoOut]:
        """Change what is given."""
        return ok(await _informed(ctx, data, if_match))

    @put("/", opt=BILLING)
    async def replace_info(
        self, ctx: NamedDependency[Context], data: JSONBody[InfoBody], if_match: IfMatch = None
    ) -> Envelope[InfoOut]:
        """Put all of it; the first time `row_version` is 0."""
        return ok(await _informed(ctx, data, if_match))


async def _changed(ctx: Context, account_id: UUID, data: AccountPatch | AccountPut, if_match: str | None) -> AccountOut:
    async with ctx.transaction() as session:
        row = await rows.get(session, ctx.actor, Account, account_id, "billing account")
        changes = given(data, "row_version")
        if "name" in changes:
            changes["name"] = rows.named(changes["name"], "billing account")
        if changes.get("is_default") is False and row.is_default:
            raise Conflict("make another billing account the default; one has to be", field="is_default")
        if changes.get("is_default") and not row.is_default:
            others = update(Account).where(Account.organization_id == row.organization_id)
            await session.execute(others.values(is_default=False))
        version = base_version(if_match, data.row_version, "billing account")
        return shown(AccountOut, await rows.change(session, row, changes, version, "billing account"))


async def _informed(ctx: Context, data: InfoPatch | InfoBody, if_match: str | None) -> InfoOut:
    version = base_version(if_match, data.row_version, "billing info")
    async with ctx.transaction() as session:
        row = await session.get(Info, (ctx.organization_id, ctx.organization_id))
        if row is None and version == 0:
            row = Info(id=ctx.organization_id)
            await rows.add(session, ctx.actor, row, "billing info")
            version = row.row_version
        elif row is None:
            row = await rows.get(session, ctx.actor, Info, new_id(), "billing info")
        whole = isinstance(data, InfoBody)
        changes = given(data, "row_version") if whole else merged(data, row, "row_version")
        return shown(InfoOut, await rows.change(session, row, changes, version, "billing info"))
