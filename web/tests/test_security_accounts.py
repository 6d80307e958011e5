"""T-AUTH through the API: letters, invitations, second factor, and what is no secret at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from headrace.accounts import letters
from headrace.infra.clock import clock, now

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"
NEW = "quite another password 7"


async def login(client, email: str, password: str = PASSWORD, **more: Any):
    client.cookies.clear()
    return await client.post(f"{API}/auth/login", json={"email": email, "password": password, **more})


async def bearer(client, email: str, password: str = PASSWORD, **more: Any) -> dict[str, str]:
    answer = await login(client, email, password, **more)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['data']['access_token']}"}


async def read_letter(client, admin, recipient: str) -> str:
    """The token of the newest letter to somebody, as the admin reads it where there is no mail server."""
    listed = (await client.get(f"{API}/system/letters", headers=admin.headers)).json()["data"]
    letter = next(one for one in listed if one["recipient"] == recipient)
    opened = await client.post(f"{API}/system/letters/{letter['id']}/open", headers=admin.headers)
    assert opened.status_code == 200, opened.text
    assert opened.json()["data"]["link"] in opened.json()["data"]["text"]
    return opened.json()["data"]["link"].partition("#")[2]


async def test_a_forgotten_password_is_reset_by_the_letter_once(client, sign_up, admin):
    ada = await sign_up(name="ada")
    for email in (ada.email, "nobody@example.org"):
        answer = await client.post(f"{API}/auth/forgot-password", json={"email": email})
        assert (answer.status_code, answer.json()["data"]) == (200, {"letter_queued": True})
    token = await read_letter(client, admin, ada.email)
    weak = await client.post(f"{API}/auth/reset-password", json={"token": token, "new_password": "short"})
    assert weak.status_code == 422, "the link stays good"
    body = {"token": token, "new_password": NEW}
    assert (await client.post(f"{API}/auth/reset-password", json=body)).status_code == 200
    assert (await client.post(f"{API}/auth/reset-password", json=body)).status_code == 401, "it works once"
    assert (await client.get(f"{API}/auth/me", headers=ada.headers)).status_code == 401, "sign-ins have ended"
    assert (await login(client, ada.email)).status_code == 401
    assert (await login(client, ada.email, NEW)).status_code == 200
    nobody = (await client.get(f"{API}/system/letters", headers=admin.headers)).json()["data"]
    letter = next(one for one in nobody if one["recipient"] == "nobody@example.org")
    opened = await client.post(f"{API}/system/letters/{letter['id']}/open", headers=admin.headers)
    assert opened.status_code == 409


async def test_a_link_ends_with_its_time_and_with_the_next(client, sign_up, admin, database):
    ada = await sign_up(name="ada")
    await client.post(f"{API}/auth/forgot-password", json={"email": ada.email})
    first, second = [await read_letter(client, admin, ada.email) for _ in range(2)]
    assert (
        await client.post(f"{API}/auth/reset-password", json={"token": first, "new_password": NEW})
    ).status_code == 401
    late = now() + timedelta(minutes=15, seconds=1)
    with clock(lambda: late):
        gone = await client.post(f"{API}/auth/reset-password", json={"token": second, "new_password": NEW})
    assert gone.status_code == 401
    async with database.transaction() as session:
        dump = "".join((await session.scalars(sa.text("select to_jsonb(l)::text from letters l"))).all())
    assert second.removeprefix("hrl_") not in dump
    assert (
        await client.post(f"{API}/auth/reset-password", json={"token": second, "new_password": NEW})
    ).status_code == 200


async def test_registration_is_closed_until_an_admin_opens_it(client, sign_up, admin):
    body = {"email": "new@example.org", "full_name": "New Person", "organization_name": "Novelties"}
    assert (await client.post(f"{API}/auth/register", json=body)).status_code == 403
    owner = await sign_up(name="owner2")
    for headers, status in ((owner.headers, 403), (admin.headers, 200)):
        opened = await client.put(f"{API}/system/registration", json={"registration": "open"}, headers=headers)
        assert opened.status_code == status
    assert (await client.get(f"{API}/auth/providers")).json()["data"]["registration"] == "open"
    answers = [
        await client.post(f"{API}/auth/register", json={**body, "email": e}) for e in (body["email"], owner.email)
    ]
    assert answers[0].json()["data"] == answers[1].json()["data"], "who has an account is nobody's business"
    token = await read_letter(client, admin, "new@example.org")
    assert await read_letter(client, admin, owner.email) == "", "who has an account is told so, and gets no link"
    confirmed = await client.post(f"{API}/auth/register/confirm", json={"token": token, "password": NEW})
    assert confirmed.status_code == 201, confirmed.text
    headers = {"Authorization": f"Bearer {confirmed.json()['data']['access_token']}"}
    me = (await client.get(f"{API}/auth/me", headers=headers)).json()["data"]
    assert (me["role"], me["organization"]["name"], me["user"]["is_platform_admin"]) == ("owner", "Novelties", False)
    again = await client.post(f"{API}/auth/register/confirm", json={"token": token, "password": NEW})
    assert again.status_code == 401


async def test_an_invitation_makes_a_member_of_its_role(client, sign_up):
    owner = await sign_up(name="host")
    made = await client.post(
        f"{API}/invitations", json={"email": "guest@example.org", "role": "editor"}, headers=owner.headers
    )
    assert made.status_code == 201, made.text
    token = made.json()["data"]["link"].partition("#")[2]
    twice = await client.post(f"{API}/invitations", json={"email": "Guest@example.org"}, headers=owner.headers)
    assert twice.status_code == 409
    shown = (await client.post(f"{API}/invitations/look", json={"token": token})).json()["data"]
    assert (shown["organization"], shown["role"], shown["has_account"]) == ("host", "editor", False)
    body = {"token": token, "password": NEW, "full_name": "Gus Guest"}
    accepted = await client.post(f"{API}/invitations/accept", json=body)
    assert accepted.status_code == 200, accepted.text
    assert (await client.post(f"{API}/invitations/accept", json=body)).status_code == 401, "it works once"
    guest = await bearer(client, "guest@example.org", NEW)
    assert (await client.get(f"{API}/auth/me", headers=guest)).json()["data"]["role"] == "editor"


async def test_who_has_an_account_accepts_with_its_password(client, sign_up):
    owner, other = await sign_up(name="host"), await sign_up(name="elsewhere")
    made = await client.post(f"{API}/invitations", json={"email": other.email}, headers=owner.headers)
    token = made.json()["data"]["link"].partition("#")[2]
    wrong = await client.post(f"{API}/invitations/accept", json={"token": token, "password": NEW})
    assert wrong.status_code == 401
    assert (
        await client.post(f"{API}/invitations/accept", json={"token": token, "password": PASSWORD})
    ).status_code == 200
    joined = await bearer(client, other.email, organization_id=str(owner.organization_id))
    assert (await client.get(f"{API}/auth/me", headers=joined)).json()["data"]["role"] == "viewer"


async def test_nobody_gives_more_than_they_have(client, sign_up):
    owner = await sign_up(name="host")
    admin_ = await sign_up("admin", owner.organization_id)
    h = admin_.headers
    asked = await client.post(f"{API}/invitations", json={"email": "x@example.org", "role": "owner"}, headers=h)
    robot = await client.post(f"{API}/service-accounts", json={"name": "R", "role": "owner"}, headers=h)
    key = await client.post(f"{API}/api-keys", json={"name": "K", "permissions": ["organization:delete"]}, headers=h)
    me = (await client.get(f"{API}/auth/me", headers=owner.headers)).json()["data"]["user"]["id"]
    link = await client.post(f"{API}/members/{me}/reset-link", headers=h)
    demoted = await client.patch(f"{API}/members/{me}", json={"role": "viewer", "row_version": 1}, headers=h)
    assert [a.status_code for a in (asked, robot, key, link, demoted)] == [403] * 5
    invited = await client.post(
        f"{API}/invitations", json={"email": "y@example.org", "role": "owner"}, headers=owner.headers
    )
    stolen = await client.post(f"{API}/invitations/{invited.json()['data']['id']}/link", headers=h)
    assert stolen.status_code == 403, "an admin opens no invitation of an owner"


async def test_an_admin_helps_members_of_this_organization_only(client, sign_up):
    owner, other = await sign_up(name="host"), await sign_up(name="elsewhere")
    viewer = await sign_up("viewer", owner.organization_id)
    ids = {
        one["email"]: one["id"] for one in (await client.get(f"{API}/members", headers=owner.headers)).json()["data"]
    }
    link = await client.post(f"{API}/members/{ids[viewer.email]}/reset-link", headers=owner.headers)
    token = link.json()["data"]["link"].partition("#")[2]
    assert (
        await client.post(f"{API}/auth/reset-password", json={"token": token, "new_password": NEW})
    ).status_code == 200
    made = await client.post(f"{API}/invitations", json={"email": other.email}, headers=owner.headers)
    token = made.json()["data"]["link"].partition("#")[2]
    await client.post(f"{API}/invitations/accept", json={"token": token, "password": PASSWORD})
    ids = {
        one["email"]: one["id"] for one in (await client.get(f"{API}/members", headers=owner.headers)).json()["data"]
    }
    taken = await client.post(f"{API}/members/{ids[other.email]}/reset-link", headers=owner.headers)
    assert taken.status_code == 403, "an account of two organizations belongs to neither"


async def test_the_second_factor_is_asked_for(client, sign_up):
    ada = await sign_up(name="ada")
    h = ada.headers
    assert (await client.post(f"{API}/auth/second-factor", json={"password": "wrong"}, headers=h)).status_code == 422
    begun = (await client.post(f"{API}/auth/second-factor", json={"password": PASSWORD}, headers=h)).json()["data"]
    assert (await login(client, ada.email)).status_code == 200, "not before it is confirmed"
    code = pyotp.TOTP(begun["secret"]).at(now() - timedelta(seconds=30))
    confirmed = await client.post(f"{API}/auth/second-factor/confirm", json={"code": code}, headers=h)
    assert confirmed.status_code == 200, confirmed.text
    missing, wrong = await login(client, ada.email), await login(client, ada.email, "wrong", code="000000")
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "SECOND_FACTOR_REQUIRED")
    assert wrong.json()["error"]["code"] == "UNAUTHENTICATED", "the password comes first"
    right = pyotp.TOTP(begun["secret"]).at(now() + timedelta(seconds=1))
    assert (await login(client, ada.email, code=right)).status_code == 200
    assert (await login(client, ada.email, code=right)).status_code == 401, "a code is good once"
    spare = confirmed.json()["data"]["recovery_codes"][0]
    assert (await login(client, ada.email, code=spare)).status_code == 200
    guesses = [await login(client, ada.email, code="000000") for _ in range(5)]
    assert {one.status_code for one in guesses} == {401}
    assert (await login(client, ada.email, code=spare)).status_code == 429, "counted although each was refused"
    state = (await client.get(f"{API}/auth/second-factor", headers=h)).json()["data"]
    assert state == {"enabled": True, "recovery_codes_left": 9}
    removed = await client.post(f"{API}/auth/second-factor/remove", json={"password": PASSWORD}, headers=h)
    assert removed.status_code == 200


async def test_changing_the_password_ends_every_other_sign_in(client, sign_up):
    ada = await sign_up(name="ada")
    tokens = (await login(client, ada.email)).json()["data"]
    mine = {"Authorization": f"Bearer {tokens['access_token']}"}
    elsewhere = (await login(client, ada.email)).json()["data"]["refresh_token"]
    assert len((await client.get(f"{API}/sessions", headers=mine)).json()["data"]) == 3
    body = {"old_password": PASSWORD, "new_password": NEW}
    assert (await client.post(f"{API}/auth/change-password", json=body, headers=mine)).status_code == 200
    assert (await client.post(f"{API}/auth/refresh", json={"refresh_token": elsewhere})).status_code == 401
    renewed = await client.post(f"{API}/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert renewed.status_code == 200
    mine = {"Authorization": f"Bearer {renewed.json()['data']['access_token']}"}
    await login(client, ada.email, NEW)
    assert (await client.delete(f"{API}/sessions", headers=mine)).json()["data"] == {"ended": 3}
    assert [one["current"] for one in (await client.get(f"{API}/sessions", headers=mine)).json()["data"]] == [True]


async def test_one_changes_oneself_on_the_present_version(client, sign_up):
    ada = await sign_up(name="ada")
    version = (await client.get(f"{API}/auth/me", headers=ada.headers)).json()["data"]["user"]["row_version"]
    without = await client.patch(f"{API}/auth/me", json={"full_name": "Ada"}, headers=ada.headers)
    assert without.status_code == 428
    good = {**ada.headers, "If-Match": f'"{version}"'}
    changed = await client.patch(f"{API}/auth/me", json={"full_name": "Ada L"}, headers=good)
    assert changed.json()["data"]["user"]["full_name"] == "Ada L"
    assert (await client.patch(f"{API}/auth/me", json={"full_name": "B"}, headers=good)).status_code == 412
    for body in ({"email": "x@example.org"}, {"is_platform_admin": True}, {"password_hash": "x"}, {"kind": "service"}):
        assert (await client.patch(f"{API}/auth/me", json=body, headers=good)).status_code in {400, 422}, body


# --- T-AUTH-7 ---

NOTHING: list[Any] = [None, "", [], {}, 0, False, [""], {"$ne": ""}]
SECRETS = [
    ("/auth/login", {"email": "boss-new@example.org", "password": PASSWORD}, "password"),
    ("/auth/refresh", {"refresh_token": "x"}, "refresh_token"),
    ("/auth/reset-password", {"token": "x", "new_password": NEW}, "token"),
    ("/auth/reset-password", {"token": "x", "new_password": NEW}, "new_password"),
    ("/auth/register/confirm", {"token": "x", "password": NEW}, "token"),
    ("/auth/register/confirm", {"token": "x", "password": NEW}, "password"),
    ("/invitations/look", {"token": "x"}, "token"),
    ("/invitations/accept", {"token": "x", "password": NEW}, "token"),
    ("/invitations/accept", {"token": "x", "password": NEW}, "password"),
    ("/setup", {"token": "x", "email": "e@example.org", "password": NEW, "full_name": "E"}, "token"),
]


@pytest.mark.parametrize(("path", "body", "field"), SECRETS, ids=[f"{path}-{field}" for path, _, field in SECRETS])
async def test_no_secret_is_the_same_as_another_missing_one(client, admin, monkeypatch, path, body, field):
    """Rows whose secret is absent (a letter nobody opened, a user without password) are there to be matched."""
    monkeypatch.setattr("headrace_web.limits.PER_ACCOUNT", 1000)
    await client.post(f"{API}/auth/forgot-password", json={"email": admin.email})
    await client.post(f"{API}/invitations", json={"email": "guest@example.org"}, headers=admin.headers)
    for value in [*NOTHING, ...]:
        tried = {k: v for k, v in body.items() if k != field} | ({} if value is ... else {field: value})
        answer = await client.post(API + path, json=tried)
        assert answer.status_code in {400, 401, 422}, f"{value!r}: {answer.status_code} {answer.text}"


async def test_guessing_an_account_from_everywhere_locks_out_nobody_who_was_there(client, sign_up, monkeypatch):
    from headrace_web import limits

    monkeypatch.setattr(limits, "PER_ACCOUNT_EVERYWHERE", 6)  # the sign-up has counted one
    services, email = client.app.state.services, (await sign_up(name="ada")).email
    for number in range(5):
        await limits.count_attempt(services, account=email, address=f"203.0.113.{number}")
    with pytest.raises(limits.RateLimited):
        await limits.count_attempt(services, account=email, address="203.0.113.99")
    assert (await login(client, email)).status_code == 200, "the owner's address has signed in before"
    monkeypatch.setattr(limits, "PER_ACCOUNT_EVERYWHERE", 100)
    for number in range(limits.PER_ACCOUNT):
        await limits.count_attempt(services, account="x@example.org", address=f"2001:db8::{number:x}")
    with pytest.raises(limits.RateLimited):
        await limits.count_attempt(services, account="x@example.org", address="2001:db8::ffff")


async def test_reset_with_an_address_alone_asks_for_a_letter(client, sign_up, admin):
    person = await sign_up(name="forgetful")
    asked = await client.post(f"{API}/auth/reset-password", json={"email": person.email})
    assert (asked.status_code, asked.json()["data"]) == (200, {"letter_queued": True})
    nobody = await client.post(f"{API}/auth/reset-password", json={"email": "nobody@example.org"})
    assert nobody.json()["data"] == asked.json()["data"], "the same for every address"
    newest = (await client.get(f"{API}/system/letters", headers=admin.headers)).json()["data"]
    assert person.email in {one["recipient"] for one in newest}
    for body in ({}, {"token": "x"}, {"new_password": NEW}, {"email": person.email, "token": "x"},
                 {"email": person.email, "new_password": NEW}):  # fmt: skip
        refused = await client.post(f"{API}/auth/reset-password", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "VALIDATION_FAILED"), body


async def test_a_letter_goes_to_the_accounts_address_not_to_a_lookalike(client, sign_up, admin):
    """`\u212a` (the sign of kelvin) is a k in lower case, and a mailbox of somebody else."""
    person = await sign_up(name="kim")
    typed = person.email.replace("k", "\u212a", 1)
    assert typed.lower() == person.email
    await client.post(f"{API}/auth/forgot-password", json={"email": typed})
    letter = (await client.get(f"{API}/system/letters", headers=admin.headers)).json()["data"][0]
    opened = await client.post(f"{API}/system/letters/{letter['id']}/open", headers=admin.headers)
    assert opened.json()["data"]["recipient"] == person.email


async def test_a_link_that_an_admin_hands_over_proves_no_address(client, sign_up, database):
    owner = await sign_up(name="host")
    made = await client.post(f"{API}/invitations", json={"email": "ceo@example.com"}, headers=owner.headers)
    token = made.json()["data"]["link"].partition("#")[2]
    body = {"token": token, "password": NEW, "full_name": "Not The Ceo"}
    assert (await client.post(f"{API}/invitations/accept", json=body)).status_code == 200
    me = (await client.get(f"{API}/auth/me", headers=await bearer(client, "ceo@example.com", NEW))).json()["data"]
    assert me["user"]["is_email_verified"] is False
    async with database.transaction() as session:
        letter = await letters.write(session, "reset_password", "ceo@example.com")
        mailed = await letters.open_letter(session, letter.id, "http://x", mailed=True)
    answer = await client.post(
        f"{API}/auth/reset-password", json={"token": mailed.link.partition("#")[2], "new_password": NEW + "!"}
    )
    assert answer.status_code == 200, answer.text
    me = (await client.get(f"{API}/auth/me", headers=await bearer(client, "ceo@example.com", NEW + "!"))).json()["data"]
    assert me["user"]["is_email_verified"] is True, "a mailed link does"


async def test_a_reset_link_of_an_admin_ends_when_the_account_is_of_others_too(client, sign_up):
    owner, other = await sign_up(name="host"), await sign_up(name="other")
    member = await sign_up("viewer", owner.organization_id)
    ids = {one["email"]: one["id"] for one in
           (await client.get(f"{API}/members", headers=owner.headers)).json()["data"]}  # fmt: skip
    link = await client.post(f"{API}/members/{ids[member.email]}/reset-link", headers=owner.headers)
    made = await client.post(f"{API}/invitations", json={"email": member.email}, headers=other.headers)
    body = {"token": made.json()["data"]["link"].partition("#")[2], "password": PASSWORD}
    assert (await client.post(f"{API}/invitations/accept", json=body)).status_code == 200
    body = {"token": link.json()["data"]["link"].partition("#")[2], "new_password": NEW}
    assert (await client.post(f"{API}/auth/reset-password", json=body)).status_code == 401
    await bearer(client, member.email)


async def test_a_password_is_guessed_nowhere_faster_than_at_the_sign_in(client, sign_up):
    owner, victim = await sign_up(name="host"), await sign_up(name="victim")
    made = await client.post(f"{API}/invitations", json={"email": victim.email}, headers=owner.headers)
    token = made.json()["data"]["link"].partition("#")[2]
    for number in range(6):
        guess = {"token": token, "password": f"guess number {number}"}
        assert (await client.post(f"{API}/invitations/accept", json=guess)).status_code == 401
    codes = [(await login(client, victim.email, f"guess number {number}")).status_code for number in range(5)]
    assert codes == [401] * 4 + [429], "guesses at both doors are counted together"
    for path, body in (
        ("/auth/change-password", {"old_password": "guess number 1", "new_password": NEW}),
        ("/auth/second-factor", {"password": "guess number 1"}),
    ):
        codes = [(await client.post(API + path, json=body, headers=owner.headers)).status_code for _ in range(12)]
        assert codes[-1] == 429, path


async def test_one_is_known_by_a_username_in_an_organization(client, sign_up):
    owner = await sign_up(name="host")
    other = await sign_up("editor", owner.organization_id)
    me = (await client.get(f"{API}/auth/me", headers=owner.headers)).json()["data"]["user"]
    assert (me["username"], me["user_utc_offset"], me["is_active"]) == (None, "+00:00", True)
    assert me["last_login_at"]
    change = {"username": "Host.1", "user_utc_offset": "-03:30", "row_version": me["row_version"]}
    changed = await client.patch(f"{API}/auth/me", json=change, headers=owner.headers)
    assert changed.status_code == 200, changed.text
    user = changed.json()["data"]["user"]
    assert (user["username"], user["user_utc_offset"]) == ("Host.1", "-03:30")
    theirs = (await client.get(f"{API}/auth/me", headers=other.headers)).json()["data"]["user"]
    taken = {"username": "host.1", "row_version": theirs["row_version"]}
    refused = await client.patch(f"{API}/auth/me", json=taken, headers=other.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    for wrong in ("", "a b", "-x", "x" * 65):
        bad = {"username": wrong, "row_version": theirs["row_version"]}
        assert (await client.patch(f"{API}/auth/me", json=bad, headers=other.headers)).status_code == 422, wrong
    found = await client.get(f"{API}/members?q=host.1", headers=owner.headers)
    assert [one["username"] for one in found.json()["data"]] == ["Host.1"]
