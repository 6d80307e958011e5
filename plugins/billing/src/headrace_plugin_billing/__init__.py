"""Billing: whom invoices go to, what was billed, budgets with alerts, announcements, terms and tickets.

There is no payment provider in it: who takes money outside marks an invoice as paid through the API.
"""

from headrace.sdk import Chore, MigrationBranch, hookimpl, lazy


@hookimpl
def headrace_migrations() -> list[MigrationBranch]:
    """Own the tables `billing_*`."""
    return [MigrationBranch(id="billing", package="headrace_plugin_billing.migrations")]


@hookimpl
def headrace_chores() -> list[Chore]:
    """Look at the budgets."""
    watch = lazy("headrace_plugin_billing.budgets:watch")
    return [Chore(id="budgets", title="Watch budgets", every_s=60, function=watch)]
