"""Encrypted assertions (XML Encryption 1.1): AES-GCM under a key that RSA-OAEP has wrapped for us, and nothing else.

CBC tells who asks often enough what is inside, and so does PKCS #1 v1.5: both are refused by name. Whether it was the
key or the content that did not open is told to nobody.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from headrace.sdk import SignInRefused
from lxml import etree

from headrace_plugin_auth_saml.signed import ASSERTION, parse, refused

XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
DS = "http://www.w3.org/2000/09/xmldsig#"
ELEMENT = f"{XENC}Element"
CONTENT = {f"{XENC11}aes{bits}-gcm": bits // 8 for bits in (128, 192, 256)}
"""Length of the key in bytes, by algorithm."""
TRANSPORT = frozenset({f"{XENC}rsa-oaep-mgf1p", f"{XENC11}rsa-oaep"})
DIGESTS: dict[str, hashes.HashAlgorithm] = {
    f"{DS}sha1": hashes.SHA1(),  # noqa: S303  # the default of the standard; OAEP does not stand on collisions
    f"{XENC}sha256": hashes.SHA256(), "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    f"{XENC}sha512": hashes.SHA512(),
}  # fmt: skip
MASKS: dict[str, hashes.HashAlgorithm] = {
    f"{XENC11}mgf1sha1": hashes.SHA1(), f"{XENC11}mgf1sha256": hashes.SHA256(),  # noqa: S303
    f"{XENC11}mgf1sha384": hashes.SHA384(), f"{XENC11}mgf1sha512": hashes.SHA512(),
}  # fmt: skip
KEYS_MAX = 4
"""Each wrapped key costs an operation of RSA for each of ours."""
_NONCE, _TAG = 12, 16


def opened(holder: etree._Element, keys: Sequence[RSAPrivateKey]) -> etree._Element:
    """The assertion in an EncryptedAssertion, as a document of its own; nothing is known yet of who wrote it.

    Raises:
        SignInRefused: it is encrypted in a way that is not taken, or not for us.
    """
    if not keys:
        raise refused(
            "the assertion is encrypted, and there is no key to open it; enter a decryption key, or have the provider "
            "send it signed and plain, over https"
        )
    found = holder.findall(f"{{{XENC}}}EncryptedData")
    if len(found) != 1 or found[0].get("Type", ELEMENT) != ELEMENT:
        raise refused("the encrypted assertion is not one encrypted element")
    size = CONTENT.get(_method(found[0]))
    if size is None:
        raise refused(f"the content is encrypted with {_method(found[0])[:80]!r}; AES-GCM is taken")
    wrapped = list(holder.iter(f"{{{XENC}}}EncryptedKey"))
    if not 0 < len(wrapped) <= KEYS_MAX:
        raise refused(f"the assertion comes with {len(wrapped)} wrapped keys, of at most {KEYS_MAX}")
    raw = _value(found[0])
    for one in wrapped:
        padding, secret = _padding(one), _value(one)
        for key in keys:
            plain = _plain(raw, size, key, padding, secret)
            if plain is not None:
                return _assertion(plain, holder)
    raise refused("the assertion does not open with our decryption key; does the provider have our present metadata?")


def _plain(raw: bytes, size: int, key: RSAPrivateKey, padding: OAEP, secret: bytes) -> bytes | None:
    try:
        content_key = key.decrypt(secret, padding)
        if len(content_key) != size or len(raw) < _NONCE + _TAG:
            return None
        return AESGCM(content_key).decrypt(raw[:_NONCE], raw[_NONCE:], None)
    except (ValueError, InvalidTag):
        return None


def _assertion(plain: bytes, holder: etree._Element) -> etree._Element:
    """As a document; what it says by prefixes of the elements around it is read with those (XML Encryption, 4.4)."""
    try:
        root = parse(plain)
    except SignInRefused:
        names = etree.tostring(etree.Element("context", nsmap=holder.nsmap)).removesuffix(b"/>")
        around = parse(names + b">" + plain + b"</context>")
        if len(around) != 1:
            raise refused("what is encrypted is not one element") from None
        root = parse(etree.tostring(around[0], with_tail=False))
    if root.tag != f"{ASSERTION}Assertion":
        raise refused("what is encrypted is no assertion")
    return root


def _padding(wrapped: etree._Element) -> OAEP:
    """How the key was wrapped; what is not said is SHA-1, by the standard."""
    if _method(wrapped) not in TRANSPORT:
        raise refused(f"the key is wrapped with {_method(wrapped)[:80]!r}; RSA-OAEP is taken")
    method = wrapped.find(f"{{{XENC}}}EncryptionMethod")
    digest = DIGESTS.get(_named(method, f"{{{DS}}}DigestMethod", f"{DS}sha1"))
    mask = MASKS.get(_named(method, f"{{{XENC11}}}MGF", f"{XENC11}mgf1sha1"))
    if digest is None or mask is None:
        raise refused("the key is wrapped with a digest or a mask that is not taken")
    label = method.find(f"{{{XENC}}}OAEPparams")
    return OAEP(mgf=MGF1(mask), algorithm=digest, label=None if label is None else _bytes(label.text or ""))


def _named(method: etree._Element, tag: str, usual: str) -> str:
    found = method.find(tag)
    return usual if found is None else str(found.get("Algorithm"))


def _method(element: etree._Element) -> str:
    found = element.find(f"{{{XENC}}}EncryptionMethod")
    return "" if found is None else str(found.get("Algorithm") or "")


def _value(element: etree._Element) -> bytes:
    found = element.find(f"{{{XENC}}}CipherData/{{{XENC}}}CipherValue")
    if found is None:
        raise refused("the cipher text is not in the answer")
    return _bytes(found.text or "")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise refused("the cipher text is no base64") from None
