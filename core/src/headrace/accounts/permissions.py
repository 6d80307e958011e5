"""Roles as sets of `resource:action`, and who acts. Each role includes the one before."""

from __future__ import annotations

import re
from uuid import UUID

from msgspec import Struct

from headrace.sdk.errors import Denied

_READ = "workspace folder job flow version execution connection template dashboard report asset quality file"
_EDIT = "folder job flow connection template dashboard report file schedule trigger webhook quality"
_MORE = {
    "viewer": "comment:create",
    "operator": "flow:execute job:execute execution:cancel execution:retry approval:decide alert:acknowledge",
    "editor": "connection:test connection:query version:create draft:lock ai:use",
    "admin": "workspace:create workspace:update workspace:admin workspace:delete workspace:restore version:manage "
    "release:create share:manage grant:manage organization:manage_members organization:view_usage apikey:manage "
    "audit:read ai:use_premium ai:view_costs",
    "owner": "organization:update organization:delete organization:manage_billing purge:execute",
}
PLATFORM = frozenset({"plugin:manage", "edition:manage", "subscription:manage", "system:manage"})
ROLES = tuple(_MORE)


def _every(resources: str, *actions: str) -> set[str]:
    return {f"{resource}:{action}" for resource in resources.split() for action in actions}


def _every_of(resource: str, *actions: str) -> tuple[str, ...]:
    return tuple(f"{resource}:{action}" for action in actions)


def _build() -> dict[str, frozenset[str]]:
    own = {
        "viewer": _every(_READ, "read"),
        "editor": _every(_EDIT, "create", "update", "read"),
        "admin": _every(_EDIT, "delete", "restore"),
    }
    roles: dict[str, frozenset[str]] = {}
    held: frozenset[str] = frozenset()
    for role, more in _MORE.items():
        held = held | frozenset(more.split()) | own.get(role, set())
        roles[role] = held
    return roles


PERMISSIONS = _build()
"""Permissions by role."""

EVERY = PERMISSIONS["owner"] | PLATFORM
_ROLES = {
    "subscription-owner": "owner", "developer": "editor", "edit": "editor", "write": "editor", "read-write": "editor",
    "member": "operator", "execute": "operator", "user": "viewer", "view": "viewer", "read": "viewer",
}  # fmt: skip
_PERMISSIONS = {
    "read_flow": ("flow:read",), "write_flow": ("flow:create", "flow:update"), "delete_flow": ("flow:delete",),
    "manage_versions": ("version:manage",), "publish_flow": ("share:manage",), "admin_workspace": ("workspace:admin",),
    "manage_data_sources": _every_of("connection", "create", "update", "delete", "test"),
    "pipeline:run": ("flow:execute",), "can_edit_flow": ("flow:update",), "can_manage_versions": ("version:manage",),
    "can_publish": ("share:manage", "release:create"), "can_share": ("grant:manage",), "workspace:purge":
    ("purge:execute",), **{f"pipeline:{act}": (f"flow:{act}",) for act in ("create", "read", "update", "delete")},
    **{f"org:{act}": (f"organization:{act}",) for act in ("manage_members", "manage_billing", "view_usage")},
}  # fmt: skip


def role_named(name: str) -> str:
    """The role that a name, which may be an old one and in any case, stands for; what is none of ours as it is."""
    plain = re.sub(r"[\s_-]+", "-", name.strip().lower())
    ours = _ROLES.get(plain, plain)
    return ours if ours in PERMISSIONS else name


def permissions_named(name: str) -> tuple[str, ...]:
    """The permissions that a name, which may be an old one, stands for."""
    return _PERMISSIONS.get(name, (name,))


class Actor(Struct, frozen=True, kw_only=True):
    """Who acts, for which organization, and what they may do there.

    Attributes:
        user_id: None when the system acts (a schedule, the set-up).
        role: The name of one of ours, or the id of one that the organization has made, whose name is `role_name`.
        permissions: What they may do everywhere in the organization; grants (`access`) give more on single objects.
        session_id: The sign-in; None for the system and for API keys.
        key_id: The API key that acts for the user.
        scopes: What that key names, which bounds its grants too; None for a person.
    """

    organization_id: UUID
    user_id: UUID | None = None
    role: str = "viewer"
    role_name: str = ""
    permissions: frozenset[str] = frozenset()
    session_id: UUID | None = None
    key_id: UUID | None = None
    scopes: frozenset[str] | None = None
    is_platform_admin: bool = False

    def may(self, permission: str) -> bool:
        """Whether the role, or being platform admin, gives this permission."""
        return permission in self.permissions or (self.is_platform_admin and permission in PLATFORM)

    def require_scope(self, permission: str) -> None:
        """Go on only when no key acts, or one that names this permission.

        Raises:
            Denied: the key does not, whatever its owner may.
        """
        if self.scopes is not None and permission not in self.scopes:
            raise Denied(f"this API key does not include '{permission}'; use one that names it", permission=permission)

    def require(self, permission: str) -> None:
        """Go on only with this permission.

        Raises:
            Denied: without it.
            ValueError: no role has such a permission; a typing mistake must not deny silently.
        """
        if permission not in EVERY:
            raise ValueError(f"there is no permission {permission!r}")
        if not self.may(permission):
            self.require_scope(permission)
            name = self.role_name or self.role
            raise Denied(
                f"your role '{name}' does not include '{permission}'; ask an admin of the organization for it",
                permission=permission,
                role=name,
            )


def system_actor(organization_id: UUID) -> Actor:
    """The system itself, with an owner's permissions."""
    return Actor(organization_id=organization_id, role="owner", permissions=PERMISSIONS["owner"])
