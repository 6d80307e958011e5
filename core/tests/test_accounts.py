"""Sign in, refresh, reuse, roles, set-up."""

import asyncio
import base64
import json
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from headrace.accounts import passwords, service, setup, sign_in
from headrace.accounts.permissions import PERMISSIONS, Actor
from headrace.accounts.tokens import COOKIE, REFRESH, Claims, SessionToken, Signer
from headrace.infra.clock import clock, now
from headrace.infra.crypto import KeyRing, generate_key
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError, Conflict, Denied, NotFound, Unauthenticated
from msgspec import Struct

PASSWORD = "correct horse battery"
EMAIL = "ada@example.org"
HASHER = passwords._HASHER
"""That of the product; tests have a cheap one."""


def test_a_hash_is_expensive_and_for_nobody_as_much():
    cost = "$argon2id$v=19$m=65536,t=3,p=4$"
    assert HASHER.hash(PASSWORD).startswith(cost)
    assert passwords._NOBODY.startswith(cost)


class World(Struct):
    database: Database
    signer: Signer
    organization_id: UUID
    user_id: UUID

    async def login(self, **more):
        async with self.database.transaction() as session:
            return await sign_in.login(session, self.signer, **({"email": EMAIL, "password": PASSWORD} | more))

    async def refresh(self, token):
        async with self.database.transaction() as session:
            return await sign_in.refresh(session, self.signer, token)

    async def who(self, token: str) -> Actor:
        async with self.database.transaction() as session:
            return await sign_in.actor_by_token(session, self.signer, token)


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing([Secret(generate_key())])


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> World:
    async with database.transaction() as session:
        token = await setup.new_setup_token(session)
    async with database.transaction() as session:
        user, member = await setup.complete_setup(
            session, token=token, email=EMAIL, password=PASSWORD, full_name="Ada Lovelace", organization_name="Engines"
        )
    return World(database, Signer(ring), member.organization_id, user.id)


async def add_user(world: World, email: str, role: str) -> UUID:
    async with world.database.transaction(world.organization_id) as session:
        user = await service.create_user(session, email=email, password=PASSWORD, full_name="B C")
        await service.add_member(session, world.organization_id, user.id, role)
    return user.id


async def test_setup_happens_once(world: World) -> None:
    async with world.database.transaction() as session:
        assert await setup.new_setup_token(session) is None
        assert not await setup.needs_setup(session)
    signed = await world.login()
    assert (signed.actor.role, signed.actor.is_platform_admin) == ("owner", True)


@pytest.mark.parametrize("token", [None, "", [], {}, 0, "hrsetup_wrong"])
async def test_setup_refuses_what_is_no_token(database: Database, token: object) -> None:
    async with database.transaction() as session:
        await setup.new_setup_token(session)
    with pytest.raises(Unauthenticated):
        async with database.transaction() as session:
            await setup.complete_setup(session, token=token, email=EMAIL, password=PASSWORD, full_name="A")


async def test_two_setups_at_once_make_one_admin(database: Database) -> None:
    async with database.transaction() as session:
        token = await setup.new_setup_token(session)

    async def attempt(number: int) -> bool:
        try:
            async with database.transaction() as session:
                await setup.complete_setup(
                    session, token=token, email=f"{number}@example.org", password=PASSWORD, full_name="A"
                )
        except (Unauthenticated, Conflict):
            return False
        return True

    assert sum(await asyncio.gather(*(attempt(number) for number in range(4)))) == 1


async def test_the_first_organization_is_one(database: Database) -> None:
    async def first() -> UUID:
        async with database.transaction() as session:
            return (await setup.first_organization(session)).id

    assert len(set(await asyncio.gather(*(first() for _ in range(4))))) == 1


async def test_unknown_wrong_and_inactive_sound_alike(world: World) -> None:
    other = await add_user(world, "eve@example.org", "viewer")
    async with world.database.transaction() as session:
        await session.execute(sa.text("update users set is_active = false where id = :id"), {"id": other})
    said = []
    for email, password in ((EMAIL, "wrong wrong wrong"), ("no@example.org", PASSWORD), ("eve@example.org", PASSWORD)):
        with pytest.raises(Unauthenticated) as caught:
            await world.login(email=email, password=password)
        said.append((caught.value.message, caught.value.details))
    assert len({str(answer) for answer in said}) == 1


async def test_access_token_names_user_and_organization(world: World) -> None:
    signed = await world.login(email=EMAIL.upper())
    actor = await world.who(signed.access_token)
    assert (actor.user_id, actor.organization_id, actor.role) == (world.user_id, world.organization_id, "owner")


