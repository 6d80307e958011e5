"""What a call must be answered with, from rules of its own: neither guard nor roles of the product are asked."""

from __future__ import annotations

import re
from typing import Literal

from tests.tenancy.operations import Operation
from tests.tenancy.world import Principal

ROLES = ("viewer", "operator", "editor", "admin", "owner")
Least = Literal["public", "signed_in", "person", "viewer", "operator", "editor", "admin", "owner", "platform"]
Owner = Literal["own", "other", "nobody"]

RULES: tuple[tuple[str, Least], ...] = (
    # strangers
    (r"\w+ /api/v1/health(/\w+)?", "public"),
    (r"GET /api/v1/(setup|auth/providers)", "public"),
    (r"POST /api/v1/(setup|auth/(login|refresh|register|register/confirm|forgot-password|reset-password))", "public"),
    (r"POST /api/v1/(invitations/(look|accept)|resume/.+)|POST /hooks/.+", "public"),  # the address is the right
    (r"\w+ /api/v1/auth/providers/\{provider_id\}/(login|callback|metadata|start)", "public"),
    (r"GET /api/v1/connections/oauth/callback", "public"),  # the state and the browser's cookie are the right
    (r"\w+ /api/v1/files/\{file_id\}/content", "public"),  # the token is the right
    # the billing side
    (r"POST /api/v1/terms/\{terms_id\}/accept", "person"),
    (r"GET /api/v1/terms/\{terms_id\}/acceptances", "admin"),
    (r"GET /api/v1/(announcements|terms)(/.+)?|\w+ /api/v1/tickets(/.+)?", "signed_in"),
    (r"(POST|PATCH) /api/v1/billing/invoices(/.+)?|\w+ /api/v1/(announcements|terms)(/.+)?", "platform"),
    (r"GET /api/v1/budgets(/.+)?", "admin"),
    (r"\w+ /api/v1/(billing|budgets)(/.+)?", "owner"),
    # whoever is signed in, and whoever is not a program
    (r"GET /api/v1/(auth/me|editions|features(/.+)?|(connectors|node-types|plugins|plans|roles)(/.+)?)", "signed_in"),
    (r"GET /api/v1/(permissions/check|organizations/\{organization_id\})", "signed_in"),
    (r"(GET|POST) /api/v1/organizations|POST /api/v1/organizations/\{organization_id\}/(leave|switch)", "person"),
    (r"\w+ /api/v1/(auth|sessions|api-keys|ws-tickets)(/.+)?", "person"),
    # the installation
    (r"\w+ /api/v1/(plans|subscriptions|editions|features|plugins)(/.+)?", "platform"),
    (r"\w+ /api/v1/(system|workers|users)(/.+)?|POST /api/v1/queues/\{queue\}/.+", "platform"),
    # the organization, people, robots and workspaces
    (r"\w+ /api/v1/organizations/\{organization_id\}/members(/.+)?", "admin"),
    (r"\w+ /api/v1/(organizations|identity-providers)(/.+)?", "owner"),
    (
        r"\w+ /api/v1/(members|invitations|service-accounts|groups|roles|permissions|websocket-connections)(/.+)?",
        "admin",
    ),
    (r"(POST|PATCH|PUT) /api/v1/workspaces(/\{workspace_id\}(/restore)?)?", "admin"),
    # doing, deciding
    (r"POST .+/(execute|run|cancel|retry|discard|compensate|approve|reject|delegate|address|replay)", "operator"),
    # reading what is inside, and what calls from outside
    (r"GET /api/v1/connections/\{connection_id\}/.+", "editor"),
    (r"GET /api/v1/triggers/types", "viewer"),
    (r"GET .+/triggers", "editor"),
    (r"GET /api/v1/(triggers|schedules|calendars|backfills|webhooks|event-subscriptions)(/.+)?", "editor"),
    # reading with a body, and taking a mark away
    (r"POST .+/(validate|try)", "viewer"),
    (r"DELETE .+/(pin|oauth|mappings/\{mapping_id\})", "editor"),
    (r"GET .+", "viewer"),
    (r"(POST|PUT|PATCH) .+", "editor"),
    (r"DELETE .+", "admin"),
)
"""The least that may, the first rule that fits; what no rule names falls to its method."""
EXCEPTIONS: dict[str, Least] = {
    "backfills_cancel_backfill": "editor",  # a plan of executions is changed, none is cancelled
    "executions_cancel_executions": "operator",
    "executions_retry_executions": "operator",
    "flows_restore_flow": "admin",  # who may delete it
    "folders_restore_folder": "admin",
    "connections_restore_connection": "admin",
    "files_restore_file": "admin",
    "waits_resume_execution": "operator",
    "deletions_list_deletions": "admin",  # what they could bring back
}  # fmt: skip


def least(operation: Operation) -> Least:
    """The least role, or less than a role."""
    if operation.id in EXCEPTIONS:
        return EXCEPTIONS[operation.id]
    told = f"{operation.method} {operation.path}"
    return next(level for pattern, level in RULES if re.fullmatch(pattern, told))


def expected(operation: Operation, principal: Principal, owner: Owner) -> int:
    """401, 403, 404 as if it were not there, or 0: let through, whatever comes then."""
    level = least(operation)
    if level == "public":
        return 0
    if not principal.alive:
        return 401
    if level == "person":
        refused = principal.scopes is not None
    elif level == "signed_in":
        refused = False
    elif principal.scopes is not None and operation.access not in principal.scopes:
        refused = True
    elif level == "platform":
        refused = not principal.platform
    else:
        refused = ROLES.index(principal.role) < ROLES.index(level)
    if refused or not principal.proves_itself(operation.method):
        return 403
    return 404 if owner != "own" and operation.ids else 0
