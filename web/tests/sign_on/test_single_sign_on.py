"""Signing in by a provider: who arrives, with which role, in which browser, once."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa
from headrace.identities.arrive import role_of
from headrace.infra.clock import clock, now

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"
ADA = {"email": "Ada@example.org", "name": "Ada Lovelace", "groups": ["data", "ops", "other", "nul\x00", ""]}


async def test_a_newcomer_gets_an_account_with_the_role_of_their_groups(world, database):
    paper = await world()
    answer = await paper.back(*await paper.away("/flows"), **ADA)
    assert answer.headers["location"] == "/flows"
    me = await paper.me(answer)
    assert (me["user"]["email"], me["user"]["full_name"], me["role"]) == ("Ada@example.org", "Ada Lovelace", "editor")
    assert me["user"]["is_email_verified"] is True
    again = await paper.me(await paper.arrive(**{**ADA, "email": "renamed@example.org"}))
    assert again["user"]["id"] == me["user"]["id"], "the subject counts, not the address"
    listed = await paper.client.get(f"{API}/identity-providers/{paper.id}/identities", headers=paper.owner.headers)
    assert [one["subject"] for one in listed.json()["data"]] == ["s-1"]
    login = {"email": "ada@example.org", "password": PASSWORD}
    assert (await paper.client.post(f"{API}/auth/login", json=login)).status_code == 401
    async with database.transaction(paper.owner.organization_id) as session:
        from headrace.accounts.passwords import hash_password

        change = sa.text("update users set password_hash = :h where lower(email) = 'ada@example.org'")
        await session.execute(change, {"h": await hash_password(PASSWORD)})
    assert (await paper.client.post(f"{API}/auth/login", json=login)).status_code == 401, "no way round the provider"


async def test_the_role_follows_the_groups_and_ends_with_the_last(world, refused):
    paper = await world()
    assert (await paper.me(await paper.arrive(**ADA)))["role"] == "editor"
    first = paper.session
    assert (await paper.me(await paper.arrive(**{**ADA, "groups": ["OPS"]})))["role"] == "operator"
    refused(await paper.arrive(**{**ADA, "groups": ["other"]}))
    assert "membership is ended" in await paper.why()
    for session in (first, paper.session):
        assert (await paper.client.get(f"{API}/auth/me", headers=session)).status_code == 401, "sign-ins end too"
    assert (await paper.me(await paper.arrive(**ADA)))["role"] == "editor", "the group is back"


def test_the_strongest_group_counts() -> None:
    made = "01900000-0000-7000-8000-000000000000"
    roles = {"a": "viewer", "B": "admin", "c": made, "d": "editor"}
    assert role_of(["A", "d", "b", "x"], roles) == "admin"
    assert role_of(["c", "a"], roles) == "viewer", "one that the organization has made counts where none of ours does"
    assert role_of(["C"], roles) == made
    assert role_of(["x", ""], roles) is None


async def test_what_an_admin_ended_a_group_does_not_undo(world, refused):
    paper = await world()
    me = await paper.me(await paper.arrive(**ADA))
    path = f"{API}/members/{me['user']['id']}"
    assert (await paper.client.delete(path, headers=paper.owner.headers)).status_code == 200
    refused(await paper.arrive(**ADA))
    assert "inactive" in await paper.why()


@pytest.mark.parametrize(
    "profile",
    [
        {**ADA, "email_verified": False}, {**ADA, "email": "ada@other.org"}, {**ADA, "email": ""},
        {**ADA, "email": "ada@example.org.evil.org"}, {**ADA, "email": "ada@evil.org@example.org@evil.org"},
        {**ADA, "groups": []}, {**ADA, "subject": ""}, {**ADA, "subject": "a\x00b"}, {**ADA, "subject": "x" * 256},
        {**ADA, "email": "a b@example.org"}, {**ADA, "email": "ada@evil.org@example.org"},
        {**ADA, "email": "ada\x00@example.org"},
    ],
)  # fmt: skip
async def test_strangers_are_refused_and_nothing_is_made(world, database, profile, refused):
    paper = await world()
    refused(await paper.arrive(**profile))
    async with database.transaction() as session:
        assert await session.scalar(sa.text("select count(*) from users where email ilike '%ada%'")) == 0


async def test_an_owner_speaks_for_no_domain_and_for_no_platform_admin(world, client, sign_up, admin, refused, at):
    mallory = await sign_up(name="mallory")
    body = {"provider": "paper", "name": "Mine", "config": {}}
    for more in ({"domains": ["example.org"]}, {"domains": ["*"]}, {"listed": True}):
        answer = await client.post(f"{API}/identity-providers", json={**body, **more}, headers=mallory.headers)
        refused(answer, 403, "PERMISSION_DENIED")
    made = await client.post(f"{API}/identity-providers", json=body, headers=mallory.headers)
    mine = at(mallory, made.json()["data"])
    refused(await mine.arrive(email=admin.email))
    for change in ({"domains": ["*"]}, {"listed": True}):
        answer = await client.patch(
            f"{API}/identity-providers/{mine.id}", json={**change, "row_version": 1}, headers=mallory.headers
        )
        refused(answer, 403, "PERMISSION_DENIED")
    paper = await world()
    refused(await paper.arrive(email=admin.email))
    assert "not listed" in await paper.why()
    listed = await world(name="Listed", listed=True)
    assert (await listed.me(await listed.arrive(email=admin.email)))["user"]["is_platform_admin"] is True


async def test_a_state_is_good_once_and_in_one_browser(world, refused):
    paper = await world()
    state, cookie = await paper.away()
    await paper.me(await paper.back(state, cookie, **ADA))
    refused(await paper.back(state, cookie, **ADA))
    state, cookie = await paper.away()
    refused(await paper.back(state, {}, **ADA))
    refused(await paper.back(state, cookie, **ADA))
    state, cookie = await paper.away()
    _, other = await paper.away()
    refused(await paper.back(state, other, **ADA))
    refused(await paper.back("forged", cookie, **ADA))
    refused(await paper.back("", cookie, **ADA))


async def test_a_state_ends_after_ten_minutes_and_is_of_one_provider(world, refused):
    paper, second = await world(), await world(name="Second")
    state, cookie = await paper.away()
    refused(await second.back(state, cookie, **ADA))
    later = now() + timedelta(minutes=11)
    with clock(lambda: later):
        refused(await paper.back(state, cookie, **ADA))


async def test_a_posted_answer_waits_for_the_browser_that_was_sent(world, refused):
    """As SAML does it: a foreign page posts, and only the redirect that follows carries our cookie."""
    paper = await world()
    state, cookie = await paper.away()
    form = {"RelayState": state, "profile": json.dumps({"subject": "s-1", **ADA})}
    foreign = {"Origin": "https://idp.example.org", "Sec-Fetch-Site": "cross-site"}
    posted = await paper.client.post(f"{paper.path}/callback", data=form, headers=foreign)
    assert (posted.status_code, posted.headers["location"]) == (303, f"{paper.path}/callback?state={state}")
    assert "set-cookie" not in posted.headers
    refused(await paper.client.post(f"{paper.path}/callback", data=form, headers=foreign))
    came = await paper.client.get(posted.headers["location"], headers=cookie)
    paper.client.cookies.clear()
    assert (await paper.me(came))["role"] == "editor"
    refused(await paper.client.get(posted.headers["location"], headers=cookie))
    for data in ({"RelayState": "x"}, {}, {**form, "big": "x" * 600_000}):
        refused(await paper.client.post(f"{paper.path}/callback", data=data, headers=foreign))


async def test_members_link_an_identity_and_then_sign_in_by_it(world, sign_up, client, refused):
    paper = await world(domains=[])
    member = await sign_up("viewer", paper.owner.organization_id)
    refused(await paper.arrive(email=member.email))
    sent = await client.post(f"{paper.path}/link", headers=member.headers)
    state = dict(parse_qsl(urlsplit(sent.json()["data"]["location"]).query))["state"]
    cookie = {"Cookie": f"headrace_sign_in={sent.cookies['headrace_sign_in']}"}
    client.cookies.clear()
    linked = await paper.back(state, cookie, email="who@ever.org")
    assert linked.status_code == 303
    assert "headrace_session" not in linked.headers.get("set-cookie", "")
    me = await paper.me(await paper.arrive(email="who@ever.org"))
    assert (me["user"]["email"], me["role"]) == (member.email, "viewer")
    assert (
        await client.post(f"{API}/auth/login", json={"email": member.email, "password": PASSWORD})
    ).status_code == 200
    other = await sign_up("operator", paper.owner.organization_id)
    sent = await client.post(f"{paper.path}/link", headers=other.headers)
    state = dict(parse_qsl(urlsplit(sent.json()["data"]["location"]).query))["state"]
    cookie = {"Cookie": f"headrace_sign_in={sent.cookies['headrace_sign_in']}"}
    client.cookies.clear()
    refused(await paper.back(state, cookie))
    stranger = await sign_up(name="elsewhere")
    refused(await client.post(f"{paper.path}/link", headers=stranger.headers), 404, "IDENTITY_PROVIDER_NOT_FOUND")


async def test_a_sign_in_by_a_provider_ends_however_busy(world):
    paper = await world(session_hours=2)
    await paper.me(await paper.arrive(**ADA))
    start = now()
    for minutes, status in ((60, 200), (115, 200), (121, 401)):
        at = start + timedelta(minutes=minutes)
        with clock(lambda at=at: at):
            assert (await paper.client.get(f"{API}/auth/me", headers=paper.session)).status_code == status, minutes
