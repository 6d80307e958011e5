"""Alembic environment and the core branch. Inside the package, so that an installed wheel can migrate."""
