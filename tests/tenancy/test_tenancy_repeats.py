"""Every creating POST of the document: the same key and body have one effect and one answer."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.sweeps import of_part, swept
from tests.tenancy.operations import Document, Operation
from tests.tenancy.oracle import least
from tests.tenancy.requests import Requests
from tests.tenancy.things import side_of

PUBLIC = {"auth_complete_setup", "auth_confirm_registration", "waits_resume", "hooks_call"}
"""Nobody is signed in there: the first works once, the others know their repeats by token and delivery."""
STEERING = {
    "queues_drain_worker", "queues_retry_dead_letter", "executions_compensate_again", "event_subscriptions_redeliver",
    "event_subscriptions_redeliver_failed", "waits_resume_execution",
}  # fmt: skip
"""They change what is there: a repeat finds it changed, and makes nothing."""
ELSEWHERE = {"integrations_sync_integration", "integrations_sync_workflows"}
"""They fetch from another system: `web/tests/test_api_n8n.py` has one, and repeats them."""
UNCOUNTED = {"idempotency_keys", "execution_events", "outbox"}
WHO = {"platform": "platform admin", "person": "platform admin"}
_TABLES = sa.text("""
SELECT DISTINCT c.table_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.column_name = 'organization_id' AND c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
""")


def creating(document: Document) -> list[Operation]:
    found = [one for one in document.operations if one.method == "POST" and one.id not in PUBLIC | STEERING | ELSEWHERE]
    paths = document.schema["paths"]
    return [one for one in found if {"201", "202"} & paths[one.path]["post"]["responses"].keys()]


@pytest.fixture
async def requests(site) -> Requests:
    return Requests(site, Document(site.app), await side_of(site, "repeated"))


async def census(requests: Requests) -> dict[str, int]:
    """Rows of every table of the organization, the keys apart."""
    side = requests.side
    async with requests.site.services.database.transaction(side.organization_id) as session:
        names = set(await session.scalars(_TABLES)) - UNCOUNTED
        counted = {name: sa.select(sa.func.count()).select_from(sa.table(name)) for name in names}
        mine = sa.column("organization_id") == side.organization_id
        return {name: await session.scalar(query.where(mine)) or 0 for name, query in counted.items()}


@swept()
async def test_once_for_each_key(requests, part):
    operations = creating(requests.document)
    assert {"flows_create_flow", "executions_execute_flow", "executions_retry_executions"} <= {o.id for o in operations}
    for operation in of_part(part, operations, lambda one: one.id):
        await _once(requests, operation)


async def _once(requests: Requests, operation: Operation) -> None:
    call = await requests.call(operation, WHO.get(least(operation), "owner"))
    key = {"Idempotency-Key": operation.id}
    first = await requests.send(call, **key)
    assert first.status_code in {201, 202}, f"{operation.id}: say in BODIES what it needs: {first.text} {call.body}"
    after = await census(requests)
    again = await requests.send(call, **key)
    assert (again.status_code, again.json()["data"]) == (first.status_code, first.json()["data"]), operation.id
    other = await requests.site.call("POST", f"{call.address}?x=1", {**call.headers, **key}, call.body)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "CONFLICT"), other.text
    assert await census(requests) == after, f"{operation.id}: a repeat has written something"
