"""T-IDOR, other spellings of the same question; and fields that nobody may set."""

from __future__ import annotations

from typing import Any

from tests.sweeps import of_part, swept, whole
from tests.tenancy.matrix import admin_url, digests
from tests.tenancy.operations import GHOST, Document
from tests.tenancy.things import SHOWN, side_of

FORBIDDEN = (
    "organization_id",
    "created_by",
    "created_at",
    "deleted_at",
    "password_hash",
    "is_platform_admin",
    "__proto__",
)
"""Fields of rows that no body sets, unless its schema has them for another purpose."""


def spellings(path: str, theirs: str) -> list[tuple[str, str, dict[str, str]]]:
    """Method, address and headers."""
    both = f"organization_id={theirs}&organization_id[]={theirs}&tenant_id={theirs}"
    heads = {"X-Organization-Id": theirs, "X-Tenant-Id": theirs, "X-Forwarded-Host": theirs, "X-Original-URL": path}
    return [
        ("GET", path + "/", {}), ("GET", path.upper().replace("/API/V1", "/api/v1"), {}), ("GET", f"{path}?{both}", {}),
        ("GET", path, heads), ("HEAD", path, {}), ("OPTIONS", path, {}), ("GET", path.replace("/api", "//api"), {}),
        ("GET", path.replace("/api/v1", "/api/v1/%2e"), {}), ("POST", path, {"X-HTTP-Method-Override": "GET"}),
        ("GET", path.replace("/api/v1", "/API/V1"), {}), ("GET", path + "%00", {}), ("GET", path + ";x=1", {}),
    ]  # fmt: skip


@swept()
async def test_no_spelling_opens_what_is_another_s(site, headrace_settings, told, part):
    mine, theirs = [await side_of(site, name) for name in ("alphacanary", "betacanary")]
    before = digests(admin_url(headrace_settings), theirs.organization_id)
    tried, wrong = 0, []
    for operation in of_part(part, Document(site.app).operations, lambda one: one.id):
        shown = operation.ids and operation.ids[-1] in SHOWN
        if operation.method != "GET" or not operation.ids or operation.access == "public" or shown:
            continue
        path = operation.address(theirs.ids)
        for method, address, headers in spellings(path.partition("?")[0], str(theirs.organization_id)):
            answer = await site.call(method, address, {**mine.owner.headers, **headers})
            tried += 1
            if theirs.canary in answer.text or answer.status_code >= 500 or (answer.is_success and method == "GET"):
                wrong.append(f"{method} {address}: {answer.status_code} {answer.text[:300]}")
    told(f"spellings: {tried} of {tried // 12} addresses tried, {len(wrong)} through", **whole(part, spellings=tried))
    assert not wrong, "\n".join(wrong)
    assert digests(admin_url(headrace_settings), theirs.organization_id) == before


@swept()
async def test_no_body_sets_what_is_not_its_own(site, told, part):
    side = await side_of(site, "alphacanary")
    everything = await site.person(side, "owner", platform=True)
    document, tried, wrong = Document(site.app), 0, []
    for operation in of_part(part, document.operations, lambda one: one.id):
        schema = document.resolved(operation.body or {})
        if schema.get("type") != "object" or "properties" not in schema:
            continue
        body: dict[str, Any] = document.body_of(operation)
        for field in FORBIDDEN:
            if field in schema["properties"]:
                continue
            ids = {name: side.ids.get(name, GHOST) for name in operation.ids}
            headers = everything.headers
            answer = await site.call(operation.method, operation.address(ids), headers, {**body, field: None})
            tried += 1
            if answer.status_code != 422 or field not in answer.text:
                wrong.append(f"{operation.id} with {field}: {answer.status_code} {answer.text[:200]}")
    told(f"fields that nobody may set: {tried} tried, {len(wrong)} taken", **whole(part, fields=tried))
    assert not wrong, "\n".join(wrong)
