"""Snowflake: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import tables_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl

DOCS = """Reads tables of Snowflake, and SELECTs under the SQL policy.

Reads only for now. Names in capitals there are in small letters here.

Reads are tested against fakesnow, not against Snowflake itself; signing in is not. Install
`headrace-connector-snowflake[driver]` where the workers are."""


class SnowflakeConfig(Config, kw_only=True):
    """How to reach it."""

    account: Annotated[str, Field("Account", "As in its address, e.g. `org-account`.", pattern=r"^[A-Za-z0-9_.-]+$")]
    user: Annotated[str, Field("User")]
    password: Annotated[Secret, Field("Password", "Or a programmatic access token.")]
    database: Annotated[str, Field("Database")]
    schema: Annotated[str, Field("Schema")] = "PUBLIC"
    warehouse: Annotated[str, Field("Warehouse")] = ""
    role: Annotated[str, Field("Role")] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Snowflake", "Tables of Snowflake", SnowflakeConfig, proof="emulator", waits=True, docs=DOCS,
        )
    ]  # fmt: skip
