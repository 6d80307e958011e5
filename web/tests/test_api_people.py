"""People of an organization by its own address, whole replacements, pages of lists, and names of what is not there."""

from __future__ import annotations

import pytest

API = "/api/v1"
GHOST = "01900000-0000-7000-8000-000000000000"


async def test_members_are_at_the_organizations_address_too(client, sign_up):
    owner, stranger = await sign_up(name="host"), await sign_up(name="stranger")
    await sign_up("viewer", owner.organization_id)
    here = f"{API}/organizations/{owner.organization_id}/members"
    short, long = [await client.get(path, headers=owner.headers) for path in (f"{API}/members", here)]
    assert short.json()["data"] == long.json()["data"]
    assert len(long.json()["data"]) == 2
    invited = await client.post(here, json={"email": "new@example.org", "role": "editor"}, headers=owner.headers)
    assert (invited.status_code, invited.json()["data"]["role"]) == (201, "editor")
    viewer = next(one for one in long.json()["data"] if one["role"] == "viewer")
    whole = {"role": "operator", "row_version": viewer["row_version"]}
    changed = await client.put(f"{here}/{viewer['id']}", json=whole, headers=owner.headers)
    assert (changed.status_code, changed.json()["data"]["role"]) == (200, "operator")
    for path in (here, f"{here}/{viewer['id']}"):
        refused = await client.get(path, headers=stranger.headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "ORGANIZATION_NOT_FOUND"), path
    assert (await client.delete(f"{here}/{viewer['id']}", headers=owner.headers)).status_code == 200


@pytest.mark.parametrize(
    ("family", "made", "whole"),
    [
        ("groups", {"name": "Night", "description": "who wakes"}, {"name": "Day"}),
        ("roles", {"name": "Night", "permissions": ["flow:read"], "description": "x"},
         {"name": "Day", "permissions": ["job:read"]}),
        ("service-accounts", {"name": "Robot", "role": "operator"}, {"name": "Other", "role": "viewer"}),
        ("api-keys", {"name": "Key", "permissions": ["flow:read"]}, {"name": "Other"}),
    ],
)  # fmt: skip
async def test_put_replaces_the_whole_and_builds_on_a_version(client, sign_up, family, made, whole):
    owner = await sign_up()
    created = (await client.post(f"{API}/{family}", json=made, headers=owner.headers)).json()["data"]
    path, version = f"{API}/{family}/{created['id']}", created.get("details", created)["row_version"]
    assert (await client.put(path, json=whole, headers=owner.headers)).status_code == 428
    put = await client.put(path, json=whole, headers={**owner.headers, "If-Match": f'"{version}"'})
    assert put.status_code == 200, put.text
    assert whole.items() <= put.json()["data"].items()
    assert put.json()["data"].get("description", "") == "", "what is left out takes its default"
    assert put.json()["data"] == (await client.get(path, headers=owner.headers)).json()["data"]
    stale = await client.put(path, json=whole, headers={**owner.headers, "If-Match": f'"{version}"'})
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "VERSION_CONFLICT")


async def test_every_list_of_people_has_pages(client, sign_up):
    owner = await sign_up()
    for number in range(3):
        body = {"name": f"Robot {number}", "role": "viewer"}
        await client.post(f"{API}/service-accounts", json=body, headers=owner.headers)
    for family in ("members", "service-accounts", "roles", "sessions", "organizations"):
        answer = (await client.get(f"{API}/{family}?per_page=1", headers=owner.headers)).json()
        place = answer["meta"]["pagination"]
        assert (len(answer["data"]), place["page"], place["per_page"]) == (1, 1, 1), family
        assert place["total"] == place["total_pages"] >= 1, family
        skipped = (await client.get(f"{API}/{family}?limit=1&offset={place['total']}", headers=owner.headers)).json()
        assert (skipped["data"], skipped["meta"]["pagination"]["has_more"]) == ([], False), family


