"""Budgets with their alerts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

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
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType, field, structs
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_plugin_billing import budgets, rows
from headrace_plugin_billing.models import Alert, Budget

Amount = Annotated[int, Meta(ge=1, le=2**53)]
READ, WRITE = permission("organization:view_usage"), permission("organization:manage_billing")


class AlertOut(Struct, kw_only=True):
    """A threshold that was reached; `period` is the first day of the month."""

    id: UUID
    budget_id: UUID
    period: date
    threshold: int
    used: int
    amount: int
    created_at: datetime


class BudgetOut(Struct, kw_only=True):
    """A budget; `used` is counted now, `alerts` are those of this month and before, newest first."""

    id: UUID
    name: str
    usage_type: str
    amount: int
    thresholds: list[int]
    is_active: bool
    created_at: datetime
    updated_at: datetime
    row_version: int
    used: int = 0
    alerts: list[AlertOut] = []


class BudgetBody(ApiStruct):
    """A new budget; `usage_type` is what limits count, e.g. executions, storage_bytes; `thresholds` are percents."""

    name: str
    usage_type: str
    amount: Amount
    thresholds: list[int] = field(default_factory=lambda: [50, 80, 100])
    is_active: bool = True


class BudgetPut(BudgetBody):
    """A budget as it shall be."""

    row_version: int | UnsetType = UNSET


class BudgetPatch(ApiStruct):
    """What to change."""

    name: str | UnsetType = UNSET
    usage_type: str | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    thresholds: list[int] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class BudgetsController(Controller):
    """Budgets."""

    path = "/budgets"
    tags = ("budgets",)

    @get("/", opt=READ)
    async def list_budgets(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[BudgetOut]]:
        """Budgets by name."""
        async with ctx.transaction() as session:
            found, total = await rows.page(
                session, Budget, Budget.organization_id == ctx.organization_id, order=func.lower(Budget.name),
                limit=paging.limit, offset=paging.offset,
            )  # fmt: skip
            return page_of([await _whole(session, row) for row in found], total, paging)

    @post("/", opt=WRITE)
    async def create_budget(self, ctx: NamedDependency[Context], data: JSONBody[BudgetBody]) -> Envelope[BudgetOut]:
        """Make a budget; it is looked at every minute."""
        async with ctx.transaction() as session:
            row = Budget(**{
                **given(data), "name": rows.named(data.name, "budget"), "thresholds": budgets.checked(data.thresholds),
            })  # fmt: skip
            await budgets.used(session, ctx.organization_id, row.usage_type)
            return ok(await _whole(session, await rows.add(session, ctx.actor, row, "budget")))

    @get("/{budget_id:uuid}", opt=READ)
    async def get_budget(self, ctx: NamedDependency[Context], budget_id: FromPath[UUID]) -> Envelope[BudgetOut]:
        """One budget."""
        async with ctx.transaction() as session:
            return ok(await _whole(session, await rows.get(session, ctx.actor, Budget, budget_id, "budget")))

    @patch("/{budget_id:uuid}", opt=WRITE)
    async def update_budget(
        self, ctx: NamedDependency[Context], budget_id: FromPath[UUID], data: JSONBody[BudgetPatch],
        if_match: IfMatch = None,
    ) -> Envelope[BudgetOut]:  # fmt: skip
        """Change what is given; alerts of the month stay."""
        return ok(await _changed(ctx, budget_id, data, if_match))

    @put("/{budget_id:uuid}", opt=WRITE)
    async def replace_budget(
        self, ctx: NamedDependency[Context], budget_id: FromPath[UUID], data: JSONBody[BudgetPut],
        if_match: IfMatch = None,
    ) -> Envelope[BudgetOut]:  # fmt: skip
        """Put the budget as a whole; alerts of the month stay."""
        return ok(await _changed(ctx, budget_id, data, if_match))

    @delete("/{budget_id:uuid}", opt=WRITE, status_code=200)
    async def delete_budget(
        self, ctx: NamedDependency[Context], budget_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove a budget with its alerts."""
        async with ctx.transaction() as session:
            await session.delete(await rows.get(session, ctx.actor, Budget, budget_id, "budget"))
        return ok({"id": budget_id})


async def _changed(ctx: Context, budget_id: UUID, data: BudgetPatch | BudgetPut, if_match: str | None) -> BudgetOut:
    async with ctx.transaction() as session:
        row = await rows.get(session, ctx.actor, Budget, budget_id, "budget")
        changes = given(data, "row_version")
        if "name" in changes:
            changes["name"] = rows.named(changes["name"], "budget")
        if "thresholds" in changes:
            changes["thresholds"] = budgets.checked(changes["thresholds"])
        if "usage_type" in changes:
            await budgets.used(session, ctx.organization_id, changes["usage_type"])
        version = base_version(if_match, data.row_version, "budget")
        return await _whole(session, await rows.change(session, row, changes, version, "budget"))


async def _whole(session: AsyncSession, row: Budget) -> BudgetOut:
    query = select(Alert).where(Alert.organization_id == row.organization_id, Alert.budget_id == row.id)
    alerts = await session.scalars(query.order_by(Alert.period.desc(), Alert.threshold.desc()).limit(100))
    return structs.replace(
        shown(BudgetOut, row), used=await budgets.used(session, row.organization_id, row.usage_type),
        alerts=[shown(AlertOut, one) for one in alerts],
    )  # fmt: skip
