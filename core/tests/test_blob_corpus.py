"""T-ENC-1: tampered, swapped and truncated blobs, in the database as an attacker with a pen would leave them.

None opens: not as garbage, not as another's secret, and not as an error that is not ours.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.connections import service
from headrace.connections.models import Connection
from headrace.infra.crypto import Cipher, KeyRing, Sealed, Undecryptable, generate_key, key_id
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.sdk.config import Secret
from headrace.workspaces import models as _tables  # noqa: F401 - the table that connections refer to

PLACE = {"table": "connections", "row_id": UUID(int=7), "field": "config"}
KEYS = {key_id(raw): raw for raw in (os.urandom(32), os.urandom(32))}
CIPHER = Cipher(UUID(int=1), KEYS, next(iter(KEYS)))
BLOB = CIPHER.encrypt(b'{"password":"canary-of-the-corpus"}', **PLACE)
VERSION, KID, NONCE, TEXT = BLOB.split(".")
RAW = base64.urlsafe_b64decode(TEXT + "=" * (-len(TEXT) % 4))


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def of(version: str = VERSION, kid: str = KID, nonce: str = NONCE, text: str = TEXT) -> str:
    return f"{version}.{kid}.{nonce}.{text}"


OTHER = next(kid for kid in KEYS if kid != KID)
CORPUS = {
    "empty": "", "a point": ".", "points": "...", "many points": "." * 50, "a version": "v1", "words": "not a blob",
    "json": '{"password":"x"}', "no nonce": of(nonce=""), "no text": of(text=""), "no key": of(kid=""),
    "short nonce": of(nonce=b64(os.urandom(11))), "long nonce": of(nonce=b64(os.urandom(13))),
    "another nonce": of(nonce=b64(os.urandom(12))), "only a tag": of(text=b64(RAW[-16:])),
    "no tag": of(text=b64(RAW[:-16])),
    "half a tag": of(text=b64(RAW[:-8])), "one byte more": of(text=b64(RAW + b"\0")), "twice": of(text=b64(RAW + RAW)),
    "turned round": of(text=b64(RAW[::-1])), "another version": of(version="v2"), "no version": of(version=""),
    "another key": of(kid=OTHER), "an unknown key": of(kid="0" * 12), "a key of upper case": of(kid=KID.upper()),
    "padded": BLOB + "=", "a line break": BLOB + "\n", "a blank": " " + BLOB, "a null": BLOB + "\0",
    "five parts": BLOB + ".x",
    "other alphabet": of(text=TEXT[:-1] + "+"), "not ASCII": of(text=TEXT[:-1] + "ä"),
    "a wide digit": of(version="v\uff11"),
    "text for nonce": of(nonce=TEXT, text=NONCE), "1 MiB": of(text="A" * 2**20),
}  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_a_malformed_blob_does_not_open(name: str) -> None:
    with pytest.raises((Undecryptable, Sealed)) as caught:
        CIPHER.decrypt(CORPUS[name], **PLACE)
    assert "; " in caught.value.message, "what, and what to do"
    assert "canary" not in repr(caught.value.__dict__)
    assert CIPHER.decrypt(BLOB, **PLACE)


def test_each_flipped_bit_is_noticed() -> None:
    for part in (NONCE, TEXT):
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        for bit in range(len(raw) * 8):
            changed = bytearray(raw)
            changed[bit // 8] ^= 1 << bit % 8
            blob = of(nonce=b64(bytes(changed))) if part is NONCE else of(text=b64(bytes(changed)))
            with pytest.raises(Undecryptable):
                CIPHER.decrypt(blob, **PLACE)


async def test_blobs_and_keys_that_change_places_do_not_open(database: Database) -> None:
    vault = service.Vault(KeyRing([Secret(generate_key())]))
    rows: dict[str, tuple[UUID, UUID]] = {}
    for name in ("mine", "also mine", "theirs"):
        organization_id = rows["mine"][0] if name == "also mine" else None
        async with database.transaction(organization_id) as session:
            if organization_id is None:
                organization_id = (await accounts.create_organization(session, name=name)).id
            row_id = new_id()
            config = await vault.seal(session, organization_id, row_id, {"password": f"canary {name}"})
            session.add(Connection(organization_id=organization_id, id=row_id, name=name, connector="x", config=config))
            rows[name] = (organization_id, row_id)

    async def opened(name: str) -> str:
        organization_id, row_id = rows[name]
        async with database.transaction(organization_id) as session:
            found = await service.resolve(session, vault, organization_id, [str(row_id)])
        return str(found[str(row_id)].config["password"])

    async def read(name: str, statement: str) -> str:
        async with database.transaction(rows[name][0]) as session:
            return str(await session.scalar(sa.text(statement), {"id": rows[name][1], "o": rows[name][0]}))

    async def write(name: str, statement: str, value: str) -> None:
        async with database.transaction(rows[name][0]) as session:
            values = {"id": rows[name][1], "o": rows[name][0], "v": value}
            await session.execute(sa.text(statement), values)

    assert [await opened(name) for name in rows] == [f"canary {name}" for name in rows]
    get, put = "select config from connections where id = :id", "update connections set config = :v where id = :id"
    mine = await read("mine", get)
    for other in ("also mine", "theirs"):
        await write("mine", put, await read(other, get))
        with pytest.raises((Undecryptable, Sealed)):
            await opened("mine")
    await write("mine", put, mine)

    get = "select wrapped from data_keys where organization_id = :o"
    put = "update data_keys set wrapped = :v where organization_id = :o"
    own = await read("mine", get)
    await write("mine", put, await read("theirs", get))
    with pytest.raises(Undecryptable):
        await opened("mine")
    await write("mine", put, own)
    change: Callable[[str], str]
    for change in (lambda text: text[:-1], lambda text: text[::-1], lambda _: "", lambda text: text + "A"):
        await write("mine", put, change(own))
        with pytest.raises((Undecryptable, Sealed)):
            await opened("mine")
    await write("mine", put, own)
    await write("mine", "update data_keys set version = 2 where organization_id = :o and :v <> ''", "x")
    with pytest.raises(Undecryptable):
        await opened("mine")
    await write("mine", "update data_keys set version = 1 where organization_id = :o and :v <> ''", "x")
    assert await opened("mine") == "canary mine"
