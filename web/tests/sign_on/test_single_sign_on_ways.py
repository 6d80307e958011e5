"""Directories, proxies, editions, and what strangers and tables show of providers."""

from __future__ import annotations

import json

import sqlalchemy as sa
from headrace.accounts.permissions import PERMISSIONS, Actor
from headrace.entitlements import subscriptions

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"
ADA = {"email": "Ada@example.org", "name": "Ada Lovelace", "groups": ["data", "ops", "other", "nul\x00", ""]}


async def test_only_owners_configure_and_roles_have_bounds(client, sign_up, refused):
    owner = await sign_up()
    boss = await sign_up("admin", owner.organization_id)
    body = {"provider": "paper", "name": "P", "config": {}}
    refused(await client.post(f"{API}/identity-providers", json=body, headers=boss.headers), 403, "PERMISSION_DENIED")
    for more in ({"default_role": "king"}, {"group_roles": {"a": "king"}}, {"provider": "password"}, {"provider": "x"},
                 {"config": {"wrod": "x"}}, {"name": ""}):  # fmt: skip
        answer = await client.post(f"{API}/identity-providers", json={**body, **more}, headers=owner.headers)
        assert answer.status_code == 422, (more, answer.text)


async def test_browsers_go_back_to_the_form_and_never_elsewhere(world):
    paper = await world()
    html = {"Accept": "text/html,*/*"}
    answer = await paper.client.get(f"{paper.path}/callback?state=x", headers=html)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?refused=sign_in_refused")
    for place in ("https://evil.org", "//evil.org", "/\\evil.org", "javascript:x", "/a\r\nSet-Cookie: x=y", ""):
        done = await paper.back(*await paper.away(place), **ADA)
        assert done.headers["location"] == "/", place


async def test_a_directory_password_asks_for_the_second_factor(world, sign_up, client, refused):
    import pyotp

    slip = await world(provider="slip")
    member = await sign_up("viewer", slip.owner.organization_id)
    begun = await client.post(f"{API}/auth/second-factor", json={"password": PASSWORD}, headers=member.headers)
    totp = pyotp.TOTP(begun.json()["data"]["secret"])
    confirmed = await client.post(
        f"{API}/auth/second-factor/confirm", json={"code": totp.now()}, headers=member.headers
    )
    body = {"username": json.dumps({"subject": "m", "email": member.email}), "password": "right"}
    refused(await client.post(f"{slip.path}/login", json={**body, "password": "wrong"}))
    refused(await client.post(f"{slip.path}/login", json=body), code="SECOND_FACTOR_REQUIRED")
    code = confirmed.json()["data"]["recovery_codes"][0]
    answer = await client.post(f"{slip.path}/login", json={**body, "code": code})
    assert answer.json()["data"]["token_type"] == "bearer", answer.text
    foreign = {"Origin": "https://evil.example.org"}
    refused(await client.post(f"{slip.path}/login", json=body, headers=foreign), 403, "PERMISSION_DENIED")


async def test_guessing_a_directory_password_is_slowed_down(world, client):
    slip = await world(provider="slip")
    body = {"username": json.dumps({"subject": "m"}), "password": "wrong"}
    codes = [(await client.post(f"{slip.path}/login", json=body)).status_code for _ in range(12)]
    assert codes == [401] * 10 + [429] * 2


async def test_what_a_proxy_says_comes_in_at_once(world, client, refused):
    badge = await world(provider="badge")
    headers = {"X-Profile": json.dumps({"subject": "s", **ADA})}
    answer = await client.get(f"{badge.path}/start?next=/flows", headers=headers)
    client.cookies.clear()
    assert answer.headers["location"] == "/flows"
    assert (await badge.me(answer))["role"] == "editor"
    refused(await client.post(f"{badge.path}/login", json={"username": "x", "password": "y"}), 403, "PERMISSION_DENIED")
    assert (await client.get(f"{badge.path}/callback?state=x")).status_code == 403


async def test_the_real_proxy_plugin_takes_headers_from_its_address_only(world, client, refused):
    near = await world(provider="proxy", name="Near", config={"trusted": ["127.0.0.1"]}, default_role="viewer")
    far = await world(provider="proxy", name="Far", config={"trusted": ["192.0.2.7"]}, default_role="viewer")
    headers = {
        "X-Forwarded-User": "ada", "X-Forwarded-Email": "ada@example.org", "X-Forwarded-For": "192.0.2.7",
        "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7",
    }  # fmt: skip
    assert (await near.me(await client.get(f"{near.path}/start", headers=headers)))["role"] == "viewer"
    client.cookies.clear()
    refused(await client.get(f"{far.path}/start", headers=headers))
    assert "not trusted" in await far.why()


