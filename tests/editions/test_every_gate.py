"""T-EDITION-1: each limit and each feature at every way in; a new gate, or a new way, that nobody has named fails."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import headrace
import headrace_web
import msgspec
import pytest
import sqlalchemy as sa
from headrace.entitlements import counts, plans, resolve

from tests.editions.behind import BEHIND
from tests.editions.house import House, housed
from tests.tenancy.matrix import ENDING
from tests.tenancy.requests import Call
from tests.tenancy.things import API

NOT_COUNTED = {
    "api_requests": "counted by the limiter, T-RATE", "concurrent_executions": "holds back, refuses only at 0",
    "execution_share": "weighs", "storage_bytes": "uploads: test_api_files.py", "ai_cost_usd": "no plugin spends yet",
}  # fmt: skip
"""Limits that nothing grows into by a request."""
MAKES = {
    "flow:create": "flows", "flow:restore": "flows", "connection:restore": "connections",
    "job:create": "flows", "workspace:create": "workspaces",
    "workspace:restore": "workspaces", "connection:create": "connections", "flow:execute": "executions",
    "job:execute": "executions", "execution:retry": "executions",
}  # fmt: skip
"""What an operation with this permission makes one more of."""
MAKES_NOTHING = {
    "waits_make_address": "an address", "executions_compensate_again": "goes on with one that is there",
    "queues_retry_dead_letter": "goes on with one that is there", "queues_discard_dead_letter": "ends one",
    "waits_resume_execution": "goes on with one that is there", "deletions_list_deletions": "a list",
    "integrations_sync_workflows": "each workflow is asked for by itself: test_api_n8n.py",
    "connections_probe": "tries one that is not kept", "connections_begin_sign_in": "renews one that is there",
}  # fmt: skip
FEATURES = {
    "lineage", "monitoring", "ai", "ai_premium", "streaming", "reports", "shares", "git_sync", "collaboration",
    "audit_export", "white_label",
}  # fmt: skip
"""Features that nothing here is of yet: no manifest and no line of code names them."""
CODES = {"limit": '"code":"LIMIT_REACHED"', "feature": '"code":"FEATURE_DISABLED"'}
BY_THE_WORKER = {"jobs_execute_job", "jobs_execute_package"}
"""A job has no such step itself: its flows are asked when a worker calls them (`test_quota.py` of executions)."""
GATES = {
    "identities/service.py": "sso", "identities/entrance.py": "sso", "identities/directory.py": "sso",
    "connections/service.py": "connector",
    "entitlements/homes.py": "dedicated_infrastructure", "executions/service.py": "node",
    "executions/families.py": "node", "executions/admission.py": "node", "accounts/roles.py": "custom_roles",
}  # fmt: skip
"""Who asks for a feature, and which test below closes it."""
SOURCES = (Path(headrace.__file__).parent, Path(headrace_web.__file__).parent)


@pytest.fixture
async def house(site, headrace_settings) -> House:
    return await housed(site, headrace_settings)


async def ways_of(house: House) -> dict[str, set[str]]:
    """Every operation called once without limits: which of them made one more of what."""
    found: dict[str, set[str]] = defaultdict(set)
    for operation in house.document.operations:
        if operation.method in {"GET", "DELETE"} or operation.id in ENDING or operation.path.endswith("/logout"):
            continue
        [call, *_] = await house.calls(operation)
        before = await house.counted()
        await house.send(call)
        after = await house.counted()
        for key in after:
            if after[key] > before[key]:
                found[key].add(operation.id)
    return found


async def _refused(house: House, calls: list[Call], wanted: str) -> list[str]:
    """Calls that were not refused with this, or made something all the same."""
    wrong = []
    for call in calls:
        before = await house.counted()
        answer = await house.send(call)
        if ('"code":"UNAVAILABLE"' if call.operation == "hooks_call" else wanted) not in answer.text:
            wrong.append(f"{call.operation} by {call.who}: {answer.status_code} {answer.text[:300]}")
        if (await house.counted()) != before:
            wrong.append(f"{call.operation} by {call.who} made something")
    return wrong


async def test_every_limit_and_the_features_of_steps_and_connectors_at_every_way_in(house, told, monkeypatch):
    operations = {one.id: one for one in house.document.operations}
    assert counts.COUNTED.keys() | plans.RATES == set(resolve.GROWING) | NOT_COUNTED.keys(), "say how it is tried"
    ways = await ways_of(house)
    for operation in operations.values():
        if (key := MAKES.get(operation.access)) and operation.id not in MAKES_NOTHING:
            assert operation.id in ways[key], f"{operation.id}: say in AGAIN with what body it makes one of the {key}"
    assert ways.keys() >= resolve.GROWING
    gates = [("limit", key, key) for key in sorted(resolve.GROWING)]
    gates += [("feature", "streaming", key) for key in ("executions", "connections")]
    tried, wrong = 0, []
    for kind, key, made in gates:
        asked_here = ways[made] - (BY_THE_WORKER if kind == "feature" else set())
        calls = [call for one in sorted(asked_here) for call in await house.calls(operations[one])]
        if kind == "feature":
            _gate(monkeypatch, house)
        await house.close(kind, key)
        wrong += [f"{kind} {key}: {one}" for one in await _refused(house, calls, CODES[kind])]
        await house.open()
        tried += len(calls)
    found = sum(map(len, ways.values()))
    said = f"editions: {len(gates)} gates, {tried} calls at {found} operations, {len(wrong)} through"
    told(said, editions_calls_at_closed_gates=tried, editions_calls_through=len(wrong))
    assert not wrong, "\n".join(wrong)


def _gate(monkeypatch, house: House) -> None:
    """The step and the connectors of the house are now of the feature `streaming`."""
    registry = house.site.services.host.registry
    for known, name in ((registry.nodes, "transform.limit"), (registry.connectors, "local_files"),
                        (registry.connectors, "n8n")):  # fmt: skip
        manifest = msgspec.structs.replace(known[name].manifest, feature="streaming")
        monkeypatch.setitem(known, name, msgspec.structs.replace(known[name], manifest=manifest))


async def test_every_way_that_no_request_takes(house, told, monkeypatch):
    async with house.site.services.database.transaction(house.side.organization_id) as session:
        text = await session.scalar(sa.text(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'executions'::regclass "
            "AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%trigger_type%'"))  # fmt: skip
    by_requests = {"manual", "webhook", "form", "chat", "flow", "job", "retry", "test"}
    assert set(re.findall(r"'(\w+)'", text)) == BEHIND.keys() | by_requests, "say in behind.py how it is taken"
    closed = {"executions": "executions a month", "streaming": "Streaming pipelines"}
    for name, way in BEHIND.items():
        before = (await house.counted())["executions"]
        assert await way.go(house, await way.ready(house)) == "", name
        assert (await house.counted())["executions"] > before, f"{name} begins nothing"
        for key, sentence in closed.items():
            thing = await way.ready(house)
            with monkeypatch.context() as patch:
                if key == "streaming":
                    _gate(patch, house)
                await house.close("feature" if key == "streaming" else "limit", key)
                count = (await house.counted())["executions"]
                assert sentence in await way.go(house, thing), f"{name} at {key}"
                assert (await house.counted())["executions"] == count, f"{name} goes past {key}"
            await house.open()
    told(f"editions: {len(BEHIND)} ways behind the API, closed in {len(closed)} ways each, 0 through")


async def test_features_of_the_organization_itself(house):
    """Custom roles, single sign-on, a database of its own: refused by whoever asks, and what is there goes on."""
    operations = {one.id: one for one in house.document.operations}
    registry = house.site.services.host.registry
    known = registry.auth_providers["proxy"]
    with pytest.MonkeyPatch.context() as patch:
        manifest = msgspec.structs.replace(known.manifest, feature="sso")
        patch.setitem(registry.auth_providers, "proxy", msgspec.structs.replace(known, manifest=manifest))
        tried = {
            "custom_roles": ("roles_create_role", "roles_update_role"),
            "sso": ("identity_providers_create_provider",),
            "dedicated_infrastructure": ("homes_give_own",),
        }
        for feature, names in tried.items():
            calls = [call for name in names for call in await house.calls(operations[name])]
            await house.close("feature", feature)
            assert await _refused(house, calls, CODES["feature"]) == []
            if feature == "sso":
                start = f"{API}/auth/providers/{house.side.ids['provider_id']}/start"
                assert CODES["feature"] in (await house.site.call("GET", start, {})).text, "at the entrance too"
            await house.open()


def test_who_asks_for_a_feature_is_named_here():
    asking = {
        path.relative_to(root).as_posix()
        for root in SOURCES
        for path in root.rglob("*.py")
        if re.search(r"\b(?:require_features?|features\.require)\(", path.read_text())
    } - {"entitlements/service.py", "accounts/features.py"}
    assert asking == GATES.keys(), "a new gate: close it in one of these tests"
    assert {*GATES.values()} & resolve.FEATURES.keys() | FEATURES == resolve.FEATURES.keys()


def test_features_that_nothing_is_of_are_named_nowhere(plugin_host):
    registry = plugin_host.registry
    entries = [*registry.nodes.values(), *registry.connectors.values(), *registry.triggers.values(),
               *registry.auth_providers.values()]  # fmt: skip
    assert {one.manifest.feature for one in entries} & FEATURES == set(), "it has a gate now: try it above"
