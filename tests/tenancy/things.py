"""How to make one of each thing that a path parameter, a query or a body may name."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from headrace.accounts import letters
from headrace.accounts import service as accounts
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id

from tests.tenancy.operations import Document, resource_of
from tests.tenancy.world import Principal, Side, Site, people_of

API = "/api/v1"
FLOW = """
{"nodes": [
  {"id": "rows", "position": {"x": 0, "y": 0},
   "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}},
  {"id": "few", "position": {"x": 0, "y": 0}, "data": {"nodeType": "transform.limit", "config": {"rows": 2}}}],
 "edges": [{"id": "e", "source": "rows", "target": "few"}]}
"""
CANVAS: dict[str, Any] = json.loads(FLOW)
MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "workspace_id": ("/workspaces", {}),
    "folder_id": ("/workspaces/{workspace_id}/folders", {}),
    "flow_id": ("/flows", {"workspace_id": "{workspace_id}", "definition": CANVAS, "status": "active"}),
    "connection_id": ("/connections", {"connector": "local_files", "config": {"root": "."}}),
    "trigger_id": ("/flows/{flow_id}/triggers", {"trigger_type": "manual"}),
    "schedule_id": ("/schedules", {"flow_id": "{flow_id}", "expression": "0 7 * * *"}),
    "webhook_id": ("/webhooks", {"flow_id": "{flow_id}", "authentication": "none"}),
    "subscription_id": ("/event-subscriptions", {"url": "https://hooks.example.org/in", "events": ["connection.*"]}),
    "calendar_id": ("/calendars", {}),
    "backfill_id": (
        "/backfills", {"target": "{flow_id}", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
    ),
    "job_id": ("/jobs", {"workspace_id": "{workspace_id}", "flows": [{"flow_id": "{flow_id}"}]}),
    "package_id": ("/job-packages", {"workspace_id": "{workspace_id}", "job_ids": ["{job_id}"]}),
    "account_id": ("/service-accounts", {}),
    "invitation_id": ("/invitations", {}),
    "group_id": ("/groups", {}),
    "role_id": ("/roles", {"permissions": ["flow:read"]}),
    "provider_id": ("/identity-providers", {"provider": "proxy", "config": {"trusted": ["192.0.2.1"]}}),
    "key_id": ("/api-keys", {"permissions": ["flow:read"]}),
    "billing_account_id": ("/billing/accounts", {}),
    "budget_id": ("/budgets", {"usage_type": "flows", "amount": 5}),
}  # fmt: skip
"""Made by a POST: where, and with what beside a name."""
BOUNDED = {"provider_id": "DELETE FROM identity_providers WHERE id <> :kept"}
"""Of which an organization may have few: those that earlier cells have left go first."""
NAMELESS = {"backfill_id", "invitation_id"}
STATEMENTS: dict[str, tuple[str, str]] = {
    "wait_id": ("execution_id", """
INSERT INTO waits (organization_id, id, execution_id, segment_no, node_id, kind, token_hash, title)
VALUES (:o, :id, :of, 0, 'few', 'approval', '\\x00', :name)"""),
    "asset_id": ("connection_id", """
INSERT INTO assets (organization_id, id, connection_id, object) VALUES (:o, :id, :of, :name)"""),
    "delivery_id": ("subscription_id", """
INSERT INTO event_deliveries (organization_id, id, subscription_id, event_id, event, payload)
VALUES (:o, :id, :of, :id, :name, '{}')"""),
    "identity_id": ("provider_id", """
INSERT INTO identities (organization_id, id, provider_id, subject, user_id)
SELECT :o, :id, :of, :name, user_id FROM memberships WHERE organization_id = :o LIMIT 1"""),
}  # fmt: skip
"""Made by what runs in the background: of which thing, and its row."""

Factory = Callable[[Site, Side, Principal], Awaitable[str]]


async def make(site: Site, side: Side, what: str, by: Principal | None = None, *, operation: str = "") -> str:
    """A new one, in the state that an operation wants; keys, sign-ins and tickets are of `by`.

    Raises:
        KeyError: nobody has said how; say so here.
    """
    if what == "ticket_id":
        return await _ticket(site, side, by or side.owner)
    by = by if by is not None and by.actor is not None else side.owner
    if operation in READY:
        begun, statement = READY[operation]
        id_ = await begun(site, side, by)
        async with site.services.database.transaction(side.organization_id) as session:
            await session.execute(sa.text(statement), {"id": UUID(id_)})
        return id_
    if what in STATEMENTS:
        return await _inserted(site, side, what)
    return await OWN[what](site, side, by) if what in OWN else await _posted(site, side, what, by)


def known() -> frozenset[str]:
    """All that can be made."""
    return frozenset([*MADE, *STATEMENTS, *OWN, "ticket_id"])


async def _posted(site: Site, side: Side, what: str, by: Principal) -> str:
    path, body = MADE[what]
    if what in BOUNDED and what in side.ids:
        async with site.services.database.transaction(side.organization_id) as session:
            await session.execute(sa.text(BOUNDED[what]), {"kept": UUID(side.ids[what])})
    who = by if what == "key_id" else side.owner
    if not who.proves_itself("POST"):
        who = await site.again(side, who)
    named = {} if what in NAMELESS else {"name": site.unique(side)}
    if what == "invitation_id":
        named = {"email": f"{site.unique(side).replace(' ', '.')}@example.org"}
    answer = await site.call("POST", API + _filled(path, side), who.headers, {**_filled(body, side), **named})
    if answer.status_code not in {201, 202}:
        raise RuntimeError(f"no {what}: {answer.status_code} {answer.text}")
    return str(answer.json()["data"]["id"])


def _filled(value: Any, side: Side) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, side) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, side) for one in value]
    return value.format(**side.ids) if isinstance(value, str) else value


async def _inserted(site: Site, side: Side, what: str) -> str:
    of, statement = STATEMENTS[what]
    parent = await make(site, side, of) if what == "wait_id" else side.ids[of]
    id_ = new_id()
    async with site.services.database.transaction(side.organization_id) as session:
        values = {"o": side.organization_id, "id": id_, "of": UUID(parent), "name": site.unique(side)}
        await session.execute(sa.text(statement), values)
    return str(id_)


async def _started(site: Site, side: Side, _by: Principal) -> str:
    answer = await site.call("POST", f"{API}/flows/{side.ids['flow_id']}/execute", side.owner.headers, {})
    return str(answer.json()["data"]["id"])


async def _checked_in(site: Site, side: Side, by: Principal) -> str:
    """A flow with a version."""
    id_ = await make(site, side, "flow_id", by)
    await site.call("POST", f"{API}/flows/{id_}/versions", side.owner.headers, {})
    return id_


async def _execution(site: Site, side: Side, by: Principal) -> str:
    """One that has ended, or those who follow it would wait."""
    id_ = await _started(site, side, by)
    await site.call("POST", f"{API}/executions/{id_}/cancel", side.owner.headers)
    return id_


async def _call(site: Site, side: Side, _by: Principal) -> str:
    shown = await site.call("GET", f"{API}/webhooks/{side.ids['webhook_id']}", side.owner.headers)
    place = shown.json()["data"]["url"].partition("/hooks/")[2]
    answer = await site.call("POST", f"/hooks/{place}", {}, {"told": side.canary})
    if answer.status_code != 202:
        raise RuntimeError(f"no call: {answer.status_code} {answer.text}")
    listed = await site.call("GET", f"{API}/webhooks/{side.ids['webhook_id']}/calls", side.owner.headers)
    return str(listed.json()["data"][0]["id"])


async def _grant(site: Site, side: Side, _by: Principal) -> str:
    """Of a group of its own: nobody is granted the same twice."""
    given = {"object_type": "flow", "level": "view", "object_id": side.ids["flow_id"]}
    given["group_id"] = await make(site, side, "group_id")
    answer = await site.call("POST", f"{API}/permissions", side.owner.headers, given)
    if answer.status_code != 201:
        raise RuntimeError(f"no grant: {answer.status_code} {answer.text}")
    return str(answer.json()["data"]["id"])


async def _session(site: Site, side: Side, by: Principal) -> str:
    return str((await site.again(side, by)).actor.session_id)


async def _member(site: Site, side: Side, _by: Principal) -> str:
    return str((await site.person(side, "viewer")).actor.user_id)


async def _letter(site: Site, side: Side, _by: Principal) -> str:
    async with site.services.database.transaction() as session:
        email = f"{site.unique(side).replace(' ', '.')}@example.org"
        user = await accounts.create_user(session, email=email, password=None, full_name=side.canary)
        letter = await letters.write(session, "reset_password", user.email)
        return str(letter.id)


async def _itself(_site: Site, side: Side, _by: Principal) -> str:
    """A subscription is known by its organization; who may manage them manages all."""
    return str(side.organization_id)


async def _home(site: Site, side: Side, _by: Principal) -> str:
    """The organization with a database of its own, which nobody has begun to make."""
    async with site.services.database.transaction() as session:
        begin = "INSERT INTO homes (id, place) VALUES (:id, :place) ON CONFLICT DO NOTHING"
        await session.execute(sa.text(begin), {"id": side.organization_id, "place": f"h_{side.organization_id.hex}"})
    return str(side.organization_id)


async def _invoice(site: Site, side: Side, _by: Principal) -> str:
    """Written by a platform admin for the organization."""
    id_ = new_id()
    async with site.services.database.transaction(side.organization_id) as session:
        draft = "INSERT INTO billing_invoices (organization_id, id, number) VALUES (:o, :id, :number)"
        await session.execute(sa.text(draft), {"o": side.organization_id, "id": id_, "number": site.unique(side)})
    return str(id_)


async def _ticket(site: Site, side: Side, by: Principal) -> str:
    """Of whoever asks: others of the organization may not see it."""
    id_, who = new_id(), by.robot_id or (by.actor or side.owner.actor).user_id
    async with site.services.database.transaction(side.organization_id) as session:
        ask = "INSERT INTO billing_tickets (organization_id, id, subject, created_by) VALUES (:o, :id, :subject, :who)"
        values = {"o": side.organization_id, "id": id_, "subject": site.unique(side), "who": who}
        await session.execute(sa.text(ask), values)
    return str(id_)


async def _announcement(site: Site, _side: Side, _by: Principal) -> str:
    id_ = new_id()
    async with site.services.database.transaction() as session:
        write = "INSERT INTO billing_announcements (id, title) VALUES (:id, 'Tonight')"
        await session.execute(sa.text(write), {"id": id_})
    return str(id_)


async def _terms(site: Site, _side: Side, _by: Principal) -> str:
    id_ = new_id()
    async with site.services.database.transaction() as session:
        issue = """
            INSERT INTO billing_terms (id, kind, version, title, body)
            SELECT :id, 'tos', coalesce(max(version), 0) + 1, 'Terms', 'Be kind.' FROM billing_terms"""
        await session.execute(sa.text(issue), {"id": id_})
    return str(id_)


async def _file(site: Site, side: Side, _by: Principal) -> str:
    """Announced; its content is yet to come."""
    answer = await site.call("POST", f"{API}/files", side.owner.headers, {"name": f"{site.unique(side)}.csv"})
    if answer.status_code != 201:
        raise RuntimeError(f"no file: {answer.status_code} {answer.text}")
    return str(answer.json()["data"]["id"])


async def _mapping(site: Site, side: Side, _by: Principal) -> str:
    """Of the side's connection, which has one of a kind at most: what an earlier cell has left goes first."""
    id_, kind = new_id(), "measurement_data" if "mapping_id" in side.ids else "equipment_status"
    values = {"o": side.organization_id, "id": id_, "of": UUID(side.ids["connection_id"]), "kind": kind}
    async with site.services.database.transaction(side.organization_id) as session:
        for statement in (
            "DELETE FROM connection_mappings WHERE organization_id = :o AND connection_id = :of AND data_type = :kind",
            """
INSERT INTO connection_mappings (organization_id, id, connection_id, data_type, source_table_name)
VALUES (:o, :id, :of, :kind, 'machines')""",
        ):
            await session.execute(sa.text(statement), values)
    return str(id_)


async def _integration(site: Site, side: Side, _by: Principal) -> str:
    """A connection that has flows."""
    body = {
        "service_name": site.unique(side),
        "service_url": "https://n8n.example.org",
        "credentials": {"api_key": "k"},
    }
    answer = await site.call("POST", f"{API}/integrations", side.owner.headers, body)
    if answer.status_code != 201:
        raise RuntimeError(f"no integration: {answer.status_code} {answer.text}")
    return str(answer.json()["data"]["id"])


OWN: dict[str, Factory] = {
    "file_id": _file, "mapping_id": _mapping,
    "execution_id": _execution, "other_id": _execution, "call_id": _call, "grant_id": _grant, "session_id": _session,
    "user_id": _member, "letter_id": _letter, "subscriber_id": _itself, "person_id": _member, "home_id": _home,
    "invoice_id": _invoice, "announcement_id": _announcement, "terms_id": _terms,
    "object_id": lambda site, side, by: make(site, side, "flow_id", by),
}  # fmt: skip
_DEAD = (_started, "UPDATE segment_runs SET status = 'dead' WHERE execution_id = :id")
_KEPT = (_integration, "UPDATE connections SET name = name WHERE id = :id")
READY: dict[str, tuple[Factory, str]] = {
    "integrations_get_integration": _KEPT,
    "integrations_update_integration": _KEPT,
    "integrations_replace_integration": _KEPT,
    "integrations_delete_integration": _KEPT,
    "integrations_sync_integration": _KEPT,
    "queues_retry_dead_letter": _DEAD,
    "queues_discard_dead_letter": _DEAD,
    "flow_files_revert": (_checked_in, "UPDATE flows SET name = name WHERE id = :id"),
    "flows_restore_flow": (
        lambda site, side, by: make(site, side, "flow_id", by),
        "UPDATE flows SET deleted_at = clock_timestamp() WHERE id = :id",
    ),
    "folders_restore_folder": (
        lambda site, side, by: make(site, side, "folder_id", by),
        "UPDATE folders SET deleted_at = clock_timestamp() WHERE id = :id",
    ),
    "files_restore_file": (
        lambda site, side, by: make(site, side, "file_id", by),
        "UPDATE files SET deleted_at = clock_timestamp() WHERE id = :id",
    ),
    "files_sign_download": (
        lambda site, side, by: make(site, side, "file_id", by),
        """
UPDATE files SET status = 'ready', object_key = 'x', sha256 = repeat('0', 64), uploaded_at = now() WHERE id = :id""",
    ),
    "connections_restore_connection": (
        lambda site, side, by: make(site, side, "connection_id", by),
        "UPDATE connections SET deleted_at = clock_timestamp() WHERE id = :id",
    ),
    "workspaces_restore_workspace": (
        lambda site, side, by: make(site, side, "workspace_id", by),
        "UPDATE workspaces SET deleted_at = clock_timestamp() WHERE id = :id",
    ),
}
"""What an operation wants its thing to be before it is called."""
GLOBAL = {"letter_id", "subscriber_id", "person_id", "home_id", "announcement_id", "terms_id"}
"""Things of the installation: of no organization, and so of no other one."""
SHOWN = {"announcement_id", "terms_id"}
"""Those of them that everybody is shown."""
_ORDER = (
    "workspace_id",
    "folder_id",
    "flow_id",
    "connection_id",
    "subscription_id",
    "webhook_id",
    "job_id",
    "group_id",
    "provider_id",
)


async def side_of(site: Site, canary: str) -> Side:
    """An organization with everybody and one of everything."""
    async with site.services.database.transaction() as session:
        organization = await accounts.create_organization(session, name=canary)
        await set_tenant(session, organization.id)
    side = Side(organization_id=organization.id, canary=canary)
    side.people = await people_of(site, side)
    files = {"name": "Files", "connector": "local_files", "config": {"root": "."}}
    await site.call("POST", f"{API}/connections", side.owner.headers, files)
    for what in [*_ORDER, *sorted(known() - set(_ORDER))]:
        side.ids[what] = await make(site, side, what)
    side.ids["organization_id"] = str(side.organization_id)
    return side


def unmakable(document: Document) -> list[str]:
    """Ids in paths, queries and bodies that nobody knows how to make."""
    wanted = {(one.id, name) for one in document.operations for name in one.ids}
    wanted |= {(one.id, resource_of(place)) for one in document.operations for place in document.references(one)}
    return sorted(f"{operation}: {name}" for operation, name in wanted if name not in known() | {"organization_id"})
