"""Old names of fields, states, roles and permissions: one table, used where somebody comes by an alias address.

What comes in has its old names replaced; what goes out has them added, so that both kinds of clients find theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Names = Mapping[str, tuple[str, ...]]

FIELDS: dict[str, Names] = {
    "flows": {
        "id": ("workflow_id",), "name": ("workflow_name",), "definition": ("workflow_diagram", "flow_data"),
        "visibility": ("visibility_scope",), "connection_id": ("data_source_id",),
    },
    "versions": {"definition": ("version_data", "workflow_snapshot"), "change_summary": ("comment",)},
    "executions": {
        "id": ("run_id", "job_run_id"), "flow_id": ("workflow_id",), "flow_name": ("workflow_name",),
        "rows_processed": ("records_processed",), "rows_failed": ("records_failed",),
    },
    "connections": {
        "id": ("connector_id", "data_source_id"), "name": ("connector_name", "config_name"),
        "connector": ("connector_type", "connection_type", "source_type"), "config": ("connection_config",),
    },
    "workspaces": {"id": ("workspace_id",), "name": ("workspace_name",)},
    "folders": {"name": ("folder_name",)},
    "jobs": {"name": ("job_name",)},
}  # fmt: skip
"""By the kind of object: a field, and what it was called."""
EVERYWHERE: Names = {"organization_id": ("subscription_id",), "is_deleted": ("soft_deleted", "d_flag")}
_ACTS = {
    "execute": "executions",
    "retry": "executions",
    "cancel": "executions",
    "job-packages": "jobs",
    "restore": "flows",
}
"""What an address ends with, where it answers another kind."""
_READ_ONLY = frozenset({"id", "organization_id", "is_deleted"})
_WORDS = frozenset({
    "status", "kind", "pipeline_type", "visibility", "visibility_scope", "scope_type", "trigger_type", "health_status",
    "test_status", "level", "severity", "on_failure", "schedule_type", "type", "query_type", "data_type",
})  # fmt: skip
"""Fields whose values are words of a list."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z|\d+\Z")
_WORD = re.compile(r"[a-z][a-z_]*\Z")


def kind_of(path: str) -> str:
    """What an address of ours answers: what its last part that is no id names; empty for kinds without old names."""
    last = next((part for part in reversed(path.split("/")) if part and not _ID.match(part)), "")
    kind = _ACTS.get(last, last)
    return kind if kind in FIELDS else ""


def read(body: Any, kind: str) -> Any:
    """What a client of an alias sends, in our names; a field that is there by our name wins."""
    if not isinstance(body, dict):
        return body
    ours = dict(body)
    for name, old in FIELDS.get(kind, {}).items():
        given = [ours.pop(one) for one in old if one in body]
        if given and name not in _READ_ONLY:
            ours.setdefault(name, given[0])
    for gone in (one for several in EVERYWHERE.values() for one in several):
        ours.pop(gone, None)
    if kind == "flows" and isinstance(ours.get("is_active"), bool):
        ours.setdefault("status", "active" if ours["is_active"] else "inactive")
        del ours["is_active"]
    return ours


def told(answer: Any, kind: str, *, upper: bool, workflow: bool) -> Any:
    """An answer of ours with the old names added; with words in upper case where they were."""
    if not isinstance(answer, dict):
        return answer
    error = answer.get("error")
    if workflow and isinstance(error, dict) and str(error.get("code", "")).startswith("FLOW_"):
        return {**answer, "error": {**error, "code": f"WORK{error['code']}"}}
    if "data" not in answer:
        return answer
    data = answer["data"]
    made = [_told(one, kind, upper) for one in data] if isinstance(data, list) else _told(data, kind, upper)
    return {**answer, "data": made}


def _told(one: Any, kind: str, upper: bool) -> Any:
    if not isinstance(one, dict):
        return one
    more = {
        old: one[name]
        for names in (EVERYWHERE, FIELDS.get(kind, {}))
        for name, several in names.items()
        if name in one
        for old in several
        if old not in one
    }
    if kind == "flows" and "status" in one:
        more.setdefault("is_active", one["status"] == "active")
    both = {**one, **more}
    if not upper:
        return both
    return {name: value.upper() if name in _WORDS and _is_word(value) else value for name, value in both.items()}


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.match(value) is not None
