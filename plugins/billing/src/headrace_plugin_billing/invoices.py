"""What an invoice comes to, and how it goes from draft to paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.feature import now
from headrace.sdk.errors import Conflict
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_plugin_billing.models import Invoice

CENT = Decimal("0.01")
STEPS = {"draft": {"issued", "void"}, "issued": {"paid", "void"}, "paid": set[str](), "void": set[str]()}

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('billing_invoices:' || :organization_id, 0))")


def amounts(lines: Sequence[dict[str, Any]], tax_percent: Decimal) -> tuple[Decimal, Decimal]:
    """Net and total in units of the currency: each line is rounded to cents, then the tax on their sum."""
    each = (Decimal(one["quantity"]) * Decimal(one["unit_price"]) for one in lines)
    net = sum((one.quantize(CENT, ROUND_HALF_UP) for one in each), Decimal(0))
    return net, net + (net * tax_percent / 100).quantize(CENT, ROUND_HALF_UP)


def step(row: Invoice, status: str) -> None:
    """Go to another status; the day of it is kept.

    Raises:
        Conflict: it does not go that way.
    """
    if status == row.status:
        return
    if status not in STEPS[row.status]:
        ways = " or ".join(sorted(STEPS[row.status])) or "nothing else"
        raise Conflict(f"invoice {row.number} is {row.status}; from there it can become {ways}", field="status")
    row.status = status
    today = now().date()
    if status == "issued":
        row.issued_on = row.issued_on or today
    elif status == "paid":
        row.paid_on = row.paid_on or today


async def next_number(session: AsyncSession, organization_id: UUID, day: date) -> str:
    """The next number of the year, e.g. 2026-0007; one transaction at a time."""
    await session.execute(_LOCK, {"organization_id": str(organization_id)})
    like = f"{day.year}-%"
    last = await session.scalar(
        sa.select(sa.func.max(Invoice.number)).where(
            Invoice.organization_id == organization_id, Invoice.number.like(like)
        )
    )
    return f"{day.year}-{int(last.rpartition('-')[2]) + 1 if last else 1:04d}"
