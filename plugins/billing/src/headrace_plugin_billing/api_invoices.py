"""Invoices: platform admins write them for an organization, whoever manages its billing reads them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.feature import acting_for, now
from headrace.sdk.errors import ConfigError, Conflict
from headrace_web.sdk import (
    ApiStruct,
    Context,
    Envelope,
    IfMatch,
    Paging,
    base_version,
    given,
    ok,
    page_of,
    permission,
    shown,
)
from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType, structs, to_builtins

from headrace_plugin_billing import invoices, rows
from headrace_plugin_billing.models import Account, Invoice

Status = Literal["draft", "issued", "paid", "void"]
Amount = Annotated[str, Meta(pattern=r"^-?\d{1,12}(\.\d{1,6})?$")]
Percent = Annotated[str, Meta(pattern=r"^\d{1,2}(\.\d{1,2})?$")]


class Line(Struct, kw_only=True, forbid_unknown_fields=True):
    """A line; `quantity` and `unit_price` are decimals as text."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]
    unit_price: Amount
    quantity: Amount = "1"


class InvoiceOut(Struct, kw_only=True):
    """An invoice; amounts are decimals as text, in units of the currency."""

    id: UUID
    number: str
    status: str
    account_id: UUID | None
    currency: str
    lines: list[dict[str, Any]]
    net: Decimal
    tax_percent: Decimal
    total: Decimal
    period_start: date | None
    period_end: date | None
    issued_on: date | None
    due_on: date | None
    paid_on: date | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class InvoicePatch(ApiStruct):
    """What to change; lines, tax, dates and account of a draft only."""

    account_id: UUID | UnsetType | None = UNSET
    lines: Annotated[list[Line], Meta(max_length=500)] | UnsetType = UNSET
    tax_percent: Percent | UnsetType = UNSET
    period_start: date | UnsetType | None = UNSET
    period_end: date | UnsetType | None = UNSET
    due_on: date | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    row_version: int | UnsetType = UNSET
    organization_id: UUID | UnsetType = UNSET


class InvoiceBody(InvoicePatch, kw_only=True):
    """A new invoice, a draft; of one's own organization unless another one is named. Its number is the next one."""

    lines: Annotated[list[Line], Meta(min_length=1, max_length=500)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "USD"


class InvoicesController(Controller):
    """Invoices."""

    path = "/billing/invoices"
    tags = ("invoices",)

    @get("/", opt=permission("organization:manage_billing"))
    async def list_invoices(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], status: FromQuery[Status | None] = None
    ) -> Envelope[list[InvoiceOut]]:
        """Invoices of the organization, newest first."""
        where = [Invoice.organization_id == ctx.organization_id, *([Invoice.status == status] if status else [])]
        async with ctx.transaction() as session:
            found, total = await rows.page(
                session, Invoice, *where, order=Invoice.number.desc(), limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(InvoiceOut, row) for row in found], total, paging)

    @post("/", opt=permission("subscription:manage"))
    async def create_invoice(self, ctx: NamedDependency[Context], data: JSONBody[InvoiceBody]) -> Envelope[InvoiceOut]:
        """Draft an invoice for an organization."""
        if data.status not in {UNSET, "draft"}:
            raise ConfigError("a new invoice is a draft; change its status afterwards", field="status")
        async with ctx.transaction() as session, acting_for(session, ctx.actor, _of(ctx, data)):
            actor = structs.replace(ctx.actor, organization_id=_of(ctx, data))
            fields = _fields(given(data, "row_version", "organization_id", "status"))
            if fields.get("account_id"):
                await rows.get(session, actor, Account, fields["account_id"], "billing account")
            number = await invoices.next_number(session, actor.organization_id, now().date())
            row = Invoice(**fields, number=number, status="draft")
            _count(row)
            return ok(shown(InvoiceOut, await rows.add(session, actor, row, "invoice")))

    @get("/{invoice_id:uuid}", opt=permission("organization:manage_billing"))
    async def get_invoice(self, ctx: NamedDependency[Context], invoice_id: FromPath[UUID]) -> Envelope[InvoiceOut]:
        """One invoice."""
        async with ctx.transaction() as session:
            return ok(shown(InvoiceOut, await rows.get(session, ctx.actor, Invoice, invoice_id, "invoice")))

    @patch("/{invoice_id:uuid}", opt=permission("subscription:manage"))
    async def update_invoice(
        self, ctx: NamedDependency[Context], invoice_id: FromPath[UUID], data: JSONBody[InvoicePatch],
        if_match: IfMatch = None,
    ) -> Envelope[InvoiceOut]:  # fmt: skip
        """Change a draft; issue, mark as paid, or void. What was issued keeps its lines: void it and write another."""
        async with ctx.transaction() as session, acting_for(session, ctx.actor, _of(ctx, data)):
            actor = structs.replace(ctx.actor, organization_id=_of(ctx, data))
            row = await rows.get(session, actor, Invoice, invoice_id, "invoice")
            fields = _fields(given(data, "row_version", "organization_id", "status"))
            if fields and row.status != "draft":
                raise Conflict(f"invoice {row.number} is {row.status}; void it and write another", field=min(fields))
            if fields.get("account_id"):
                await rows.get(session, actor, Account, fields["account_id"], "billing account")
            version = base_version(if_match, data.row_version, "invoice")
            await rows.change(session, row, fields, version, "invoice")
            _count(row)
            if data.status is not UNSET:
                invoices.step(row, data.status)
            await session.flush()
            return ok(shown(InvoiceOut, row))


def _of(ctx: Context, data: InvoicePatch) -> UUID:
    return ctx.organization_id if data.organization_id is UNSET else data.organization_id


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    if "lines" in fields:
        fields["lines"] = to_builtins(fields["lines"])
    if "tax_percent" in fields:
        fields["tax_percent"] = Decimal(fields["tax_percent"])
    return fields


def _count(row: Invoice) -> None:
    row.tax_percent = row.tax_percent if row.tax_percent is not None else Decimal(0)
    row.net, row.total = invoices.amounts(row.lines, row.tax_percent)
