"""Licences: a signed text that opens an edition for one installation, read without asking anybody.

`headrace-licence.PAYLOAD.SIGNATURE`, both base64; the payload is JSON, the signature Ed25519 over it, by the key that
the edition's package carries.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from headrace.sdk.errors import ConfigError
from headrace.sdk.manifests import EditionManifest

PREFIX = "headrace-licence"
ANYWHERE = "*"
FILE = "licence.key"


class Licence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed.

    Attributes:
        installation: The id that `headrace license show` prints, or `*`.
        plan: Of organizations without a subscription; empty is the edition's first.
    """

    id: str
    customer: str
    edition: str
    plan: str = ""
    installation: str
    issued_at: datetime
    expires_at: datetime


def sign(licence: Licence, private_key: str) -> str:
    """The text of a licence; for who publishes the edition.

    Raises:
        ConfigError: it is no private key, or a date has no offset.
    """
    if licence.issued_at.tzinfo is None or licence.expires_at.tzinfo is None:
        raise ConfigError("write the dates of a licence with an offset, e.g. 2027-01-01T00:00:00+00:00")
    try:
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key, validate=True))
    except ValueError:
        raise ConfigError(
            "this is no private key of licences; make one with `headrace license new-key`", field="key"
        ) from None
    payload = msgspec.json.encode(licence)
    return ".".join((PREFIX, _text(payload), _text(key.sign(payload))))


def new_key() -> tuple[str, str]:
    """A private key, and the public one for `EditionManifest.license_key`."""
    key = Ed25519PrivateKey.generate()
    private, public = key.private_bytes_raw(), key.public_key().public_bytes_raw()
    return base64.b64encode(private).decode(), base64.b64encode(public).decode()


def read(text: str, editions: Mapping[str, EditionManifest], *, installation: str, at: datetime) -> Licence:
    """Check a licence.

    Args:
        text: As it was given.
        editions: Installed ones, by id.
        installation: The id of this one.
        at: The latest time that is known, so that a clock that was set back does not help.

    Raises:
        ConfigError: one sentence: malformed, of an edition that is not here, forged, of another installation, not
            valid yet, or expired.
    """
    prefix, _, rest = text.strip().partition(".")
    parts = rest.split(".")
    try:
        payload, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
        licence = msgspec.json.decode(payload, type=Licence)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        licence = None
    if licence is None or prefix != PREFIX or licence.expires_at.tzinfo is None or licence.issued_at.tzinfo is None:
        raise ConfigError("the licence cannot be read; paste the whole line that you were sent, or name its file")
    edition = editions.get(licence.edition)
    if edition is None:
        raise ConfigError(f"the licence is for the edition '{licence.edition}', which is not installed; install it")
    if not edition.license_key:
        raise ConfigError(f"the edition '{licence.edition}' needs no licence; remove it")
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(edition.license_key)).verify(signature, payload)
    except (InvalidSignature, ValueError):
        raise ConfigError(
            f"the licence was not signed by who publishes the edition '{licence.edition}', or was changed afterwards; "
            "ask them for it again"
        ) from None
    if licence.installation not in {ANYWHERE, installation}:
        raise ConfigError(
            f"the licence is for the installation {licence.installation}, this one is {installation}; ask for one of it"
        )
    if licence.issued_at > at:
        raise ConfigError(f"the licence is valid from {licence.issued_at:%Y-%m-%d} on; wait, or set the clock right")
    if licence.expires_at <= at:
        raise ConfigError(
            f"the licence expired on {licence.expires_at:%Y-%m-%d}; what is there stays, renew it for more"
        )
    return licence


def given(setting: str, home: Path) -> str:
    """The text of the licence: what HEADRACE_LICENSE says or the file that it names, else `licence.key` in the home.

    Raises:
        ConfigError: the file that is named cannot be read.
    """
    if setting.startswith(PREFIX):
        return setting
    path = Path(setting).expanduser() if setting else home / FILE
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        if setting:
            raise ConfigError(
                f"HEADRACE_LICENSE is neither a licence nor a file that can be read; it begins with '{PREFIX}.'",
                variable="HEADRACE_LICENSE",
            ) from None
        return ""


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
