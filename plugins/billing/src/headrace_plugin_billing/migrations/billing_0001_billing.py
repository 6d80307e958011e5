"""Accounts, info, invoices, budgets with alerts, tickets; announcements, terms and who accepted them."""

from alembic import op
from headrace.feature import enable_rls

revision = "billing_0001"
down_revision = None
branch_labels = ("billing",)
depends_on = "0022"

_TABLES = """
CREATE TABLE billing_accounts (
  organization_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, email text NOT NULL DEFAULT '',
  currency text NOT NULL DEFAULT 'USD', reference text NOT NULL DEFAULT '', is_default boolean NOT NULL DEFAULT false,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX ux_billing_accounts_name ON billing_accounts (organization_id, lower(name));
CREATE UNIQUE INDEX ux_billing_accounts_default ON billing_accounts (organization_id) WHERE is_default;

CREATE TABLE billing_info (
  organization_id uuid NOT NULL, id uuid NOT NULL, legal_name text NOT NULL DEFAULT '',
  address jsonb NOT NULL DEFAULT '{}', tax_id text NOT NULL DEFAULT '', purchase_order text NOT NULL DEFAULT '',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id), CHECK (id = organization_id));

CREATE TABLE billing_invoices (
  organization_id uuid NOT NULL, id uuid NOT NULL, account_id uuid, number text NOT NULL,
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'issued', 'paid', 'void')),
  currency text NOT NULL DEFAULT 'USD', lines jsonb NOT NULL DEFAULT '[]',
  net numeric(18, 2) NOT NULL DEFAULT 0, tax_percent numeric(5, 2) NOT NULL DEFAULT 0,
  total numeric(18, 2) NOT NULL DEFAULT 0, period_start date, period_end date, issued_on date, due_on date,
  paid_on date, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, number),
  FOREIGN KEY (organization_id, account_id) REFERENCES billing_accounts (organization_id, id));
CREATE INDEX ix_billing_invoices_account_id ON billing_invoices (organization_id, account_id);

CREATE TABLE billing_budgets (
  organization_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, usage_type text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0), thresholds jsonb NOT NULL DEFAULT '[50, 80, 100]',
  is_active boolean NOT NULL DEFAULT true, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE UNIQUE INDEX ux_billing_budgets_name ON billing_budgets (organization_id, lower(name));

CREATE TABLE billing_alerts (
  organization_id uuid NOT NULL, id uuid NOT NULL, budget_id uuid NOT NULL, period date NOT NULL,
  threshold integer NOT NULL, used bigint NOT NULL, amount bigint NOT NULL,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, budget_id, period, threshold),
  FOREIGN KEY (organization_id, budget_id) REFERENCES billing_budgets (organization_id, id) ON DELETE CASCADE);

CREATE TABLE billing_tickets (
  organization_id uuid NOT NULL, id uuid NOT NULL, subject text NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'pending', 'closed')),
  priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high')),
  labels jsonb NOT NULL DEFAULT '[]', created_by uuid, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id));
CREATE INDEX ix_billing_tickets_status ON billing_tickets (organization_id, status, updated_at);

CREATE TABLE billing_ticket_messages (
  organization_id uuid NOT NULL, id uuid NOT NULL, ticket_id uuid NOT NULL, body text NOT NULL, created_by uuid,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, ticket_id) REFERENCES billing_tickets (organization_id, id) ON DELETE CASCADE);
CREATE INDEX ix_billing_ticket_messages_ticket_id ON billing_ticket_messages (organization_id, ticket_id);

CREATE TABLE billing_announcements (
  id uuid PRIMARY KEY, title text NOT NULL, body text NOT NULL DEFAULT '',
  severity text NOT NULL DEFAULT 'info' CHECK (severity IN ('info', 'warning', 'critical')),
  starts_at timestamptz, ends_at timestamptz, row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE billing_terms (
  id uuid PRIMARY KEY, kind text NOT NULL, version integer NOT NULL, title text NOT NULL, body text NOT NULL,
  effective_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (kind, version));

CREATE TABLE billing_acceptances (
  organization_id uuid NOT NULL, id uuid NOT NULL, terms_id uuid NOT NULL, user_id uuid NOT NULL,
  accepted_at timestamptz NOT NULL DEFAULT now(), row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id), UNIQUE (organization_id, terms_id, user_id));
"""
_OF_ORGANIZATIONS = (
    "billing_accounts", "billing_info", "billing_invoices", "billing_budgets", "billing_alerts", "billing_tickets",
    "billing_ticket_messages", "billing_acceptances",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables, then close them."""
    op.execute(_TABLES)
    for table in _OF_ORGANIZATIONS:
        enable_rls(op, table)


def downgrade() -> None:
    """Drop them."""
    for table in (*reversed(_OF_ORGANIZATIONS), "billing_terms", "billing_announcements"):
        op.execute(f"DROP TABLE {table}")
