"""Our decryption keys: private keys with their certificates, as PEM; several while they rotate."""

from __future__ import annotations

import base64
import re

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from headrace.sdk import ConfigError, Secret
from msgspec import Struct

BITS_MIN = 2_048
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


class Keys(Struct, frozen=True):
    """What opens assertions, and the certificates (base64 of DER) that providers encrypt for."""

    private: tuple[RSAPrivateKey, ...] = ()
    certificates: tuple[str, ...] = ()


def read(pem: Secret) -> Keys:
    """The keys of a config; none if it has none.

    Raises:
        ConfigError: one cannot be read, is too short, or has no certificate.
    """
    private: list[RSAPrivateKey] = []
    certificates: list[x509.Certificate] = []
    for block in _BLOCK.finditer(pem.reveal()):
        try:
            if block[1] == "CERTIFICATE":
                certificates.append(x509.load_pem_x509_certificate(block[0].encode()))
                continue
            key = load_pem_private_key(block[0].encode(), None)
        except (ValueError, TypeError):
            raise _wrong(f"the {block[1].lower()} cannot be read; give PEM without a passphrase") from None
        if not isinstance(key, RSAPrivateKey) or key.key_size < BITS_MIN:
            raise _wrong(f"it has to be an RSA key of at least {BITS_MIN:,} bits")
        private.append(key)
    if pem.reveal().strip() and not private:
        raise _wrong("there is no private key in PEM; give it and its certificate, one after the other")
    known = {_public(one): base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates}
    if {_public(one) for one in private} != known.keys():
        raise _wrong("each private key needs its certificate beside it, and each certificate its key")
    told = [known[_public(one)] for one in private]
    return Keys(tuple(private), tuple(told))


def _public(held: RSAPrivateKey | x509.Certificate) -> bytes:
    return held.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _wrong(why: str) -> ConfigError:
    return ConfigError(f"the decryption key does not do: {why}", field="decryption_key")
