"""Envelope encryption: master keys wrap one data key per organization, which encrypts whole blobs.

A blob is `v1.kid.nonce.ciphertext` (AES-256-GCM). What it belongs to is authenticated with it, so that a blob moved to
another organization, table, row or field does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError, ServiceError

KEY_BYTES = 32
SEALED = (
    "the system is sealed: it has no master key; give it with HEADRACE_MASTER_KEYS or HEADRACE_MASTER_KEYS_FILE, and "
    "try again"
)
OTHER_KEY = (
    "the system is sealed: its master key is another one than that of the stored secrets; give the one that was used"
)
_NONCE_BYTES = 12


class Sealed(ServiceError):
    """The master key is missing or another one; secrets stay closed until the right one is given."""

    code = "SEALED"
    status = 503


class Undecryptable(ServiceError):
    """A blob does not open: wrong key, moved to another place, or changed."""

    code = "UNDECRYPTABLE"
    status = 500


class Place(Struct, frozen=True):
    """What a blob belongs to."""

    organization_id: UUID
    table: str
    row_id: UUID
    field: str

    def aad(self) -> bytes:
        """The bytes authenticated with the blob; parts hold no `|`."""
        return f"{self.organization_id}|{self.table}|{self.row_id}|{self.field}|v1".encode()


def generate_key() -> str:
    """A new master key: 32 random bytes as base64."""
    return _text(os.urandom(KEY_BYTES))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:  # unused bits set: another text for the same bytes
        raise binascii.Error("not canonical")
    return raw


def key_id(key: bytes) -> str:
    """Short public name of a key; tells nothing about it."""
    return hashlib.sha256(b"headrace-key-id|" + key).hexdigest()[:12]


def _seal(kid: str, key: bytes, plain: bytes, aad: bytes) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    return f"v1.{kid}.{_text(nonce)}.{_text(AESGCM(key).encrypt(nonce, plain, aad + b'|' + kid.encode()))}"


def blob_key_id(blob: str) -> str:
    """Which key a blob was made with.

    Raises:
        Undecryptable: when it is not a blob.
    """
    parts = blob.split(".")
    if len(parts) != 4 or parts[0] != "v1":
        raise Undecryptable("a stored secret has an unknown form; enter it again")
    return parts[1]


def _open(keys: Mapping[str, bytes], blob: str, aad: bytes) -> bytes:
    kid = blob_key_id(blob)
    key = keys.get(kid)
    if key is None:
        raise Sealed(f"the key '{kid}' is not in the key ring; give the master key that was used", key_id=kid)
    try:
        nonce, sealed = (_raw(part) for part in blob.split(".")[2:])
        return AESGCM(key).decrypt(nonce, sealed, aad + b"|" + kid.encode())
    except (InvalidTag, ValueError):
        raise Undecryptable(
            "a stored secret does not open; it was changed or belongs elsewhere; enter it again"
        ) from None


class Cipher:
    """Encrypts and decrypts with the data keys of one organization; the newest key encrypts."""

    def __init__(self, organization_id: UUID, keys: Mapping[str, bytes], current: str) -> None:
        self.organization_id = organization_id
        self.current = current
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"Cipher({self.organization_id}, current={self.current!r})"

    def encrypt(self, plain: bytes, *, table: str, row_id: UUID, field: str) -> str:
        """Encrypt for one field of one row."""
        place = Place(self.organization_id, table, row_id, field)
        return _seal(self.current, self._keys[self.current], plain, place.aad())

    def decrypt(self, blob: str, *, table: str, row_id: UUID, field: str) -> bytes:
        """Decrypt.

        Raises:
            Undecryptable: the blob was changed or belongs elsewhere.
            Sealed: its key is not known.
        """
        return _open(self._keys, blob, Place(self.organization_id, table, row_id, field).aad())

    def rotate(self, blob: str, *, table: str, row_id: UUID, field: str) -> str:
        """The same content under the current key; a blob that is under it already comes back as it is."""
        if blob_key_id(blob) == self.current:
            return blob
        return self.encrypt(
            self.decrypt(blob, table=table, row_id=row_id, field=field), table=table, row_id=row_id, field=field
        )


class KeyRing:
    """The master keys; the first wraps, all unwrap. An empty ring is sealed.

    Args:
        keys: That are given once.
        source: Gives more of them, those of now; asked whenever keys are wanted, and `True` when one is missing.
    """

    def __init__(self, keys: Iterable[Secret], *, source: Callable[[bool], Iterable[Secret]] | None = None) -> None:
        self._given = _by_id(keys)
        self._source = source
        self._keys = self._look()

    def __repr__(self) -> str:
        return f"KeyRing({sorted(self._keys)})"

    @property
    def sealed(self) -> bool:
        """Whether there is no master key at all."""
        return not self._look()

    @property
    def current(self) -> str:
        """Id of the key that wraps; empty while there is none."""
        return next(iter(self._look()), "")

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys, the current one first."""
        return tuple(self._look())

    def _look(self, *, missing: bool = False) -> dict[str, bytes]:
        if self._source is not None:
            self._keys = _by_id(self._source(missing)) | self._given
        else:
            self._keys = self._given
        return self._keys

    def _open_keys(self, kid: str = "") -> dict[str, bytes]:
        """The keys; a source is asked again for one that is missing.

        Raises:
            Sealed: there is none.
        """
        keys = self._look()
        if self._source is not None and (not keys or (kid and kid not in keys)):
            keys = self._look(missing=True)
        if not keys:
            raise Sealed(SEALED)
        return keys

    def new_data_key(self, organization_id: UUID, version: int) -> str:
        """A new data key, wrapped."""
        kid, key = next(iter(self._open_keys().items()))
        return _seal(kid, key, os.urandom(KEY_BYTES), _wrap_aad(organization_id, version))

    def unwrap(self, organization_id: UUID, version: int, wrapped: str) -> bytes:
        """The data key itself."""
        return _open(self._open_keys(blob_key_id(wrapped)), wrapped, _wrap_aad(organization_id, version))

    def rewrap(self, organization_id: UUID, version: int, wrapped: str) -> str:
        """The same data key under the current master key."""
        kid, key = next(iter(self._open_keys().items()))
        if blob_key_id(wrapped) == kid:
            return wrapped
        plain = self.unwrap(organization_id, version, wrapped)
        return _seal(kid, key, plain, _wrap_aad(organization_id, version))

    def derive(self, purpose: str, *, kid: str = "") -> dict[str, bytes]:
        """32 bytes for another purpose from each master key, by key id, the current one first."""
        return {
            kid: HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"headrace|{purpose}".encode()).derive(key)
            for kid, key in self._open_keys(kid).items()
        }

    def personal_cipher(self, blob: str = "") -> Cipher:
        """For what belongs to a person, in whatever organization: keys derived from the master keys themselves.

        With a blob its key is looked for in the source too.
        """
        keys = self.derive("personal", kid=blob_key_id(blob) if blob else "")
        return Cipher(UUID(int=0), keys, next(iter(keys)))


def _by_id(keys: Iterable[Secret]) -> dict[str, bytes]:
    return {key_id(raw): raw for raw in map(master_key_bytes, keys)}


def _wrap_aad(organization_id: UUID, version: int) -> bytes:
    return f"{organization_id}|data_keys|{version}|wrapped|v1".encode()


def master_key_bytes(key: Secret) -> bytes:
    """Decode a master key.

    Raises:
        ConfigError: when it is not 32 bytes of base64, or plainly not random.
    """
    remedy = "make one with `headrace keys new`"
    try:
        raw = _raw(key.reveal().strip().rstrip("=").replace("+", "-").replace("/", "_"))
    except (binascii.Error, ValueError):
        raise ConfigError(f"a master key is not base64; {remedy}") from None
    if len(raw) != KEY_BYTES:
        raise ConfigError(f"a master key has {len(raw)} bytes, not {KEY_BYTES}; {remedy}")
    if len(set(raw)) < 12:
        raise ConfigError(f"a master key is not random; {remedy}")
    return raw
