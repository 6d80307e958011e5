"""Guests: people without a role who are granted one flow. What asks for its objects itself (`scoped`) shows no others.

Each such operation has a line; one without fails.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from headrace.access import grants, resolve
from headrace.accounts.permissions import Actor
from headrace.connections import service as connections
from headrace.flows import service as flows
from headrace.flows import trash
from headrace.jobs import service as jobs
from headrace.triggers import backfills
from headrace.triggers import service as triggers
from headrace.workspaces import service as workspaces
from headrace.workspaces import tree
from headrace_web.api import backfills as backfills_api
from headrace_web.api import executions as executions_api
from headrace_web.api import schedules, waits, webhooks
from headrace_web.guards import SCOPED, handlers
from msgspec import Struct

from tests.guards.removals import Removal, Take, let_in, put, yes_in_time
from tests.guards.stage import API, Look, Stage
from tests.tenancy.operations import plain_path
from tests.tenancy.things import make
from tests.tenancy.world import Principal


class Line(Struct, frozen=True):
    """What a guest asks, and the guard that keeps the answer to what is theirs.

    Attributes:
        body: Of the request.
        view: The guest may look at the flow of everybody as well.
    """

    take: Take | None
    body: dict[str, Any] | None = None
    view: bool = False


def everything(*_: Any) -> sa.ColumnElement[bool]:
    """Guards no list."""
    return sa.true()


def no_bounds(*_: Any) -> None:
    """Guards no statement."""


_TREE = put(tree, "reach", let_in)
_LISTED = put(triggers, "reached", everything)
_HERE = {"workspace_id": "{workspace_id}"}
_NAMED: dict[str, Any] = {**_HERE, "name": "of a guest"}
_SPAN = {"target": "{flow_id}", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
_GIVEN = {"object_type": "flow", "object_id": "{flow_id}", "user_id": "{user_id}", "level": "view"}

LINES: dict[str, Line] = {
    "flows_list_flows": Line(put(flows, "reached", everything)),
    "jobs_list_all_jobs": Line(put(jobs, "reached", everything)),
    "jobs_list_packages": Line(put(jobs, "reached", everything)),
    "workspaces_list_workspaces": Line(put(workspaces, "reached", everything)),
    "workspaces_list_folders": Line(put(tree, "reached", everything)),
    "connections_list_connections": Line(put(connections, "reached", everything)),
    "node_types_list_options": Line(put(connections, "reached", everything), {"field": "connection"}),
    "triggers_list_triggers": Line(_LISTED),
    "schedules_list_schedules": Line(_LISTED),
    "schedules_list_next": Line(_LISTED),
    "webhooks_list_webhooks": Line(_LISTED),
    "backfills_list_backfills": Line(put(backfills, "reach_of", no_bounds)),
    "executions_list_executions": Line(put(executions_api, "reach_of", no_bounds)),
    "executions_summarize_executions": Line(put(executions_api, "reach_of", no_bounds)),
    "waits_list_approvals": Line(put(waits, "reach_of", no_bounds)),
    "permissions_list_grants": Line(put(Actor, "require", lambda *_: None)),
    "triggers_list_trigger_types": Line(None),  # of the installation
    "realtime_stream_events": Line(None),  # asks for each channel: web/tests/test_ws_socket.py
    "deletions_list_deletions": Line(put(trash, "reached", everything)),
    "flows_create_flow": Line(_TREE, _NAMED),
    "flow_files_import_flow": Line(_TREE, {**_HERE, "text": "headrace: 1\nname: of a guest\n"}),
    "templates_use_template": Line(_TREE, _HERE),
    "integrations_list_integrations": Line(None),  # the list of connections above, of fewer connectors
    "integrations_create_integration": Line(
        put(workspaces, "reach", let_in),
        {**_HERE, "service_name": "x", "service_url": "https://n8n.example.org", "credentials": {"api_key": "k"}},
    ),
    "integrations_sync_workflows": Line(_TREE, {**_HERE, "n8n_url": "http://127.0.0.1:1", "api_key": "k"}),
    "jobs_create_job": Line(_TREE, _NAMED),
    "jobs_create_package": Line(_TREE, _NAMED),
    "workspaces_create_folder": Line(_TREE, {"name": "of a guest"}),
    "connections_create_connection": Line(
        put(workspaces, "reach", let_in), {**_NAMED, "connector": "local_files", "config": {"root": "."}}
    ),
    "schedules_create_schedule": Line(
        put(schedules, "reach", let_in), {"name": "x", "flow_id": "{flow_id}", "expression": "0 7 * * *"}
    ),
    "webhooks_create_webhook": Line(put(webhooks, "reach", let_in), {"name": "x", "flow_id": "{flow_id}"}),
    "backfills_create_backfill": Line(put(backfills_api, "reach", let_in), _SPAN),
    "permissions_give_grant": Line(put(grants, "reach", let_in), _GIVEN, view=True),
    "permissions_take_grant": Line(put(grants, "may", yes_in_time), view=True),
}  # fmt: skip


def scoped(stage: Stage) -> set[str]:
    """Operations that ask for their objects themselves."""
    by = {(one.path, one.method): one.id for one in stage.document.operations}
    return {
        by[plain_path(path), method]
        for path, handler in handlers(stage.site.app)
        for method in getattr(handler, "http_methods", ())
        if handler.opt.get(SCOPED) and method != "OPTIONS"
    }


async def guest(stage: Stage, *, view: bool = False, granted: bool = True) -> tuple[Principal, str]:
    """Somebody without a role, who administers a new flow; and its id."""
    role = await stage.call("owner", "POST", f"{API}/roles", {"name": stage.site.unique(stage.mine), "permissions": []})
    who = await stage.site.person(stage.mine, role.json()["data"]["id"], name="guest")
    flow = await make(stage.site, stage.mine, "flow_id")
    for object_id, level in ((flow, "admin"),) * granted + ((stage.mine.ids["flow_id"], "view"),) * view:
        given = {"object_type": "flow", "object_id": object_id, "user_id": str(who.actor.user_id), "level": level}
        made = await stage.call("owner", "POST", f"{API}/permissions", given)
        assert made.status_code == 201, made.text
    return who, flow


def only_theirs(operation: str) -> Look:
    """Whether a guest of one flow meets another thing there, or makes one."""

    async def look(stage: Stage) -> list[str]:
        who, flow = await guest(stage, view=LINES[operation].view)
        answer = await _ask(stage, operation, who)
        if answer.status_code in {403, 404}:
            return []
        if answer.status_code != 200 or "_take_" in operation:
            return [f"{operation}: {answer.status_code} {answer.text[:200]}"]
        shown = answer.json()["data"]
        rows = shown["options"] if isinstance(shown, dict) else shown
        return [f"shows {row}" for row in rows if row.get("id") != flow and not _is_empty(row)]

    return look


def _is_empty(row: dict[str, Any]) -> bool:
    """Of a summary: no execution began in this part of the time."""
    return {row.get(name) for name in ("completed", "failed", "cancelled", "open")} == {0}


async def nobodys(stage: Stage) -> list[str]:
    """Whether somebody who is granted nothing comes to any of these operations."""
    who, _ = await guest(stage, granted=False)
    answers = {operation: await _ask(stage, operation, who) for operation in sorted(LINES)}
    return [f"{name}: {one.status_code}" for name, one in answers.items() if "permission" not in _details(one)]


def _details(answer: Any) -> dict[str, Any]:
    return answer.json()["error"]["details"] if answer.status_code == 403 else {}


async def _ask(stage: Stage, operation: str, who: Principal) -> Any:
    found = next(one for one in stage.document.operations if one.id == operation)
    ids = {**stage.mine.ids, "type_id": "local_files.read", "template_id": "each_item"}
    body = LINES[operation].body
    filled = {name: one.format(**ids) if isinstance(one, str) else one for name, one in body.items()} if body else None
    return await stage.site.call(found.method, found.address(ids), who.headers, filled)


REMOVALS = (
    Removal("a grant of anything at all", put(resolve, "require_anywhere", let_in), nobodys),
    *(
        Removal(f"what a guest is not granted: {operation}", line.take, only_theirs(operation))
        for operation, line in LINES.items()
        if line.take is not None
    ),
)
