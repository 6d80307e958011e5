"""T-IDOR-REF: ids of another organization inside of bodies and queries are as if they named nothing."""

from __future__ import annotations

import itertools
from typing import Any

from tests.tenancy.matrix import admin_url, digests, plain
from tests.tenancy.operations import GHOST, Document, Operation, resource_of, with_id
from tests.tenancy.things import make, side_of

_number = itertools.count(100)


async def answered(site, document: Document, side, operation: Operation, place: tuple[str, ...], id_: str) -> Any:
    """The answer to the owner who names this id here, without the name of what was made."""
    ids = {name: side.ids[name] for name in operation.ids}
    if operation.ids and operation.method != "GET":
        ids[operation.ids[-1]] = await make(site, side, operation.ids[-1], operation=operation.id)
    address, body = operation.address(ids), document.body_of(operation)
    if place[0] == "?":
        address += f"{'&' if '?' in address else '?'}{place[1]}={id_}"
    else:
        body = with_id(body, place, id_, document, operation.body)
    name = f"name {next(_number)}"
    if isinstance(body, dict) and "name" in body:
        body["name"] = name
    answer = await site.call(operation.method, address, side.owner.headers, body)
    assert answer.status_code < 500, f"{operation.id} {place}: {answer.text}"
    status, text, told = plain(answer)
    return status, text.replace(name, "<name>"), told


async def test_ids_of_others_in_bodies_and_queries_name_nothing(site, headrace_settings, told):
    document = Document(site.app)
    mine, theirs = [await side_of(site, name) for name in ("alphacanary", "betacanary")]
    before = digests(admin_url(headrace_settings), theirs.organization_id)
    tried, wrong = 0, []
    for operation in document.operations:
        for place in document.references(operation):
            if operation.access == "public":
                continue
            resource = resource_of(place)
            foreign, ghost = [
                await answered(site, document, mine, operation, place, id_) for id_ in (theirs.ids[resource], GHOST)
            ]
            tried += 1
            if foreign != ghost or theirs.canary in str(foreign):
                wrong.append(f"{operation.id} {place}: {foreign} and {ghost}")
            if operation.method != "GET" and foreign[0] < 400 and "ids" not in place:
                wrong.append(f"{operation.id} {place}: taken as if it were there: {foreign}")
    told(f"references: {tried} places of ids in bodies and queries, {len(wrong)} leaks", references=tried)
    assert not wrong, "\n".join(wrong)
    assert tried > 40
    assert digests(admin_url(headrace_settings), theirs.organization_id) == before
