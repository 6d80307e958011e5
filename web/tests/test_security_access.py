"""Every operation of the OpenAPI document, tried by a stranger, a viewer and the owner of another organization.

A new operation that `RULES` does not name fails the suite.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from headrace.infra.database import Database
from headrace_web.app import create_app
from headrace_web.testing import document
from litestar import get

API = "/api/v1"
GLOBAL = ("letter_id", "subscriber_id", "person_id", "home_id")
GHOST = "01900000-0000-7000-8000-000000000000"

ENTRANCE = {
    "auth_start_sign_in", "auth_finish_sign_in", "auth_take_answer", "auth_directory_login", "auth_provider_metadata",
}  # fmt: skip
"""Each identity provider judges who comes by it, of whatever organization they are."""
PUBLIC = ENTRANCE | {
    "auth_login",
    "auth_refresh",
    "auth_setup_state",
    "auth_complete_setup",
    "auth_list_providers",
    "auth_register",
    "auth_confirm_registration",
    "auth_forgot_password",
    "auth_reset_password",
    "invitations_look",
    "invitations_accept",  # the link is the right to do so
    "health_health",
    "health_live",
    "health_ready",
    "waits_resume",
    "connections_finish_connect",  # the state and the browser say who comes back
    "hooks_call",  # each webhook judges its callers itself
}
SIGNED_IN = {
    "auth_logout", "auth_me", "auth_update_me", "auth_replace_me", "auth_change_password", "auth_second_factor_state",
    "auth_begin_second_factor", "auth_confirm_second_factor", "auth_renew_recovery_codes", "auth_remove_second_factor",
    "auth_link_identity",
    "accounts_list_sessions", "accounts_end_session", "accounts_end_sessions",
    "api_keys_list_keys", "api_keys_create_key", "api_keys_get_key", "api_keys_rename_key", "api_keys_rotate_key",
    "api_keys_revoke_key", "api_keys_replace_key",
    "connectors_list_connectors", "connectors_get_connector", "connectors_get_connector_schema", "plugins_list_plugins",
    "editions_list_editions", "plans_list_plans", "plans_get_plan", "features_list_features",
    "features_list_enabled", "features_check", "features_usage", "node_types_list_node_types",
    "node_types_get_node_type", "realtime_create_ticket",
    "organizations_list_organizations", "organizations_create_organization", "organizations_get_organization",
    "organizations_switch", "organizations_leave", "roles_list_roles", "roles_get_role",
    "permissions_check",
}  # fmt: skip
VIEWER = {
    "workspaces_list_workspaces", "workspaces_get_workspace", "workspaces_list_folders", "folders_get_folder",
    "flows_list_flows", "flows_list_workspace_flows",
    "flows_list_folder_flows", "flows_get_flow", "flows_get_data", "flows_validate_flow", "flow_files_list_versions",
    "flow_files_get_version", "flow_files_export_flow", "executions_list_executions", "executions_get_execution",
    "executions_list_nodes", "executions_list_events", "executions_list_flow_executions",
    "executions_list_logs", "executions_stream_logs",
    "executions_preview_node", "executions_get_definition", "executions_count_children",
    "executions_preview_execution_node", "connections_list_connections",
    "jobs_list_jobs", "jobs_list_all_jobs", "jobs_get_job", "jobs_list_job_flows", "jobs_list_job_executions",
    "jobs_list_packages", "jobs_get_package", "queues_list_queues", "queues_list_dead_letters",
    "statistics_get_flow_statistics", "statistics_get_workspace_statistics",
    "connections_get_connection", "waits_list_approvals", "waits_list_waits", "triggers_list_trigger_types",
    "executions_compare_executions", "assets_list_assets", "assets_get_asset", "assets_list_updates",
    "executions_list_compensations", "executions_summarize_executions", "templates_list_templates",
    "templates_get_template", "executions_list_attempts", "executions_profile_node", "executions_list_artifacts",
    "executions_download_artifact", "realtime_stream_events", "flows_try_expression",
}  # fmt: skip
MORE = {
    "identity_providers_list_types", "identity_providers_list_providers", "identity_providers_create_provider",
    "identity_providers_get_provider", "identity_providers_update_provider", "identity_providers_delete_provider",
    "identity_providers_test_provider", "identity_providers_list_identities", "identity_providers_unlink_identity",
    "accounts_list_members", "accounts_get_member", "accounts_update_member", "accounts_remove_member",
    "accounts_make_reset_link", "accounts_forget_second_factor", "accounts_invite_member", "accounts_replace_member",
    "organizations_list_members", "organizations_get_member", "organizations_update_member",
    "organizations_remove_member", "organizations_make_reset_link", "organizations_forget_second_factor",
    "organizations_invite_member", "organizations_replace_member", "organizations_update_organization",
    "organizations_replace_organization", "organizations_close_organization", "roles_create_role", "roles_update_role",
    "roles_replace_role", "roles_delete_role", "groups_replace_group", "groups_list_groups", "groups_create_group",
    "groups_get_group", "groups_update_group",
    "groups_delete_group", "groups_list_group_members", "groups_add_group_member", "groups_remove_group_member",
    "permissions_list_grants", "permissions_give_grant", "permissions_take_grant", "invitations_list_invitations",
    "invitations_invite", "invitations_make_link", "invitations_revoke", "service_accounts_list_accounts",
    "service_accounts_create_account", "service_accounts_get_account", "service_accounts_update_account",
    "service_accounts_replace_account", "service_accounts_delete_account", "plugins_switch_plugin",
    "editions_change_edition", "editions_preview_change",
    "features_put_feature", "features_delete_feature", "plans_create_plan", "plans_update_plan", "plans_delete_plan",
    "plans_replace_plan", "subscriptions_replace_subscription",
    "subscriptions_list_subscriptions", "subscriptions_create_subscription", "subscriptions_upgrade",
    "subscriptions_get_subscription", "subscriptions_update_subscription", "subscriptions_delete_subscription",
    "subscriptions_put_override", "subscriptions_delete_override", "system_get_keys", "system_get_registration",
    "users_list_users", "users_create_user", "users_get_user", "users_update_user", "users_replace_user",
    "users_shut_out", "system_put_registration", "system_list_letters", "system_open_letter",
    "homes_list_homes", "homes_get_home",
    "homes_preview_move", "homes_give_own", "homes_give_back", "workspaces_create_workspace",
    "workspaces_update_workspace", "workspaces_delete_workspace", "workspaces_restore_workspace",
    "workspaces_create_folder", "folders_update_folder", "folders_delete_folder", "folders_restore_folder",
    "deletions_list_deletions", "flows_create_flow",
    "flows_update_flow", "flows_replace_flow", "flows_delete_flow", "flows_restore_flow", "templates_use_template",
    "flows_put_data", "flow_files_check_in", "flow_files_revert", "flow_files_import_flow", "executions_execute_flow",
    "executions_execute_node", "flow_files_put_text",
    "executions_cancel_execution", "executions_cancel_executions", "executions_retry_execution",
    "executions_retry_executions", "executions_compensate_again", "pins_pin_node", "pins_unpin_node",
    "connections_create_connection", "connections_update_connection", "connections_delete_connection",
    "connections_restore_connection",
    "connections_probe", "connections_test_connection", "connections_list_streams", "connections_preview_stream",
    "connections_connect_status", "connections_start_connect", "connections_check_connect",
    "connections_disconnect", "connections_plan_write", "connections_query_rows", "connections_list_choices",
    "node_types_list_options", "jobs_create_job_in_folder", "jobs_create_job", "jobs_update_job", "jobs_replace_job",
    "jobs_delete_job", "jobs_add_job_flow", "jobs_execute_job", "jobs_create_package", "jobs_update_package",
    "jobs_replace_package",
    "jobs_delete_package", "jobs_execute_package", "queues_pause_queue", "queues_resume_queue",
    "queues_retry_dead_letter", "queues_discard_dead_letter", "queues_list_workers", "queues_drain_worker",
    "waits_approve", "waits_reject", "waits_delegate", "waits_make_address", "waits_resume_execution",
    "triggers_list_flow_triggers",
    "triggers_create_trigger", "triggers_list_triggers", "triggers_get_trigger", "triggers_update_trigger",
    "triggers_delete_trigger", "triggers_list_duplicates", "triggers_run_trigger", "schedules_list_schedules",
    "schedules_create_schedule", "schedules_list_next", "triggers_next_of_unsaved", "schedules_preview_unsaved",
    "schedules_get_schedule", "schedules_update_schedule", "schedules_delete_schedule", "schedules_preview_schedule",
    "schedules_list_ticks", "schedules_pause_schedule", "schedules_resume_schedule", "schedules_run_schedule",
    "webhooks_list_webhooks", "webhooks_create_webhook", "webhooks_get_webhook", "webhooks_update_webhook",
    "webhooks_delete_webhook", "webhooks_rotate_key", "webhooks_list_calls", "webhooks_replay_call",
    "webhooks_get_call_body", "event_subscriptions_list_subscriptions", "event_subscriptions_list_events",
    "event_subscriptions_create_subscription", "event_subscriptions_get_subscription",
    "event_subscriptions_update_subscription", "event_subscriptions_delete_subscription",
    "event_subscriptions_rotate_secret", "event_subscriptions_send_test", "event_subscriptions_list_deliveries",
    "event_subscriptions_redeliver", "event_subscriptions_redeliver_failed", "calendars_list_calendars",
    "calendars_create_calendar", "calendars_get_calendar", "calendars_update_calendar", "calendars_delete_calendar",
    "calendars_list_days", "backfills_list_backfills", "backfills_create_backfill", "backfills_get_backfill",
    "backfills_pause_backfill", "backfills_resume_backfill", "backfills_cancel_backfill",
    "workspaces_replace_workspace", "folders_replace_folder", "connections_replace_connection",
    "triggers_replace_trigger", "schedules_replace_schedule", "webhooks_replace_webhook",
    "event_subscriptions_replace_subscription", "calendars_replace_calendar",
}  # fmt: skip
OWNED = {
    "workspace_id", "folder_id", "flow_id", "execution_id", "other_id", "connection_id", "session_id", "trigger_id",
    "schedule_id", "webhook_id", "call_id", "backfill_id", "wait_id", "job_id", "package_id", "user_id", "key_id",
    "account_id", "invitation_id", "organization_id", "role_id", "group_id", "grant_id",
    "provider_id", "identity_id",
    "subscription_id", "delivery_id", "calendar_id", "asset_id",
}  # fmt: skip
REPLACED = {"name": "X", "row_version": 1}
BODIES: dict[str, Any] = {
    "schedules_replace_schedule": {"expression": "0 6 * * *", "row_version": 1},
    "event_subscriptions_replace_subscription": {"url": "https://x.example.org", "events": ["*"], "row_version": 1},
    "workspaces_update_workspace": {"name": "X", "row_version": 1},
    "workspaces_create_folder": {"name": "X"},
    "folders_update_folder": {"name": "X", "row_version": 1},
    "flows_update_flow": {"name": "X", "row_version": 1},
    "flows_replace_flow": {"name": "X", "row_version": 1},
    "flows_put_data": {"nodes": [], "edges": [], "row_version": 1},
    "flow_files_check_in": {"name": "X"},
    "flows_try_expression": {"text": "1", "language": "sql"},
    "triggers_create_trigger": {"trigger_type": "manual"},
    "triggers_update_trigger": {"name": "X", "row_version": 1},
    "schedules_update_schedule": {"name": "X", "row_version": 1},
    "webhooks_update_webhook": {"name": "X", "row_version": 1},
    "event_subscriptions_update_subscription": {"name": "X", "row_version": 1},
    "calendars_update_calendar": {"name": "X", "row_version": 1},
    "connections_update_connection": {"name": "X", "row_version": 1},
    "connections_check_connect": {"state": "x"},
    "connections_plan_write": {"stream": "x", "columns": []},
    "connections_query_rows": {"sql": "select 1"},
    "waits_delegate": {"assignees": []},
    "waits_resume_execution": {"token": "x"},
    "jobs_create_job_in_folder": {"name": "X"},
    "jobs_update_job": {"name": "X", "row_version": 1},
    "jobs_add_job_flow": {"flow_id": GHOST},
    "jobs_update_package": {"name": "X", "row_version": 1},
    "api_keys_rename_key": {"name": "X", "row_version": 1},
    "api_keys_replace_key": {"name": "X", "row_version": 1},
    "accounts_update_member": {"role": "viewer", "row_version": 1},
    "accounts_replace_member": {"role": "viewer", "row_version": 1},
    "organizations_update_member": {"role": "viewer", "row_version": 1},
    "organizations_replace_member": {"role": "viewer", "row_version": 1},
    "organizations_update_organization": {"name": "X", "row_version": 1},
    "organizations_replace_organization": {"name": "X", "row_version": 1},
    "roles_update_role": {"name": "X", "row_version": 1},
    "roles_replace_role": {"name": "X", "permissions": [], "row_version": 1},
    "groups_replace_group": {"name": "X", "row_version": 1},
    "service_accounts_replace_account": {"name": "X", "role": "viewer", "row_version": 1},
    "groups_update_group": {"name": "X", "row_version": 1},
    "groups_add_group_member": {"user_id": GHOST},
    "service_accounts_update_account": {"name": "X", "row_version": 1},
    "identity_providers_update_provider": {"name": "X", "row_version": 1},
    "executions_cancel_executions": {"ids": [GHOST]},
    "flow_files_put_text": {"text": "headrace: 1\nname: x\n", "row_version": 1},
    "executions_retry_executions": {"ids": [GHOST]},
}


OF_PLUGINS = {
    "billing accounts", "billing info", "invoices", "budgets", "announcements", "terms", "tickets",
}  # fmt: skip
"""Tags of what plugins offer: the tenancy matrix asks everybody for everything of theirs."""
QUERIES = {
    "connections_preview_stream": "?stream=x", "calendars_list_days": "?from=2026-01-01&to=2026-01-02",
    "realtime_stream_events": f"?channel=execution:{GHOST}",
}  # fmt: skip


def operations() -> list[tuple[str, str, str]]:
    schema = document()
    found = []
    for path, item in schema["paths"].items():
        own = [(method, one) for method, one in item.items() if isinstance(one, dict)]
        found += [(method, path, one["operationId"]) for method, one in own if one["tags"][0] not in OF_PLUGINS]
    return sorted(found, key=lambda one: one[2])


ALL = operations()


def test_every_operation_is_classified():
    named = [PUBLIC, SIGNED_IN, VIEWER, MORE]
    assert {one[2] for one in ALL} == set().union(*named)
    assert sum(map(len, named)) == len(set().union(*named)), "an operation is in two classes"


def test_a_handler_without_a_declared_permission_stops_the_start(headrace_settings, plugin_host):
    @get("/open-by-mistake")
    async def forgotten() -> str:
        return "secret"

    with pytest.raises(
        RuntimeError, match=r"forgotten .*open-by-mistake.*declare no permission|declare no permission.*forgotten"
    ):
        create_app(headrace_settings, plugin_host, more=[forgotten])


def address(path: str, ids: dict[str, str]) -> str:
    return re.sub(
        r"\{(\w+)\}",
        lambda m: ids.get(
            m[1],
            {"number": "1", **dict.fromkeys(GLOBAL, GHOST)}.get(m[1], "local_files"),
        ),
        path,
    )


async def call(client, method, path, operation, headers, ids):
    usual = REPLACED if "_replace_" in operation else {}
    body = BODIES.get(operation, usual) if method in {"post", "put", "patch"} else None
    query = QUERIES.get(operation, "")
    return await client.request(method, address(path, ids) + query, json=body, headers=headers)


async def test_strangers_get_401_everywhere(client):
    ids = dict.fromkeys(OWNED, GHOST)
    for method, path, operation in ALL:
        if operation in PUBLIC:
            continue
        answer = await call(client, method, path, operation, {}, ids)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED"), operation


async def test_a_viewer_may_read_and_nothing_else(client, sign_up):
    owner = await sign_up()
    viewer = await sign_up("viewer", owner.organization_id)
    ids = await world(client, owner)
    for method, path, operation in ALL:
        if operation in MORE:
            answer = await call(client, method, path, operation, viewer.headers, ids)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED"), operation
        elif operation in VIEWER:
            answer = await call(client, method, path, operation, viewer.headers, ids)
            assert answer.status_code in {200, 404}, f"{operation}: {answer.text}"


async def world(client, owner) -> dict[str, str]:
    """One of each resource of the owner; ids by the name of the path parameter."""
    h = owner.headers

    async def made(path: str, body: dict[str, Any]) -> str:
        answer = await client.post(API + path, json=body, headers=h)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    workspace = await made("/workspaces", {"name": "Secret plans"})
    folder = await made(f"/workspaces/{workspace}/folders", {"name": "Secret folder"})
    flow = await made("/flows", {"name": "Secret flow", "workspace_id": workspace})
    await client.post(f"{API}/flows/{flow}/versions", json={}, headers=h)
    connection = await made(
        "/connections", {"name": "Secret link", "connector": "local_files", "config": {"root": "."}}
    )
    trigger = await made(f"/flows/{flow}/triggers", {"trigger_type": "manual", "name": "Secret trigger"})
    schedule = await made("/schedules", {"flow_id": flow, "expression": "0 7 * * *", "name": "Secret schedule"})
    webhook = await made("/webhooks", {"flow_id": flow, "name": "Secret webhook"})
    told = await made("/event-subscriptions", {"url": "https://example.org/secret", "events": ["*"]})
    calendar = await made("/calendars", {"name": "Secret calendar"})
    span = {"target": flow, "from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z"}
    backfill = (await client.post(f"{API}/backfills", json=span, headers=h)).json()["data"]["id"]
    account = await made("/service-accounts", {"name": "Secret robot"})
    invitation = await made("/invitations", {"email": "secret.guest@example.org"})
    role = await made("/roles", {"name": "Secret role", "permissions": ["flow:read"]})
    group = await made("/groups", {"name": "Secret group"})
    grant = await made("/permissions", {"object_type": "flow", "object_id": flow, "group_id": group, "level": "view"})
    proxy = {"provider": "proxy", "name": "Secret proxy", "config": {"trusted": ["192.0.2.1"]}}
    provider = await made("/identity-providers", proxy)
    key = await made("/api-keys", {"name": "Secret key", "permissions": ["flow:read"]})
    me = (await client.get(f"{API}/auth/me", headers=h)).json()["data"]["user"]["id"]
    sessions = (await client.get(f"{API}/sessions", headers=h)).json()["data"]
    return {
        "workspace_id": workspace, "folder_id": folder, "flow_id": flow, "connection_id": connection,
        "session_id": sessions[0]["id"], "execution_id": GHOST, "other_id": GHOST, "wait_id": GHOST, "job_id": GHOST,
        "package_id": GHOST, "asset_id": GHOST,
        "trigger_id": trigger, "schedule_id": schedule,
        "calendar_id": calendar, "subscription_id": told, "delivery_id": GHOST,
        "webhook_id": webhook, "call_id": GHOST, "backfill_id": backfill,
        "user_id": me, "key_id": key, "account_id": account, "invitation_id": invitation,
        "organization_id": str(owner.organization_id), "role_id": role, "group_id": group, "grant_id": grant,
        "provider_id": provider, "identity_id": GHOST,
    }  # fmt: skip


def anonymous(answer, ids: dict[str, str]) -> tuple[int, str]:
    """The answer without what differs between any two requests."""
    text = answer.text
    for id_ in [*ids.values(), answer.headers["x-request-id"]]:
        text = text.replace(id_, "<id>")
    return answer.status_code, re.sub(r'"timestamp":"[^"]+"', "", text)


async def test_things_of_another_organization_are_as_if_they_were_not(client, sign_up, database: Database):
    victim = await sign_up(name="victim")
    attacker = await sign_up(name="attacker")
    assert victim.organization_id != attacker.organization_id
    ids = await world(client, victim)
    tried = 0
    for method, path, operation in ALL:
        if operation in ENTRANCE or not OWNED & set(re.findall(r"\{(\w+)\}", path)):
            continue
        theirs = await call(client, method, path, operation, attacker.headers, ids)
        nothing = dict.fromkeys(OWNED, GHOST)
        ghost = await call(client, method, path, operation, attacker.headers, nothing)
        platform = "subscription:manage" in theirs.text  # no role of an organization has it
        assert theirs.status_code == (403 if platform else 404), f"{operation}: {theirs.status_code} {theirs.text}"
        assert anonymous(theirs, ids) == anonymous(ghost, nothing), operation
        tried += 1
    assert tried > 25
    for path in ("/workspaces", "/flows", "/connections", "/executions", "/members", "/triggers", "/schedules",
                 "/schedules/next", "/webhooks", "/backfills", "/api-keys", "/service-accounts", "/invitations",
                 "/event-subscriptions", "/calendars", "/organizations", "/roles", "/groups", "/permissions",
                 "/identity-providers"):  # fmt: skip
        assert "ecret" not in (await client.get(API + path, headers=attacker.headers)).text
    smuggled = [
        ("/flows", {"name": "x", "workspace_id": ids["workspace_id"]}),
        ("/schedules", {"flow_id": ids["flow_id"], "expression": "0 7 * * *"}),
        ("/webhooks", {"flow_id": ids["flow_id"]}),
        ("/backfills", {"target": ids["flow_id"], "from": "2026-01-01T00:00:00Z", "to": "2026-01-03T00:00:00Z"}),
        ("/flows/import", {"text": "headrace: 1\nname: x\n", "workspace_id": ids["workspace_id"]}),
        ("/permissions", {"object_type": "flow", "object_id": ids["flow_id"], "user_id": GHOST, "level": "view"}),
        ("/connections/test", {"connector": "local_files", "id": ids["connection_id"]}),
        (
            "/connections",
            {"name": "x", "connector": "local_files", "config": {"root": "."}, "workspace_id": ids["workspace_id"]},
        ),
    ]
    for path, body in smuggled:
        assert (await client.post(API + path, json=body, headers=attacker.headers)).status_code == 404, path
    still = await client.get(f"{API}/flows/{ids['flow_id']}", headers=victim.headers)
    assert still.json()["data"]["name"] == "Secret flow"