@pytest.mark.parametrize(
    ("path", "code"),
    [("members", "MEMBER"), ("groups", "GROUP"), ("roles", "ROLE"), ("api-keys", "API_KEY"), ("sessions", "SESSION"),
     ("service-accounts", "SERVICE_ACCOUNT"), ("invitations", "INVITATION"), ("organizations", "ORGANIZATION"),
     ("permissions", "GRANT"), ("identity-providers", "IDENTITY_PROVIDER")],
)  # fmt: skip
async def test_what_is_not_there_is_named(client, sign_up, path, code):
    owner = await sign_up()
    answer = await client.delete(f"{API}/{path}/{GHOST}", headers=owner.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, f"{code}_NOT_FOUND"), answer.text


async def test_names_have_up_to_255_characters(client, sign_up):
    owner = await sign_up()
    for length, status in ((255, 201), (256, 422), (0, 422)):
        made = await client.post(f"{API}/groups", json={"name": "n" * length}, headers=owner.headers)
        assert made.status_code == status, length


async def test_an_organization_says_what_it_has_subscribed_to(client, sign_up, admin):
    owner = await sign_up(name="host")
    path = f"{API}/organizations/{owner.organization_id}"
    mine = (await client.get(path, headers=owner.headers)).json()["data"]
    assert (mine["subscription_plan"], mine["subscription_status"]) == ("community", "active")
    body = {"organization_id": str(owner.organization_id), "plan_id": "free", "status": "TRIALING"}
    made = await client.post(f"{API}/subscriptions", json=body, headers=admin.headers)
    assert made.status_code == 201, made.text
    mine = (await client.get(path, headers=owner.headers)).json()["data"]
    assert (mine["subscription_plan"], mine["subscription_status"]) == ("free", "trialing")
    changed = await client.patch(path, json={"name": "New", "row_version": mine["row_version"]}, headers=owner.headers)
    assert (changed.json()["data"]["name"], changed.json()["data"]["subscription_plan"]) == ("New", "free")
    made = await client.post(f"{API}/organizations", json={"name": "Other"}, headers=admin.headers)
    assert made.json()["data"]["subscription_status"] == "active"


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"is_active": False}])
async def test_an_invitation_ends_with_the_rights_of_who_invited(client, sign_up, change):
    """Who is shut out, or may not invite any more, leaves no door open behind them."""
    owner = await sign_up(name="host")
    leaver = await sign_up("admin", owner.organization_id)
    body = {"email": "friend@example.org", "role": "admin"}
    made = (await client.post(f"{API}/invitations", json=body, headers=leaver.headers)).json()["data"]
    link = {"token": made["link"].partition("#")[2]}
    assert (await client.post(f"{API}/invitations/look", json=link)).status_code == 200
    members = (await client.get(f"{API}/members?q={leaver.email}", headers=owner.headers)).json()["data"]
    path, version = f"{API}/members/{members[0]['id']}", members[0]["row_version"]
    assert (await client.patch(path, json={**change, "row_version": version}, headers=owner.headers)).status_code == 200
    accept = {**link, "password": "quite another password 7", "full_name": "Friend"}
    for step, asked in (("look", link), ("accept", accept)):
        assert (await client.post(f"{API}/invitations/{step}", json=asked)).status_code == 401, step
    listed = (await client.get(f"{API}/invitations", headers=owner.headers)).json()["data"]
    assert [one["id"] for one in listed] == [made["id"]], "an owner sees it, and may revoke it or invite anew"


async def test_people_are_sorted_by_a_field_of_theirs(client, admin, sign_up):
    await sign_up("viewer", admin.organization_id, name="anna")
    await sign_up("editor", admin.organization_id, name="zoe")
    for family in ("members", "users"):
        orders = []
        for sort in ("email", "-email"):
            answer = await client.get(f"{API}/{family}?sort={sort}", headers=admin.headers)
            orders.append([one["email"] for one in answer.json()["data"]])
        assert orders[0] == sorted(orders[0]) == orders[1][::-1], family
    for name in ("B", "a"):
        await client.post(f"{API}/groups", json={"name": name}, headers=admin.headers)
    newest = await client.get(f"{API}/groups?sort=-created_at", headers=admin.headers)
    assert [one["name"] for one in newest.json()["data"]] == ["a", "B"]
    for family in ("members", "users", "groups"):
        refused = await client.get(f"{API}/{family}?sort=password_hash", headers=admin.headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "VALIDATION_FAILED"), family
