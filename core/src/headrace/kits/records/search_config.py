"""Fields that the declarations of search servers share. Imports no driver."""

from __future__ import annotations

from typing import Annotated

from headrace.kits.records.declare import Port, ReadOptions, Server
from headrace.sdk.config import Field


class SearchServer(Server, kw_only=True):
    """How to reach a cluster."""

    port: Port = 9200


class SearchReadOptions(ReadOptions, kw_only=True):
    """Which documents, and how they become columns."""

    query: Annotated[
        str, Field("Query", "Query DSL as JSON; empty reads all.", widget="code", language="json",
                   examples=['{"term": {"state": "open"}}'], order=3)
    ] = ""  # fmt: skip
