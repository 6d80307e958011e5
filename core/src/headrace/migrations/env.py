"""Applies revisions on the connection that `headrace.infra.migrate` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=False, version_table="alembic_version")
with context.begin_transaction():
    context.run_migrations()
