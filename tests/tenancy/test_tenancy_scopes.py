"""T-KEY: for every operation with a permission, a key with all others is refused, and a key with it alone is not."""

from __future__ import annotations

from headrace.accounts.permissions import EVERY, PERMISSIONS, PLATFORM

from tests.tenancy.operations import GHOST, Document
from tests.tenancy.world import Side


async def test_a_scope_opens_its_operations_and_no_other(site, told):
    from headrace.accounts import service as accounts

    async with site.services.database.transaction() as session:
        organization = await accounts.create_organization(session, name="Scopes")
    side = Side(organization_id=organization.id, canary="scopes")
    owner = await site.person(side, "owner", platform=True)
    rights = PERMISSIONS["owner"] | PLATFORM
    document = Document(site.app)
    keys = {
        permission: [
            await site.key(side, owner.actor, frozenset(scopes), name=permission)
            for scopes in ({permission}, rights - {permission})
        ]
        for permission in sorted({one.access for one in document.operations} & EVERY)
    }
    tried, wrong = 0, []
    for operation in document.operations:
        if operation.access not in keys:
            continue
        alone, others = keys[operation.access]
        address, body = operation.address(dict.fromkeys(operation.ids, GHOST)), document.body_of(operation)
        for key, may in ((others, False), (alone, True)):
            answer = await site.call(operation.method, address, key.headers, body)
            named = answer.json()["error"]["details"].get("permission") if answer.status_code == 403 else None
            tried += 1
            if (named == operation.access) is may or answer.status_code in {401, 500}:
                wrong.append(f"{operation.id} with{'' if may else 'out'} {operation.access}: {answer.text[:300]}")
    told(f"scopes: {tried} calls by {2 * len(keys)} keys, {len(wrong)} wrong", scopes=tried)
    assert not wrong, "\n".join(wrong)
    assert tried > 250
