"""Old and short addresses: one table, rewritten before routing, so that the same handler and the same guard answer.

An address of which the canonical one does not exist is none of ours either: it leads to what is not there.
"""

from __future__ import annotations

import re

API, V1 = "/api", "/api/v1"
SAME = (
    "auth", "users", "groups", "permissions", "subscriptions", "features", "workspaces", "folders", "jobs",
    "executions", "versions", "lineage", "audit", "deletions",
)  # fmt: skip
"""Families that are reached without the version as well."""
MONITORING = f"{V1}/process-monitoring"
ALIASES: dict[str, str] = {
    **{f"{API}/{family}": f"{V1}/{family}" for family in SAME},
    f"{API}/workflows": f"{V1}/flows",
    f"{V1}/workflows": f"{V1}/flows",
    f"{API}/jobpackages": f"{V1}/job-packages",
    f"{V1}/jobpackages": f"{V1}/job-packages",
    f"{API}/connectors": f"{V1}/connections",
    f"{API}/connector-types": f"{V1}/connectors",
    f"{V1}/pipelines": f"{V1}/flows",
    f"{MONITORING}/flows": f"{V1}/flows",
    f"{MONITORING}/workspaces": f"{V1}/workspaces",
    f"{MONITORING}/data-sources": f"{V1}/connections",
    f"{MONITORING}/public": f"{V1}/public",
}
"""What an address begins with, and what it stands for."""
KINDS = {f"{V1}/pipelines": "pipeline", f"{MONITORING}/flows": "monitoring"}
"""Families that are the flows of one kind: those that are listed, and those that are made."""
INSIDE = {
    f"{API}/jobs": {"workflows": "flows"},
    f"{V1}/jobs": {"workflows": "flows"},
    f"{V1}/pipelines": {"run": "execute", "runs": "executions"},
    f"{MONITORING}/flows": {"publish": "shares"},
    f"{API}/lineage": {"workflows": "flows"},
    f"{V1}/lineage": {"workflows": "flows"},
}
"""Below an object of a family: `/jobs/{id}/workflows`; of lineage, below itself."""
_VERB = re.compile(r"(.*/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([a-z-]+)")


def canonical(path: str) -> str:
    """The address that an alias stands for; every other one as it is."""
    return rewritten(path, b"")[0]


def rewritten(path: str, query: bytes) -> tuple[str, bytes]:
    """The address and the query that an alias stands for; every other one as they are."""
    if not path.startswith("/api/"):
        return path, query
    if (verb := _VERB.fullmatch(path)) is not None:
        path = f"{verb[1]}/{verb[2]}"
    parts = path.split("/")
    for length in (5, 4, 3):
        family = "/".join(parts[:length])
        if length <= len(parts) and (family in ALIASES or family in INSIDE):
            tail = parts[length:]
            at = 0 if family.endswith("/lineage") else 1
            if len(tail) > at and (inside := INSIDE.get(family, {}).get(tail[at])) is not None:
                tail[at] = inside
            if not any(tail) and family in KINDS:
                query = _of_kind(query, KINDS[family])
            return "/".join([ALIASES.get(family, family), *tail]), query
    return path, query


def _of_kind(query: bytes, kind: str) -> bytes:
    given = [part for part in query.split(b"&") if part and not part.startswith(b"kind=")]
    return b"&".join([*given, f"kind={kind}".encode()])
