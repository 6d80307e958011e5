"""Tables of the billing side. What belongs to nobody (announcements, terms) is of the installation."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from headrace.feature import GlobalModel, TenantModel, Versioned, now
from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column


class Account(TenantModel):
    """Whom invoices go to: a company, a department, a cost centre."""

    __tablename__ = "billing_accounts"

    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(default="USD")
    reference: Mapped[str] = mapped_column(default="")
    is_default: Mapped[bool] = mapped_column(default=False)


class Info(TenantModel):
    """What stands on every invoice of an organization; its id is the organization's."""

    __tablename__ = "billing_info"

    legal_name: Mapped[str] = mapped_column(default="")
    address: Mapped[dict[str, Any]] = mapped_column(default=dict)
    tax_id: Mapped[str] = mapped_column(default="")
    purchase_order: Mapped[str] = mapped_column(default="")


class Invoice(TenantModel):
    """An invoice; `lines` are `{text, quantity, unit_price}` with decimals as text."""

    __tablename__ = "billing_invoices"

    account_id: Mapped[UUID | None]
    number: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    currency: Mapped[str] = mapped_column(default="USD")
    lines: Mapped[list[Any]] = mapped_column(default=list)
    net: Mapped[Decimal]
    tax_percent: Mapped[Decimal]
    total: Mapped[Decimal]
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    issued_on: Mapped[date | None]
    due_on: Mapped[date | None]
    paid_on: Mapped[date | None]


class Budget(TenantModel):
    """How much of a kind of usage an organization means to have in a month; `thresholds` are percents."""

    __tablename__ = "billing_budgets"

    name: Mapped[str]
    usage_type: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    thresholds: Mapped[list[Any]] = mapped_column(default=list)
    is_active: Mapped[bool] = mapped_column(default=True)


class Alert(TenantModel):
    """A threshold that was reached in a month, once."""

    __tablename__ = "billing_alerts"

    budget_id: Mapped[UUID]
    period: Mapped[date]
    threshold: Mapped[int]
    used: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)


class Ticket(TenantModel):
    """What somebody asks."""

    __tablename__ = "billing_tickets"

    subject: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    priority: Mapped[str] = mapped_column(default="normal")
    labels: Mapped[list[Any]] = mapped_column(default=list)
    created_by: Mapped[UUID | None]


class TicketMessage(TenantModel):
    """A question or an answer of a ticket."""

    __tablename__ = "billing_ticket_messages"

    ticket_id: Mapped[UUID]
    body: Mapped[str]
    created_by: Mapped[UUID | None]


class Announcement(Versioned, GlobalModel):
    """What everybody is told while it holds."""

    __tablename__ = "billing_announcements"

    title: Mapped[str]
    body: Mapped[str] = mapped_column(default="")
    severity: Mapped[str] = mapped_column(default="info")
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]


class Terms(GlobalModel):
    """A version of terms; it never changes."""

    __tablename__ = "billing_terms"

    kind: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    effective_at: Mapped[datetime] = mapped_column(default=now)


class Acceptance(TenantModel):
    """Who accepted a version of terms, as a member of which organization."""

    __tablename__ = "billing_acceptances"

    terms_id: Mapped[UUID]
    user_id: Mapped[UUID]
    accepted_at: Mapped[datetime] = mapped_column(default=now)