async def test_no_token_passes_as_another(world: World) -> None:
    program, browser = await world.login(), await world.login(kind="browser")
    assert browser.access_token == ""
    for token in (program.token, browser.token):
        with pytest.raises(Unauthenticated):
            await world.who(token)
    for token in (program.access_token, browser.token, None, "", [], program.token[:-1], program.token + "A"):
        assert await world.refresh(token) is None
    for cookie in (program.access_token, program.token, COOKIE + program.token.removeprefix(REFRESH), None, ""):
        with pytest.raises(Unauthenticated):
            async with world.database.transaction() as session:
                await sign_in.actor_by_cookie(session, cookie)
    async with world.database.transaction() as session:
        assert (await sign_in.actor_by_cookie(session, browser.token)).user_id == world.user_id


async def test_refresh_rotates_and_reuse_ends_the_family(world: World) -> None:
    first = await world.login()
    second = await world.refresh(first.token)
    assert second is not None
    assert second.token != first.token
    later = now() + timedelta(seconds=6)
    with clock(lambda: later):
        assert await world.refresh(first.token) is None
        assert await world.refresh(second.token) is None
        with pytest.raises(Unauthenticated):
            await world.who(second.access_token)


async def test_parallel_refreshes_have_one_winner_who_stays(world: World) -> None:
    signed = await world.login()
    results = await asyncio.gather(*(world.refresh(signed.token) for _ in range(8)))
    winners = [result for result in results if result]
    assert len(winners) == 1
    assert await world.refresh(winners[0].token) is not None


async def test_a_sign_in_ends_after_seven_days_unused(world: World) -> None:
    signed = await world.login()
    later = now() + timedelta(days=7, seconds=1)
    with clock(lambda: later):
        assert await world.refresh(signed.token) is None


async def test_logout_ends_access_at_once(world: World) -> None:
    signed, other = await world.login(), await world.login()
    async with world.database.transaction(world.organization_id) as session:
        assert len(await sign_in.list_sessions(session, signed.actor)) == 2
        await sign_in.logout(session, signed.actor)
    with pytest.raises(Unauthenticated):
        await world.who(signed.access_token)
    assert await world.who(other.access_token)
    with pytest.raises(NotFound):
        async with world.database.transaction(world.organization_id) as session:
            await sign_in.end_session(session, signed.actor, new_id())


async def test_a_new_role_ends_old_access_tokens(world: World) -> None:
    user_id = await add_user(world, "bob@example.org", "viewer")
    bob = await world.login(email="bob@example.org")
    owner = (await world.login()).actor
    async with world.database.transaction(world.organization_id) as session:
        await service.set_role(session, owner, user_id, "editor")
    with pytest.raises(Unauthenticated):
        await world.who(bob.access_token)
    renewed = await world.refresh(bob.token)
    assert renewed is not None
    assert renewed.actor.role == "editor"


async def test_a_new_password_ends_every_access_token(world: World) -> None:
    signed = await world.login()
    async with world.database.transaction(world.organization_id) as session:
        await service.change_password(session, world.user_id, old=PASSWORD, new="another good password")
    with pytest.raises(Unauthenticated):
        await world.who(signed.access_token)
    with pytest.raises(Unauthenticated):
        await world.login()


async def test_the_last_owner_stays(world: World) -> None:
    owner = (await world.login()).actor
    for change in (
        lambda session: service.set_role(session, owner, world.user_id, "admin"),
        lambda session: service.deactivate_member(session, owner, world.user_id),
    ):
        with pytest.raises(Conflict, match="last owner"):
            async with world.database.transaction(world.organization_id) as session:
                await change(session)


async def test_an_admin_makes_no_owner(world: World) -> None:
    admin_id = await add_user(world, "bob@example.org", "admin")
    admin = (await world.login(email="bob@example.org")).actor
    with pytest.raises(Denied):
        async with world.database.transaction(world.organization_id) as session:
            await service.set_role(session, admin, admin_id, "owner")
    with pytest.raises(Denied):
        async with world.database.transaction(world.organization_id) as session:
            await service.deactivate_member(session, admin, world.user_id)


@pytest.mark.parametrize(("email", "password"), [
    ("no address", PASSWORD), ("a@b@c", PASSWORD), ("x@example.org", "short"), ("x@example.org", "aaaaaaaaaaaaaa"),
    ("long.name@example.org", "long.name@example.org"),
])  # fmt: skip
async def test_bad_accounts_are_refused(database: Database, email: str, password: str) -> None:
    with pytest.raises(ConfigError):
        async with database.transaction() as session:
            await service.create_user(session, email=email, password=password)


async def test_an_address_is_taken_in_any_case(world: World) -> None:
    with pytest.raises(Conflict):
        await add_user(world, EMAIL.title(), "viewer")


async def test_no_token_is_stored(world: World) -> None:
    signed = [await world.login(), await world.login(kind="browser")]
    async with world.database.transaction(world.organization_id) as session:
        rows = (await session.execute(sa.text("select to_jsonb(s)::text from sessions s"))).scalars().all()
    dump = "".join(rows)
    for one in signed:
        secret = SessionToken.parse(one.token, one.token[:4]).secret
        assert one.token not in dump
        assert secret.hex() not in dump
        assert one.token not in repr(one)


