"""Firebird: reads and writes tables of Firebird."""

from typing import Annotated

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, Field, hookimpl

DOCS = """Reads and writes tables of Firebird 3 and later. The client library must be where the workers are
(Debian: `libfbclient2`).

Rows and the note of their effect are one transaction. Tables are made and changed before it, because Firebird shows
them to nobody before they are committed. Times are kept to a ten-thousandth of a second; finer ones are refused."""


class FirebirdConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 3050
    database: Annotated[
        str, Field("Database", "Alias, or path on the server.", examples=["shop", "/data/shop.fdb"], order=2)
    ]


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Firebird", "Tables of Firebird", FirebirdConfig, proof="real server",
            effect=EffectClass.IDEMPOTENT, docs=DOCS,
        )
    ]  # fmt: skip
