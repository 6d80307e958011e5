"""The work: the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_mssql import MssqlConfig

_ROLES = (
    "db_owner", "db_accessadmin", "db_securityadmin", "db_ddladmin", "db_backupoperator", "db_datareader",
    "db_datawriter", "db_denydatareader", "db_denydatawriter",
)  # fmt: skip


def _swap(connection: sa.Connection, stage: sa.Table, target: sa.Table) -> None:
    """Drop and rename; DDL is part of the transaction there."""
    target.drop(connection)
    old = connection.dialect.identifier_preparer.format_table(stage)
    connection.execute(sa.text("EXEC sp_rename :old, :new"), {"old": old, "new": target.name})


class MssqlConnector(DriverConnector[MssqlConfig]):
    """One Microsoft SQL Server database."""

    driver = "mssql+mssqlpython"
    package = "headrace-connector-mssql"
    dialect = "tsql"
    system_schemas = frozenset({"INFORMATION_SCHEMA", "sys", "guest", *_ROLES})
    traits = Traits(temporary=(), swap=_swap, retype="ALTER TABLE %(table)s ALTER COLUMN %(column)s %(type)s")
