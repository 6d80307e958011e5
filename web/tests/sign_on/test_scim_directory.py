"""SCIM 2.0: what a directory says is done, within its organization and within what its key's account may."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from headrace.accounts import service as accounts
from headrace.infra.database import set_tenant
from msgspec import Struct

API = "/api/v1"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Directory(Struct):
    """A directory of an organization, and its key."""

    client: Any
    owner: Any
    provider: str
    headers: dict[str, str]

    @property
    def base(self) -> str:
        return f"{API}/scim/v2/{self.provider}"

    async def ask(self, method: str, path: str, body: Any = None, *, status: int, **headers: str) -> Any:
        answer = await self.client.request(
            method, self.base + path, json=body, headers={**self.headers, **headers}
        )  # fmt: skip
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        if answer.content:
            assert answer.headers["content-type"].startswith("application/scim+json")
        return answer.json() if answer.content else None

    async def add(self, email: str, *, status: int = 201, **more: Any) -> Any:
        return await self.ask("POST", "/Users", {"schemas": [USER], "userName": email, **more}, status=status)

    async def group(self, name: str, *members: str, status: int = 201) -> Any:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
        return await self.ask("POST", "/Groups", body, status=status)

    async def patch(self, path: str, *operations: dict[str, Any], status: int = 204) -> Any:
        said = await self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, status=status)
        return said if status != 204 else await self.ask("GET", path, status=200)

    async def members(self) -> dict[str, Any]:
        answer = await self.client.get(f"{API}/members?per_page=100", headers=self.owner.headers)
        return {one["email"]: one for one in answer.json()["data"]}


@pytest.fixture
def directory(client, sign_up, admin, database):
    async def make(
        name: str = "works", *, role: str = "admin", domains: list[str] | None = None, **config: Any
    ) -> Directory:
        owner = await sign_up(name=name)
        made = await client.post(f"{API}/identity-providers", headers=owner.headers, json={
            "provider": "scim", "name": "Directory", "default_role": "operator", **config,
        })  # fmt: skip
        assert made.status_code == 201, made.text
        provider = made.json()["data"]["id"]
        async with database.transaction(owner.organization_id) as session:  # as a platform admin would
            from headrace.identities.models import IdentityProvider

            row = await session.get_one(IdentityProvider, (owner.organization_id, provider))
            row.domains = domains or ["example.org"]
        robot = await client.post(
            f"{API}/service-accounts", headers=owner.headers, json={"name": "Directory", "role": role}
        )
        key = await client.post(f"{API}/api-keys", headers=owner.headers, json={
            "name": "scim", "permissions": ["organization:manage_members"], "user_id": robot.json()["data"]["id"],
        })  # fmt: skip
        assert key.status_code == 201, key.text
        return Directory(client, owner, provider, {"Authorization": f"Bearer {key.json()['data']['key']}"})

    return make


async def signs_in(client: Any, email: str, password: str) -> int:
    answer = await client.post(f"{API}/auth/login", json={"email": email, "password": password})
    return int(answer.status_code)


async def test_a_person_comes_changes_and_goes(directory):
    scim = await directory()
    ada = await scim.add("ada@example.org", externalId="e-1", displayName="Ada", title="Engineer", password="hush")
    assert (ada["active"], ada["title"]) == (True, "Engineer")
    assert "password" not in ada
    assert ada["meta"]["location"].endswith(f"{scim.base}/Users/{ada['id']}")
    member = (await scim.members())["ada@example.org"]
    assert (member["id"], member["role"], member["full_name"]) == (ada["id"], "operator", "Ada")
    for filter_ in ('userName eq "ADA@example.org"', 'externalId eq "e-1"', 'emails pr or title eq "engineer"'):
        found = await scim.ask("GET", f"/Users?filter={filter_}", status=200)
        assert [one["id"] for one in found["Resources"]] == [ada["id"]], filter_
    assert (await scim.ask("GET", '/Users?filter=externalId eq "E-1"', status=200))["totalResults"] == 0
    taken = await scim.add("ADA@example.org", status=409)
    assert taken["scimType"] == "uniqueness"
    await scim.patch(f"/Users/{ada['id']}", {"op": "replace", "path": "displayName", "value": "Ada L."})
    put = await scim.ask("PUT", f"/Users/{ada['id']}", {
        "schemas": [USER], "userName": "ada@example.org", "displayName": "Ada Lovelace",
    }, status=200)  # fmt: skip
    assert "title" not in put
    assert put["active"] is True
    assert (await scim.members())["ada@example.org"]["full_name"] == "Ada Lovelace"
    await scim.ask("DELETE", f"/Users/{ada['id']}", status=204)
    await scim.ask("GET", f"/Users/{ada['id']}", status=404)
    assert (await scim.members())["ada@example.org"]["is_active"] is False
    assert (await scim.add("ada@example.org"))["id"] == ada["id"], "they come back as the same"


async def test_whoever_is_not_active_is_out_with_the_next_request(client, directory, sign_up, database):
    scim = await directory()
    bob = await sign_up("editor", scim.owner.organization_id, name="bob")
    linked = await scim.add(bob.email)
    assert (await client.get(f"{API}/flows", headers=bob.headers)).status_code == 200
    assert (await scim.members())[bob.email]["role"] == "editor", "who was a member before keeps the role"
    for value in (False, "False"):  # as Entra ID writes it
        await scim.patch(f"/Users/{linked['id']}", {"op": "Replace", "path": "active", "value": value})
        assert (await client.get(f"{API}/flows", headers=bob.headers)).status_code == 401
        assert await signs_in(client, bob.email, "correct horse battery staple 9") == 401
        back = await scim.patch(f"/Users/{linked['id']}", {"op": "replace", "value": {"active": True}})
        assert back["active"] is True
        assert await signs_in(client, bob.email, "correct horse battery staple 9") == 200


async def test_an_account_of_others_is_linked_and_never_taken_over(client, directory, sign_up, database):
    scim = await directory()
    eve = await sign_up("owner", name="eve")
    linked = await scim.add(eve.email, displayName="Renamed", emails=[{"value": eve.email, "primary": True}])
    await scim.patch(f"/Users/{linked['id']}", {"op": "replace", "path": "displayName", "value": "Renamed again"})
    await scim.patch(f"/Users/{linked['id']}", {
        "op": "replace", "path": "emails", "value": [{"value": "mine@example.org", "primary": True}],
    })  # fmt: skip
    await scim.patch(f"/Users/{linked['id']}", {"op": "add", "path": "password", "value": "taken over 12345"})
    await scim.patch(f"/Users/{linked['id']}", {"op": "replace", "path": "active", "value": False})
    me = (await client.get(f"{API}/auth/me", headers=eve.headers)).json()["data"]
    assert (me["user"]["email"], me["user"]["full_name"]) == (eve.email, "owner")
    assert await signs_in(client, eve.email, "taken over 12345") == 401
    assert await signs_in(client, eve.email, "correct horse battery staple 9") == 200
    async with database.transaction() as session:
        await set_tenant(session, None, user_id=accounts.UUID(linked["id"]))
        assert await accounts.organizations_of(session, accounts.UUID(linked["id"])) == [eve.organization_id]


async def test_for_whom_a_directory_does_not_speak(directory, admin, sign_up):
    scim = await directory()
    assert "domain" in (await scim.add("x@elsewhere.net", status=403))["detail"]
    await scim.add(admin.email, status=403)
    assert "address" in (await scim.add("nobody", status=400))["detail"]
    owner = await scim.add(scim.owner.email, status=201)
    refused = await scim.patch(f"/Users/{owner['id']}", {"op": "replace", "path": "active", "value": False}, status=403)
    assert "owner" in refused["detail"], "the key's account is an admin"
    strong = await directory("strong", role="owner")
    last = await strong.add(strong.owner.email)
    gone = await strong.ask("DELETE", f"/Users/{last['id']}", status=409)
    assert "last owner" in gone["detail"], "a program does not own an organization alone"
    await strong.patch(f"/Users/{last['id']}", {"op": "replace", "path": "active", "value": False}, status=409)
    assert (await strong.members())[strong.owner.email]["is_active"] is True


async def test_groups_give_roles_and_nobody_gives_more_than_they_have(directory):
    scim = await directory(group_roles={"Builders": "editor", "Chiefs": "owner"})
    ada, bob = [await scim.add(f"{name}@example.org") for name in ("ada", "bob")]
    team = await scim.group("Builders", ada["id"])
    assert team["members"][0]["value"] == ada["id"]
    path = f"/Groups/{team['id']}"

    async def roles() -> list[str]:
        members = await scim.members()
        return [members[f"{name}@example.org"]["role"] for name in ("ada", "bob")]

    assert await roles() == ["editor", "operator"]
    await scim.patch(path, {"op": "add", "path": "members", "value": [{"value": bob["id"]}]})
    await scim.patch(path, {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'})
    assert await roles() == ["operator", "editor"]
    await scim.patch(path, {"op": "replace", "path": "displayName", "value": "Others"})
    assert await roles() == ["operator", "operator"]
    await scim.group("Chiefs", ada["id"], status=403)
    assert await roles() == ["operator", "operator"]
    found = await scim.ask("GET", '/Groups?filter=displayName eq "others"&excludedAttributes=members', status=200)
    assert [one["id"] for one in found["Resources"]] == [team["id"]]
    assert "members" not in found["Resources"][0]
    await scim.group("Ghosts", "01900000-0000-7000-8000-000000000000", status=400)
    await scim.ask("DELETE", path, status=204)
    listed = await scim.client.get(f"{API}/groups", headers=scim.owner.headers)
    assert [one["name"] for one in listed.json()["data"]] == []


async def test_groups_that_were_made_here_are_not_the_directorys(directory):
    scim = await directory()
    own = await scim.client.post(f"{API}/groups", headers=scim.owner.headers, json={"name": "Ours"})
    assert (await scim.ask("GET", "/Groups", status=200))["totalResults"] == 0
    await scim.ask("DELETE", f"/Groups/{own.json()['data']['id']}", status=404)
    assert (await scim.group("OURS", status=409))["scimType"] == "uniqueness"


async def test_an_organization_sees_nothing_of_another(directory, sign_up):
    a, b = await directory("a"), await directory("b")
    ada = await a.add("ada@example.org")
    team = await a.group("Team", ada["id"])
    stranger = Directory(a.client, b.owner, a.provider, b.headers)
    for method, path in (
        ("GET", "/Users"), ("GET", f"/Users/{ada['id']}"), ("DELETE", f"/Users/{ada['id']}"), ("GET", "/Groups"),
        ("GET", "/Schemas"), ("DELETE", f"/Groups/{team['id']}"),
    ):  # fmt: skip
        await stranger.ask(method, path, status=404)
    assert (await b.ask("GET", "/Users", status=200))["totalResults"] == 0
    await b.ask("GET", f"/Users/{ada['id']}", status=404)
    await b.patch(f"/Users/{ada['id']}", {"op": "replace", "path": "active", "value": False}, status=404)
    await b.group("Team", ada["id"], status=400)
    assert (await a.members())["ada@example.org"]["is_active"] is True
    second = await directory("c")
    assert (await second.ask("GET", "/Groups", status=200))["totalResults"] == 0


async def test_who_may_not_call_is_told_so_in_the_protocols_words(client, directory, sign_up):
    scim = await directory()
    viewer = await sign_up("viewer", scim.owner.organization_id)
    nobody = Directory(client, scim.owner, scim.provider, {})
    assert (await nobody.ask("GET", "/Users", status=401))["status"] == "401"
    assert "manage_members" in (await Directory(client, viewer, scim.provider, viewer.headers).ask(
        "GET", "/Users", status=403
    ))["detail"]  # fmt: skip
    off = await client.get(f"{API}/identity-providers/{scim.provider}", headers=scim.owner.headers)
    patched = await client.patch(f"{API}/identity-providers/{scim.provider}", headers=scim.owner.headers, json={
        "is_enabled": False, "row_version": off.json()["data"]["row_version"],
    })  # fmt: skip
    assert patched.status_code == 200, patched.text
    await scim.ask("GET", "/Users", status=404)


async def test_what_is_not_supported_is_said_as_the_protocol_wants_it(directory, sign_up):
    scim = await directory()
    told = await scim.ask("GET", "/ServiceProviderConfig", status=200)
    assert told["bulk"] == {"supported": False, "maxOperations": 0, "maxPayloadSize": 0}
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"schemas": [USER], "userName": "b@example.org"}},
    ]}  # fmt: skip
    error = await scim.ask("POST", "/Bulk", bulk, status=501)
    assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (error["status"], "/Bulk" in error["detail"]) == ("501", True)
    for method, path in (("GET", "/Me"), ("PATCH", "/Me"), ("DELETE", "/me"), ("POST", "/Me"), ("GET", "/Me/x")):
        assert "/Me" in (await scim.ask(method, path, {} if method == "PATCH" else None, status=501))["detail"]
    assert "b@example.org" not in await scim.members()
    stranger = await sign_up(name="stranger")
    await Directory(scim.client, stranger, scim.provider, stranger.headers).ask("GET", "/Me", status=404)


async def test_nobody_signs_in_with_a_directory(client, directory):
    scim = await directory()
    offered = await client.get(f"{API}/auth/providers?email=a@example.org")
    assert scim.provider not in offered.text
    assert (await client.get(f"{API}/auth/providers/{scim.provider}/start")).status_code == 404
    await scim.add("ada@example.org")
    asked = await client.post(f"{API}/auth/forgot-password", json={"email": "ada@example.org"})
    assert asked.is_success


async def test_pages_order_versions_and_two_at_once(directory):
    scim = await directory()
    made = [await scim.add(f"p{number}@example.org", displayName=f"P{9 - number}") for number in range(5)]
    ids = sorted(one["id"] for one in made)
    page = await scim.ask("GET", "/Users?startIndex=2&count=2", status=200)
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 2, 2)
    assert [one["id"] for one in page["Resources"]] == ids[1:3]
    assert (await scim.ask("GET", "/Users?count=0", status=200))["totalResults"] == 5
    ordered = await scim.ask("GET", "/Users?sortBy=displayName&count=2", status=200)
    assert [one["displayName"] for one in ordered["Resources"]] == ["P5", "P6"]
    first = made[0]
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "x"}]}
    await scim.ask("PATCH", f"/Users/{first['id']}", body, status=412, **{"If-Match": 'W/"0.0"'})
    await scim.ask("PATCH", f"/Users/{first['id']}", body, status=204, **{"If-Match": first["meta"]["version"]})
    answers = await asyncio.gather(*(
        scim.client.post(
            f"{scim.base}/Users", json={"schemas": [USER], "userName": "same@example.org"}, headers=scim.headers
        ) for _ in range(4)
    ))  # fmt: skip
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


def counterpart(scim: Directory, loop: asyncio.AbstractEventLoop) -> Any:
    """A SCIM client in a thread, whose requests the test's own event loop makes."""
    from scim2_client import BaseSyncSCIMClient  # it takes seconds, which the other tests need not wait for

    class Counterpart(BaseSyncSCIMClient):
        def _stays_under_base_url(self, endpoint: str) -> bool:
            return True

        def _parse_json(self, response: Any) -> Any:
            return response.json()

        def request(self, method: str, url: str, **more: Any) -> Any:
            headers = {**scim.headers, **more.pop("headers", {})}
            asked = scim.client.request(method, f"{scim.base}{url}", headers=headers, **more)
            return asyncio.run_coroutine_threadsafe(asked, loop).result(60)

    return Counterpart()


