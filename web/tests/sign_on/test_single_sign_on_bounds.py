"""How far a sign-in reaches: a provider speaks for its own organization, and keeps the door of those it brought."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from headrace.infra.clock import clock, now

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"
ADA = {"email": "Ada@example.org", "name": "Ada Lovelace", "groups": ["data"]}


async def joined(client, owner, email, password=PASSWORD, role="viewer"):
    """The address becomes a member of the owner's organization by an invitation."""
    made = await client.post(f"{API}/invitations", json={"email": email, "role": role}, headers=owner.headers)
    token = made.json()["data"]["link"].partition("#")[2]
    body = {"token": token, "password": password, "full_name": "Ada"}
    accepted = await client.post(f"{API}/invitations/accept", json=body)
    assert accepted.status_code == 200, accepted.text


async def linked(client, paper, person):
    """The person links what the provider says to their account."""
    sent = await client.post(f"{paper.path}/link", headers=person.headers)
    state = dict(parse_qsl(urlsplit(sent.json()["data"]["location"]).query))["state"]
    cookie = {"Cookie": f"headrace_sign_in={sent.cookies['headrace_sign_in']}"}
    client.cookies.clear()
    assert (await paper.back(state, cookie)).status_code == 303


async def switched(client, headers, organization_id):
    answer = await client.post(f"{API}/organizations/{organization_id}/switch", headers=headers)
    client.cookies.clear()
    return answer


async def by_cookie(paper):
    """Headers of the browser that has just come in."""
    me = (await paper.client.get(f"{API}/auth/me", headers=paper.session)).json()["data"]
    return {**paper.session, "X-CSRF-Token": me["csrf_token"], "Origin": "http://127.0.0.1:8080"}


async def test_the_provider_of_one_organization_opens_no_other(world, client, sign_up, at):
    """Its owner decides what it says: it must not let them into what else a member belongs to."""
    mallory, victim, other = await sign_up(name="mallory"), await sign_up(name="victim"), await sign_up(name="other")
    await joined(client, mallory, victim.email)
    await joined(client, other, victim.email)
    body = {"provider": "paper", "name": "Mine", "config": {}, "default_role": "viewer"}
    made = (await client.post(f"{API}/identity-providers", json=body, headers=mallory.headers)).json()["data"]
    paper = at(mallory, made)
    login = {"email": victim.email, "password": PASSWORD, "organization_id": str(mallory.organization_id)}
    tokens = (await client.post(f"{API}/auth/login", json=login)).json()["data"]
    there = type(victim)(victim.email, mallory.organization_id, {"Authorization": f"Bearer {tokens['access_token']}"})
    await linked(client, paper, there)
    assert (await paper.me(await paper.arrive()))["user"]["email"] == victim.email
    headers = await by_cookie(paper)
    for place in (other.organization_id, victim.organization_id):
        refused = await switched(client, headers, place)
        assert refused.status_code == 403, refused.text
        assert "good for it only" in refused.json()["error"]["message"]
    shown = (await client.get(f"{API}/organizations", headers=headers)).json()["data"]
    assert [one["id"] for one in shown] == [str(mallory.organization_id)], "nor does it tell where else they are"
    client.cookies.clear()
    by_password = await switched(client, there.headers, other.organization_id)
    assert by_password.status_code == 200, "with their own password they go where they belong"


async def test_a_listed_provider_goes_along_and_its_end_too(world, client, sign_up, admin):
    paper = await world(listed=True, session_hours=2)
    await paper.me(await paper.arrive(**ADA))
    reset = await client.post(f"{API}/auth/forgot-password", json={"email": ADA["email"]})
    assert reset.status_code == 200
    letters = (await client.get(f"{API}/system/letters", headers=admin.headers)).json()["data"]
    opened = await client.post(f"{API}/system/letters/{letters[0]['id']}/open", headers=admin.headers)
    token = opened.json()["data"]["link"].partition("#")[2]
    await client.post(f"{API}/auth/reset-password", json={"token": token, "new_password": PASSWORD})
    other = await sign_up(name="other")
    await joined(client, other, ADA["email"])
    await paper.me(await paper.arrive(**ADA))
    gone = await switched(client, await by_cookie(paper), other.organization_id)
    assert gone.status_code == 200, gone.text
    session = {"Cookie": "headrace_session=" + re.search(r"headrace_session=([^;]+)", gone.headers["set-cookie"])[1]}
    me = (await client.get(f"{API}/auth/me", headers=session)).json()["data"]
    assert me["organization"]["id"] == str(other.organization_id)
    later = now() + timedelta(minutes=121)
    with clock(lambda: later):
        assert (await client.get(f"{API}/auth/me", headers=session)).status_code == 401, "asked again after two hours"


async def test_a_password_of_elsewhere_does_not_pass_by_a_provider(world, client, sign_up, admin):
    """Whom a provider brought comes in by it alone: going over from another organization is no way round."""
    paper = await world()
    await paper.me(await paper.arrive(**ADA))
    reset = await client.post(f"{API}/auth/forgot-password", json={"email": ADA["email"]})
    assert reset.status_code == 200
    letters = (await client.get(f"{API}/system/letters", headers=admin.headers)).json()["data"]
    opened = await client.post(f"{API}/system/letters/{letters[0]['id']}/open", headers=admin.headers)
    token = opened.json()["data"]["link"].partition("#")[2]
    await client.post(f"{API}/auth/reset-password", json={"token": token, "new_password": PASSWORD})
    other = await sign_up(name="other")
    await joined(client, other, ADA["email"])
    login = await client.post(f"{API}/auth/login", json={"email": ADA["email"], "password": PASSWORD})
    headers = {"Authorization": f"Bearer {login.json()['data']['access_token']}"}
    refused = await switched(client, headers, paper.owner.organization_id)
    assert refused.status_code == 403, refused.text
    assert "a sign-in of its own" in refused.json()["error"]["message"]
    assert (await client.get(f"{API}/auth/me", headers=headers)).status_code == 200, "and they stay where they are"


@pytest.mark.parametrize("name", ["X-Forwarded-User", "X-Forwarded-Email"])
async def test_a_header_that_comes_twice_is_nobody_known(world, client, refused, name):
    """A proxy that adds its header beside the client's own must not let the client choose who they are."""
    near = await world(provider="proxy", name="Near", config={"trusted": ["127.0.0.1"]}, default_role="viewer")
    named = [("X-Forwarded-User", "ada"), ("X-Forwarded-Email", "ada@example.org")]
    await near.me(await client.get(f"{near.path}/start", headers=named))
    client.cookies.clear()
    forged = dict(named)[name].replace("ada", "eve")
    for headers in ([(name, forged), *named], [*named, (name, forged)]):
        refused(await client.get(f"{near.path}/start", headers=headers))
        assert "several times" in await near.why()
