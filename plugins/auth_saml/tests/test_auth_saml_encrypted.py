"""Encrypted assertions: what is taken, all that is not, and keys that rotate."""

from __future__ import annotations

import base64
import datetime as dt
import os
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from headrace.sdk import ConfigError, Secret, SignInRefused
from headrace_plugin_auth_saml import keys, metadata
from headrace_plugin_auth_saml.encrypted import CONTENT, DS, KEYS_MAX, XENC, XENC11, opened
from lxml import etree

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
PLAIN = f'<saml:Assertion xmlns:saml="{SAML}" ID="_a"><saml:Issuer>us</saml:Issuer></saml:Assertion>'.encode()
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


def pair(key: Any) -> str:
    """PEM of a key and its certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "headrace.example.org")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + dt.timedelta(days=1))
    private = key.private_bytes(PEM, PKCS8, serialization.NoEncryption())
    return (private + made.sign(key, hashes.SHA256()).public_bytes(PEM)).decode()


KEY, NEXT = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def encrypted(
    plain: bytes = PLAIN, *, key: Any = KEY, content: str = f"{XENC11}aes256-gcm", transport: str = f"{XENC11}rsa-oaep",
    digest: str = f"{XENC}sha256", mask: str = f"{XENC11}mgf1sha256", label: bytes = b"", size: int = 0,
    type_: str = f"{XENC}Element", times: int = 1, beside: bool = False,
) -> Any:  # fmt: skip
    """An EncryptedAssertion, with the key inside the data or beside it."""
    secret, nonce = os.urandom(size or CONTENT.get(content, 32)), os.urandom(12)
    oaep = padding.OAEP(
        mgf=padding.MGF1(getattr(hashes, mask.rpartition("mgf1")[2].upper())()), label=label or None,
        algorithm=getattr(hashes, digest.rpartition("#")[2].upper())(),
    )  # fmt: skip
    wrapped, text = key.public_key().encrypt(secret, oaep), nonce + AESGCM(secret).encrypt(nonce, plain, None)
    params = f"<xenc:OAEPparams>{base64.b64encode(label).decode()}</xenc:OAEPparams>" if label else ""
    inner = f"""<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{transport}">{params}
<ds:DigestMethod Algorithm="{digest}"/><xenc11:MGF Algorithm="{mask}"/></xenc:EncryptionMethod><xenc:CipherData>
<xenc:CipherValue>{base64.b64encode(wrapped).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"""
    inside, outside = ("", inner * times) if beside else (f"<ds:KeyInfo>{inner * times}</ds:KeyInfo>", "")
    return etree.fromstring(f"""<saml:EncryptedAssertion xmlns:saml="{SAML}" xmlns:xenc="{XENC}" xmlns:ds="{DS}"
xmlns:xenc11="{XENC11}"><xenc:EncryptedData Type="{type_}"><xenc:EncryptionMethod Algorithm="{content}"/>{inside}
<xenc:CipherData><xenc:CipherValue>{base64.b64encode(text).decode()}</xenc:CipherValue></xenc:CipherData>
</xenc:EncryptedData>{outside}</saml:EncryptedAssertion>""")


def why(holder: Any, *private: Any) -> str:
    with pytest.raises(SignInRefused) as caught:
        opened(holder, private or (KEY,))
    return caught.value.detail


@pytest.mark.parametrize("how", [
    {}, {"content": f"{XENC11}aes128-gcm"}, {"content": f"{XENC11}aes192-gcm"}, {"label": b"ours"}, {"beside": True},
    {"transport": f"{XENC}rsa-oaep-mgf1p", "digest": f"{DS}sha1", "mask": f"{XENC11}mgf1sha1"}, {"times": KEYS_MAX},
    {"digest": f"{XENC}sha512", "mask": f"{XENC11}mgf1sha384"},
    {"plain": PLAIN.replace(f' xmlns:saml="{SAML}"'.encode(), b"")},
])  # fmt: skip
def test_what_is_encrypted_for_us_opens(how) -> None:
    inner = opened(encrypted(**how), (NEXT, KEY))
    assert (inner.tag, inner.get("ID"), inner[0].text) == (f"{{{SAML}}}Assertion", "_a", "us")


@pytest.mark.parametrize(("how", "word"), [
    ({"content": f"{XENC}aes256-cbc"}, "AES-GCM is taken"), ({"content": f"{XENC}tripledes-cbc"}, "AES-GCM is taken"),
    ({"content": ""}, "AES-GCM is taken"), ({"transport": f"{XENC}rsa-1_5"}, "RSA-OAEP is taken"),
    ({"transport": f"{XENC}kw-aes256"}, "RSA-OAEP is taken"), ({"key": NEXT}, "does not open"),
    ({"size": 16}, "does not open"), ({"type_": f"{XENC}Content"}, "not one encrypted element"),
    ({"times": 0}, "0 wrapped keys"), ({"times": KEYS_MAX + 1}, "5 wrapped keys"), ({"plain": b"<x/>"}, "no assertion"),
    ({"plain": b"</context><context>"}, "no XML"), ({"plain": PLAIN + PLAIN}, "not one element"),
    ({"plain": b"no"}, "not one element"),
    ({"plain": b"<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>"}, "no XML"),
])  # fmt: skip
def test_all_else_is_refused(how, word) -> None:
    assert word in why(encrypted(**how))


def test_what_was_changed_on_the_way_does_not_open() -> None:
    for number in range(2):  # the wrapped key, and the content
        holder = encrypted()
        value = list(holder.iter(f"{{{XENC}}}CipherValue"))[number]
        raw = bytearray(base64.b64decode(value.text))
        raw[len(raw) // 2] ^= 1
        value.text = base64.b64encode(raw).decode()
        assert "does not open" in why(holder), "and nobody is told which of the two it was"
        value.text = "%"
        assert "no base64" in why(holder)
        value.getparent().remove(value)
        assert "not in the answer" in why(holder)
    assert "enter a decryption key" in _without_key()


def _without_key() -> str:
    with pytest.raises(SignInRefused) as caught:
        opened(encrypted(), ())
    return caught.value.detail


def test_keys_rotate_and_the_newest_is_told() -> None:
    found = keys.read(Secret(pair(NEXT) + pair(KEY)))
    assert opened(encrypted(), found.private).get("ID") == "_a"
    told = etree.fromstring(metadata.ours("us", "https://headrace.example.org/back", found.certificates))
    (listed,) = told.iter(f"{metadata.DS}X509Certificate")
    assert x509.load_der_x509_certificate(base64.b64decode(listed.text)).public_key() == NEXT.public_key()
    assert keys.read(Secret("")).certificates == ()


def test_keys_that_do_not_do() -> None:
    short, curve = (
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP256R1()),
    )
    whole = pair(KEY)
    certificate = whole[whole.index("-----BEGIN CERTIFICATE") :]
    locked = KEY.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"x")).decode()
    broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    alone, halves = whole.removesuffix(certificate), whole + pair(NEXT).partition("-----BEGIN CERT")[0]
    for text in ("x", pair(short), pair(curve), certificate, alone, locked + certificate, broken, halves):
        with pytest.raises(ConfigError, match="decryption key") as caught:
            keys.read(Secret(text))
        assert "AAAA" not in str(caught.value)
