"""Old and short addresses: one table, rewritten before routing, so that the same handler and the same guard answer."""

from __future__ import annotations

API, V1 = "/api", "/api/v1"
SAME = (
    "auth", "users", "groups", "permissions", "subscriptions", "features", "workspaces", "folders", "jobs",
    "executions", "versions", "lineage", "audit", "deletions",
)  # fmt: skip
"""Families that are reached without the version as well."""
ALIASES: dict[str, str] = {
    **{f"{API}/{family}": f"{V1}/{family}" for family in SAME},
    f"{API}/workflows": f"{V1}/flows",
    f"{V1}/workflows": f"{V1}/flows",
    f"{API}/jobpackages": f"{V1}/job-packages",
    f"{V1}/jobpackages": f"{V1}/job-packages",
    f"{API}/connectors": f"{V1}/connections",
    f"{API}/connector-types": f"{V1}/connectors",
}
"""What an address begins with, and what it stands for."""
INSIDE = {("jobs", "workflows"): "flows"}
"""Below an object of a family: `/jobs/{id}/workflows`."""


def canonical(path: str) -> str:
    """The address that an alias stands for; every other one as it is."""
    if not path.startswith("/api/"):
        return path
    parts = path.split("/")
    head = 4 if parts[2] == "v1" else 3
    found = ALIASES.get("/".join(parts[:head]))
    if found is not None:
        parts = [*found.split("/"), *parts[head:]]
    if len(parts) > 5 and parts[2] == "v1" and (inside := INSIDE.get((parts[3], parts[5]))) is not None:
        parts[5] = inside
    return "/".join(parts)
