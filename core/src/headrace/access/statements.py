"""The one condition: which objects a person reaches by grants. Lists and single objects are decided by the same text.

Parameters: `organization_id`, `person`, `permission` (null: any), and `levels` and `roles`, which include it.
"""

from __future__ import annotations

import sqlalchemy as sa

_HELD = """
  SELECT g.object_id AS id, g.id AS grant_id, CASE WHEN g.group_id IS NULL THEN 2 ELSE 3 END AS layer FROM grants g
  WHERE g.organization_id = :organization_id
    AND (g.user_id = :person OR g.group_id IN (SELECT m.group_id FROM group_members m
      WHERE m.organization_id = :organization_id AND m.user_id = :person))
    AND (g.expires_at IS NULL OR g.expires_at > statement_timestamp())
    AND (CAST(:permission AS text) IS NULL OR g.level = ANY(CAST(:levels AS text[]))
      OR g.role = ANY(CAST(:roles AS text[])) OR g.role_id IN (SELECT r.id FROM roles r
        WHERE r.organization_id = :organization_id AND r.permissions @> to_jsonb(CAST(:permission AS text))))
"""
_CHILDREN = """
    SELECT f.id FROM folders f WHERE f.organization_id = :organization_id AND f.parent_id = i.id
    UNION ALL
    SELECT CAST(m.value ->> 'flow_id' AS uuid) FROM flows j
    CROSS JOIN LATERAL jsonb_array_elements(j.settings -> 'job' -> 'members') m
    WHERE j.organization_id = :organization_id AND j.id = i.id AND j.kind IN ('job', 'job_package')
      AND j.deleted_at IS NULL
"""
_DOWN = "SELECT id, grant_id, layer FROM held UNION SELECT c.id, i.grant_id, 4 FROM inside i CROSS JOIN LATERAL ("
_ALL = ") c) SELECT id, grant_id, layer FROM inside"
_PLACES = "WITH RECURSIVE held AS (" + _HELD + "), inside AS (" + _DOWN + _CHILDREN + _ALL
"""What grants are on, the folders below, and the members of jobs: with the grant, and its layer (2 user, 3 group, 4
inherited). Ids are unique over all kinds of objects."""

_IDS = "WITH places AS (" + _PLACES + ") SELECT o.id FROM "  # noqa: S608 - no values
_HERE = " o WHERE o.organization_id = :organization_id AND (o.id IN (SELECT id FROM places)"
_IN_FOLDER = " OR o.folder_id IN (SELECT id FROM places)"
_IN_WORKSPACE = " OR o.workspace_id IN (SELECT id FROM places)"
FLOWS = _IDS + "flows" + _HERE + _IN_FOLDER + _IN_WORKSPACE + ")"
"""Ids of the flows that grants give; what belongs to a flow is reached with it."""
REACHED = {
    "workspace": sa.text(_IDS + "workspaces" + _HERE + ")"),
    "folder": sa.text(_IDS + "folders" + _HERE + _IN_WORKSPACE + ")"),
    "flow": sa.text(FLOWS),
    "connection": sa.text(_IDS + "connections" + _HERE + _IN_WORKSPACE + ")"),
}
"""Ids of the objects that grants give, by kind: those that a grant is on, or on what they lie in."""

_MAY = "SELECT EXISTS (SELECT 1 FROM "
_THIS = " r WHERE r.id = :object_id)"
MAY = {
    "workspace": sa.text(_MAY + "(" + _IDS + "workspaces" + _HERE + "))" + _THIS),
    "folder": sa.text(_MAY + "(" + _IDS + "folders" + _HERE + _IN_WORKSPACE + "))" + _THIS),
    "flow": sa.text(_MAY + "(" + FLOWS + ")" + _THIS),
    "connection": sa.text(_MAY + "(" + _IDS + "connections" + _HERE + _IN_WORKSPACE + "))" + _THIS),
}
"""Whether an object is one of them."""

_HOMES = {
    "workspace": "SELECT id, id AS workspace_id, id AS folder_id FROM workspaces",
    "folder": "SELECT id, workspace_id, id AS folder_id FROM folders",
    "flow": "SELECT id, workspace_id, folder_id FROM flows",
    "connection": "SELECT id, workspace_id, id AS folder_id FROM connections",
}
_THE = " WHERE organization_id = :organization_id AND id = :object_id) o JOIN ("
_ITS = """) p ON p.id IN (o.id, o.workspace_id, o.folder_id)
JOIN grants g ON g.organization_id = :organization_id AND g.id = p.grant_id
LEFT JOIN roles r ON r.organization_id = g.organization_id AND r.id = g.role_id
LEFT JOIN groups s ON s.organization_id = g.organization_id AND s.id = g.group_id"""
_BY = _THE + _PLACES + _ITS
_WHY = """
SELECT CASE WHEN p.id = o.id THEN p.layer ELSE 4 END AS layer, g.id, g.object_type, g.level,
  coalesce(r.name, g.role) AS role, s.name AS group_name, g.expires_at FROM ("""
_RIGHTS = "SELECT DISTINCT g.level, g.role, r.permissions FROM ("
WHY = {kind: sa.text(_WHY + home + _BY + " ORDER BY 1, 2 LIMIT 1") for kind, home in _HOMES.items()}
"""The grant that decides: the first of the lowest layer."""
RIGHTS = {kind: sa.text(_RIGHTS + home + _BY) for kind, home in _HOMES.items()}
"""All that grants give on an object."""
ANYWHERE = sa.text("SELECT EXISTS (" + _HELD + ")")

FLOW_OF = {
    "execution": sa.text("SELECT flow_id FROM executions WHERE organization_id = :organization_id AND id = :object_id"),
    "trigger": sa.text("SELECT flow_id FROM triggers WHERE organization_id = :organization_id AND id = :object_id"),
    "backfill": sa.text("SELECT flow_id FROM backfills WHERE organization_id = :organization_id AND id = :object_id"),
    "wait": sa.text("""
SELECT x.flow_id FROM waits w JOIN executions x ON x.organization_id = w.organization_id AND x.id = w.execution_id
WHERE w.organization_id = :organization_id AND w.id = :object_id"""),
}
"""Things of a flow are reached with it."""

LIVE = {
    "workspace": sa.text("SELECT name FROM workspaces WHERE organization_id = :organization_id AND id = :object_id "
                         "AND deleted_at IS NULL"),
    "folder": sa.text("SELECT name FROM folders WHERE organization_id = :organization_id AND id = :object_id "
                      "AND deleted_at IS NULL"),
    "connection": sa.text("SELECT name FROM connections WHERE organization_id = :organization_id AND id = :object_id "
                          "AND deleted_at IS NULL"),
    "flow": sa.text("SELECT name FROM flows WHERE organization_id = :organization_id AND id = :object_id "
                    "AND deleted_at IS NULL AND kind NOT IN ('job', 'job_package')"),
    "job": sa.text("SELECT name FROM flows WHERE organization_id = :organization_id AND id = :object_id "
                   "AND deleted_at IS NULL AND kind = 'job'"),
    "job_package": sa.text("SELECT name FROM flows WHERE organization_id = :organization_id AND id = :object_id "
                           "AND deleted_at IS NULL AND kind = 'job_package'"),
}  # fmt: skip
"""Names of objects that a grant may be on."""