async def test_the_entrance_shows_what_there_is_to_whom_it_concerns(world, client, sign_up, admin):
    async def shown(**query: str) -> list[str]:
        answer = await client.get(f"{API}/auth/providers", params=query)
        assert "canary" not in answer.text
        return [one["title"] for one in answer.json()["data"]["providers"]]

    own = await world(name="Own")
    await world(name="Listed", listed=True)
    await world(name="Off", listed=True, is_enabled=False)
    slug = (await client.get(f"{API}/auth/me", headers=admin.headers)).json()["data"]["organization"]["slug"]
    assert await shown() == ["E-mail and password", "Listed"]
    assert await shown(organization=slug) == ["E-mail and password", "Listed", "Own"]
    assert await shown(organization="nobody") == await shown(email="x@other.org") == await shown()
    assert await shown(email="unknown@EXAMPLE.org") == ["E-mail and password", "Listed", "Own"]
    assert await shown(email="%@%") == await shown(email="*") == await shown(organization="' or 1=1") == await shown()
    path = f"{API}/identity-providers/{own.id}"
    for change in ({"is_enabled": False, "row_version": 1},):
        assert (await client.patch(path, json=change, headers=admin.headers)).status_code == 200
    assert (await client.get(f"{own.path}/start")).status_code == 404


async def test_saml_and_ldap_are_part_of_some_editions(client, admin, world, refused):
    boss = Actor(
        organization_id=admin.organization_id, role="owner", permissions=PERMISSIONS["owner"], is_platform_admin=True
    )
    database = client.app.state.services.database
    async with database.transaction(admin.organization_id) as session:
        await subscriptions.subscribe(session, boss, edition="community", plan="free")
    body = {"provider": "seal", "name": "Seal", "config": {}, "domains": ["example.org"], "default_role": "viewer"}
    refused(await client.post(f"{API}/identity-providers", json=body, headers=admin.headers), 403, "FEATURE_DISABLED")
    types = (await client.get(f"{API}/identity-providers/types", headers=admin.headers)).json()["data"]
    assert {one["id"]: one["included"] for one in types if one["id"] in {"oidc", "saml", "ldap", "proxy"}} == {
        "oidc": True, "saml": False, "ldap": False, "proxy": True,
    }  # fmt: skip
    async with database.transaction(admin.organization_id) as session:
        await subscriptions.override_feature(session, boss, "sso", enabled=True)
    seal = await world(**body)
    assert (await seal.me(await seal.arrive(**ADA)))["role"] == "editor"
    state, cookie = await seal.away()
    async with database.transaction(admin.organization_id) as session:
        await subscriptions.remove_override(session, boss, "sso")
    refused(await seal.back(state, cookie, **ADA), 403, "FEATURE_DISABLED")
    offered = (await client.get(f"{API}/auth/providers", params={"email": "a@example.org"})).text
    assert "Seal" not in offered


async def test_secrets_and_states_are_not_to_be_read_in_tables(world, client, database):
    paper = await world()
    state, cookie = await paper.away()
    await paper.client.post(f"{paper.path}/callback", data={"RelayState": state, "profile": "canary-answer"})
    dump = ""
    async with database.transaction(paper.owner.organization_id) as session:
        for name in ("identity_providers", "sign_in_attempts"):
            dump += "".join((await session.scalars(sa.text(f"select to_jsonb(t)::text from {name} t"))).all())
    assert dump.count("v1.") >= 3
    for text in ("canary", state, cookie["Cookie"].partition("=")[2], 'memory":{'):
        assert text not in dump
    shown = await client.get(f"{API}/identity-providers/{paper.id}", headers=paper.owner.headers)
    assert shown.json()["data"]["config"]["word"] == {"$secret": True, "set": True, "hint": "…nfig"}
    path = f"{API}/identity-providers/{paper.id}"
    kept = await client.patch(path, json={"config": {}, "row_version": 1}, headers=paper.owner.headers)
    assert kept.json()["data"]["config"]["word"]["set"] is True


async def test_without_the_plugin_nobody_signs_in_by_password(client, sign_up, refused):
    member = await sign_up()
    registry = client.app.state.services.host.registry
    entry = registry.auth_providers.pop("password")
    try:
        answer = await client.post(f"{API}/auth/login", json={"email": member.email, "password": PASSWORD})
        refused(answer, 403, "PERMISSION_DENIED")
        offered = await client.get(f"{API}/auth/providers")
        assert offered.json()["data"]["providers"] == []
    finally:
        registry.auth_providers["password"] = entry
