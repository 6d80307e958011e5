"""T-ENC: a blob opens in its place only; keys rotate; the system seals."""

import base64
import copy
import json
import pickle
from uuid import UUID

import msgspec
import polars as pl
import pytest
import sqlalchemy as sa
from headrace.infra.crypto import Cipher, KeyRing, Sealed, Undecryptable, generate_key, key_id
from headrace.infra.database import Database
from headrace.infra.datakeys import add_data_key, organization_cipher, rewrap_data_keys
from headrace.infra.ids import new_id
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError

PLAIN = b"canary: s3cret"


def cipher(organization_id: UUID | None = None) -> Cipher:
    keys = {key_id(raw): raw for raw in (b"0" * 31 + b"a", b"0" * 31 + b"b")}
    return Cipher(organization_id or new_id(), keys, list(keys)[-1])


def test_round_trip_and_form() -> None:
    one, row = cipher(), new_id()
    blob = one.encrypt(PLAIN, table="connections", row_id=row, field="config")
    assert blob.startswith(f"v1.{one.current}.")
    assert one.decrypt(blob, table="connections", row_id=row, field="config") == PLAIN
    assert one.encrypt(PLAIN, table="connections", row_id=row, field="config") != blob


@pytest.mark.parametrize("swap", ["organization", "table", "row_id", "field"])
def test_a_blob_opens_in_its_place_only(swap: str) -> None:
    one = cipher()
    place = {"table": "connections", "row_id": new_id(), "field": "config"}
    blob = one.encrypt(PLAIN, **place)
    reader = one if swap != "organization" else Cipher(new_id(), one._keys, one.current)
    other = {"table": "flows", "row_id": new_id(), "field": "name"}
    with pytest.raises(Undecryptable):
        reader.decrypt(blob, **(place | ({swap: other[swap]} if swap in other else {})))


def test_the_key_id_and_the_version_are_bound() -> None:
    one, place = cipher(), {"table": "t", "row_id": new_id(), "field": "f"}
    blob = one.encrypt(PLAIN, **place)
    other = next(kid for kid in one._keys if kid != one.current)
    with pytest.raises(Undecryptable):
        one.decrypt(blob.replace(one.current, other), **place)
    with pytest.raises(Undecryptable):
        one.decrypt("v2" + blob[2:], **place)
    with pytest.raises(Sealed, match="unknown00000"):
        one.decrypt(blob.replace(one.current, "unknown00000"), **place)


def test_each_flipped_character_is_noticed() -> None:
    one, place = cipher(), {"table": "t", "row_id": new_id(), "field": "f"}
    blob = one.encrypt(PLAIN, **place)
    for position, character in enumerate(blob):
        changed = blob[:position] + ("A" if character != "A" else "B") + blob[position + 1 :]
        with pytest.raises((Undecryptable, Sealed)):
            one.decrypt(changed, **place)
    for cut in range(len(blob)):
        with pytest.raises((Undecryptable, Sealed)):
            one.decrypt(blob[:cut], **place)


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("blobs", [100_000, pytest.param(10_000_000, marks=pytest.mark.slow)])
def test_no_nonce_comes_twice(blobs: int) -> None:
    """T-ENC-6: nonces of 96 random bits; of ten millions two are equal once in 10^15 runs."""
    one, place = cipher(), {"table": "t", "row_id": new_id(), "field": "f"}
    seen = pl.Series(dtype=pl.Binary)
    for _ in range(blobs // 100_000):
        nonces = [base64.urlsafe_b64decode(one.encrypt(b"", **place).split(".")[2]) for _ in range(100_000)]
        assert {len(nonce) for nonce in nonces} == {12}
        seen.append(pl.Series(nonces))
    assert seen.n_unique() == blobs


@pytest.mark.parametrize("key", ["", "short", "A" * 43, base64.b64encode(b"x" * 32).decode(), "!" * 43,
                                 base64.b64encode(bytes(range(31))).decode()])  # fmt: skip
def test_weak_master_keys_are_refused(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        KeyRing([Secret(key)])
    assert not key or key not in str(caught.value)


def test_an_empty_ring_is_sealed() -> None:
    ring = KeyRing([])
    assert ring.sealed
    with pytest.raises(Sealed):
        ring.new_data_key(new_id(), 1)


async def organization(database: Database) -> UUID:
    made = new_id()
    async with database.transaction(made) as session:
        await session.execute(
            sa.text("insert into organizations (id, name, slug) values (:id, 'x', :slug)"),
            {"id": made, "slug": str(made)},
        )
    return made


async def test_data_keys_rotate_and_rewrap(database: Database) -> None:
    old = Secret(generate_key())
    ring, mine, row = KeyRing([old]), await organization(database), new_id()
    async with database.transaction(mine) as session:
        first = await organization_cipher(session, ring, mine)
        blob = first.encrypt(PLAIN, table="t", row_id=row, field="f")
        assert await add_data_key(session, ring, mine) == 2
    renewed = KeyRing([Secret(generate_key()), old])
    async with database.transaction(mine) as session:
        second = await organization_cipher(session, renewed, mine)
        moved = second.rotate(blob, table="t", row_id=row, field="f")
        assert second.current != first.current
        assert moved != blob
        assert second.rotate(moved, table="t", row_id=row, field="f") == moved
        assert await rewrap_data_keys(session, renewed, mine) == 2
    only_new = KeyRing([Secret(base64.urlsafe_b64encode(next(iter(renewed._keys.values()))).decode())])
    async with database.transaction(mine) as session:
        third = await organization_cipher(session, only_new, mine)
        assert third.decrypt(moved, table="t", row_id=row, field="f") == PLAIN
        with pytest.raises(Sealed):
            await organization_cipher(session, ring, mine)


async def test_a_wrapped_key_of_another_organization_does_not_open(database: Database) -> None:
    ring = KeyRing([Secret(generate_key())])
    one, two = await organization(database), await organization(database)
    async with database.transaction(one) as session:
        await organization_cipher(session, ring, one)
        wrapped = await session.scalar(sa.text("select wrapped from data_keys"))
    async with database.transaction(two) as session:
        await session.execute(
            sa.text("insert into data_keys (organization_id, version, wrapped) values (:o, 1, :w)"),
            {"o": two, "w": wrapped},
        )
        with pytest.raises(Undecryptable):
            await organization_cipher(session, ring, two)


def test_a_secret_prints_nowhere() -> None:
    secret = Secret("canary-1")
    ring = KeyRing([Secret(generate_key())])
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", repr([secret]),
             repr({"a": secret}), repr(ring), repr(cipher())]  # fmt: skip
    assert not any("canary-1" in text for text in shown)
    for dump in (json.dumps, msgspec.json.encode, pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            dump(secret)