def test_roles_grow() -> None:
    sets = list(PERMISSIONS.values())
    assert all(small < large for small, large in pairwise(sets))
    viewer = Actor(organization_id=new_id(), role="viewer", permissions=PERMISSIONS["viewer"])
    viewer.require("flow:read")
    with pytest.raises(Denied, match="flow:create"):
        viewer.require("flow:create")
    with pytest.raises(ValueError, match="flow:fly"):
        viewer.require("flow:fly")


# --- T-JWT ---


def unpacked(token: str) -> tuple[dict, dict, str]:
    head, body, signature = token.split(".")
    return *(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body)), signature


def packed(head: dict, body: dict, signature: str) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, body))
    return ".".join([*parts, signature])


@pytest.fixture
def forge(ring: KeyRing):
    """Sign anything with the true key."""
    kid, raw = next(iter(ring.derive("access-token").items()))
    key = Ed25519PrivateKey.from_private_bytes(raw)
    head, body, _ = unpacked(Signer(ring).issue(Claims(new_id(), new_id(), new_id(), "1.1")))

    def sign(*, headers: dict | None = None, drop: str = "", **claims: object) -> str:
        payload = {k: v for k, v in (body | claims).items() if k != drop}
        assert head["kid"] == f"a{kid}"
        return jwt.encode(payload, key, algorithm="EdDSA", headers=head | (headers or {}))

    return sign


def test_a_good_token_passes(ring: KeyRing, forge) -> None:
    Signer(ring).verify(forge())
    older = Signer(ring).issue(Claims(new_id(), new_id(), new_id(), "1.1"))
    rotated = KeyRing([Secret(generate_key()), *_keys(ring)])
    assert Signer(rotated).verify(older)
    with pytest.raises(Unauthenticated):
        Signer(KeyRing([Secret(generate_key())])).verify(older)


def _keys(ring: KeyRing) -> list[Secret]:
    return [Secret(base64.urlsafe_b64encode(raw).decode()) for raw in ring._keys.values()]


CLAIMS = ("typ", "iss", "aud", "sub", "org", "sid", "sv", "jti", "iat", "nbf", "exp")


@pytest.mark.parametrize("name", CLAIMS)
def test_each_claim_is_required_and_typed(ring: KeyRing, forge, name: str) -> None:
    for token in (
        lambda: forge(drop=name),
        lambda: forge(**{name: None}),
        lambda: forge(**{name: ["x"]}),
        lambda: forge(**{name: {}}),
    ):
        try:
            made = token()
        except TypeError:
            continue  # the library refuses to make it
        with pytest.raises(Unauthenticated):
            Signer(ring).verify(made)


@pytest.mark.parametrize("claims", [
    {"exp": 10**400}, {"exp": -1}, {"exp": 1}, {"nbf": 10**11}, {"exp": 1e308}, {"aud": ["headrace-api"]},
    {"aud": "other"},    {"iss": "other"}, {"typ": "refresh"}, {"sub": "root"}, {"org": "' or 1=1"}, {"iat": "now"},
])  # fmt: skip
def test_wrong_claims_are_refused(ring: KeyRing, forge, claims: dict) -> None:
    with pytest.raises(Unauthenticated):
        Signer(ring).verify(forge(**claims))


@pytest.mark.parametrize("headers", [
    {"kid": "../../dev/null"}, {"kid": "' or 1=1"}, {"kid": "unknown"}, {"jku": "http://127.0.0.1/k"}, {"typ": "JWT"},
    {"x5u": "http://127.0.0.1/k"}, {"jwk": {"kty": "OKP"}}, {"crit": ["x"]},
])  # fmt: skip
def test_wrong_headers_are_refused(ring: KeyRing, forge, headers: dict) -> None:
    with pytest.raises(Unauthenticated):
        Signer(ring).verify(forge(headers=headers))


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", "HS256", "RS256", "ES256"])
def test_other_algorithms_are_refused(ring: KeyRing, forge, algorithm: str) -> None:
    head, body, signature = unpacked(forge())
    for ending in (signature, ""):
        with pytest.raises(Unauthenticated):
            Signer(ring).verify(packed(head | {"alg": algorithm}, body, ending))


def test_a_changed_signature_is_refused(ring: KeyRing, forge) -> None:
    good = forge()
    head, body, signature = unpacked(good)
    stem = good.rpartition(".")[0]
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for token in (
        stem,
        f"{stem}.",
        f"{stem}.{signature[:-4]}",
        f"{stem}.{flipped}",
        packed(head, body | {"sub": str(new_id())}, signature),
    ):
        with pytest.raises(Unauthenticated):
            Signer(ring).verify(token)
