"""Routes of the billing side."""

from __future__ import annotations

from headrace_web.sdk import hookimpl
from litestar import Controller

from headrace_plugin_billing.api_accounts import AccountsController, InfoController
from headrace_plugin_billing.api_announcements import AnnouncementsController
from headrace_plugin_billing.api_budgets import BudgetsController
from headrace_plugin_billing.api_invoices import InvoicesController
from headrace_plugin_billing.api_terms import TermsController
from headrace_plugin_billing.api_tickets import TicketsController


@hookimpl
def headrace_web_routes() -> list[type[Controller]]:
    """All of them."""
    return [
        AccountsController, InfoController, InvoicesController, BudgetsController, AnnouncementsController,
        TermsController, TicketsController,
    ]  # fmt: skip
