"""What a grant may give. Pure: levels are our roles, cut down to what is about single objects."""

from __future__ import annotations

from typing import Literal

from headrace.accounts.permissions import PERMISSIONS

Level = Literal["view", "execute", "edit", "admin"]

_OBJECTS = frozenset({
    "workspace", "folder", "job", "flow", "version", "execution", "connection", "schedule", "trigger", "webhook",
    "approval", "draft", "comment", "share", "grant", "release",
})  # fmt: skip
GRANTABLE = frozenset(name for name in PERMISSIONS["owner"] if name.partition(":")[0] in _OBJECTS)
"""Permissions that are about an object; the others a role gives, or nothing does."""

USE = "connection:query"
"""What it takes to let a flow work with a connection."""

LEVELS: dict[str, frozenset[str]] = {
    "view": PERMISSIONS["viewer"] & GRANTABLE,
    "execute": (PERMISSIONS["operator"] & GRANTABLE) | {"connection:test", USE},
    "edit": PERMISSIONS["editor"] & GRANTABLE,
    "admin": PERMISSIONS["admin"] & GRANTABLE,
}
"""Permissions by level, each including the one before. To execute something includes to use its connections."""


def levels_with(permission: str) -> list[str]:
    """Levels that include a permission."""
    return [level for level, permissions in LEVELS.items() if permission in permissions]


def roles_with(permission: str) -> list[str]:
    """Roles of ours that include it."""
    return [role for role, permissions in PERMISSIONS.items() if permission in permissions]