@pytest.fixture
def addressed(monkeypatch):
    """People of the checker have addresses for names: an account is known by one."""
    from scim2_tester import filling
    from scim2_tester.checkers import patch_add, patch_replace

    random = filling.generate_random_value

    def named(context: Any, path: Any, *more: Any, **others: Any) -> Any:
        value = random(context, path, *more, **others)
        return f"{value}@example.org" if value is not None and str(path).endswith("userName") else value

    for module in (filling, patch_add, patch_replace):
        monkeypatch.setattr(module, "generate_random_value", named)


KNOWN_BETTER = {
    "Attribute 'active' was not removed": "an account is active or it is not: PATCH remove leaves it as it is",
    "Attribute 'members' was not": "`display` of a member is the user's name, whatever the client calls them",
}
"""What the checker calls errors, and why it stays."""


@pytest.mark.slow
async def test_the_protocol_as_a_checker_of_it_knows_it(directory, addressed):
    from scim2_tester import Status, check_server

    scim = await directory(role="owner", domains=["*"])
    results = await asyncio.to_thread(check_server, counterpart(scim, asyncio.get_running_loop()))
    wrong = [one for one in results if one.status in {Status.ERROR, Status.CRITICAL, Status.DEVIATION}]
    bad = [f"{one.status.name} {one.title} {one.reason}" for one in wrong
           if not any(str(one.reason).startswith(known) for known in KNOWN_BETTER)]  # fmt: skip
    print(f"{len(results)} checks, {len(wrong)} known better")
    assert len(results) > 100
    assert not bad, "\n".join(bad)
