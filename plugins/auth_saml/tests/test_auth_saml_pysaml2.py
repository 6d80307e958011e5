"""pysaml2 as an identity provider that does not lie: plain, encrypted as it should be, and as it does by itself."""

from __future__ import annotations

import base64
import datetime as dt
import shutil
import warnings
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from headrace.plugins.manager import load_plugins
from headrace.sdk import SignInRefused

IDP, SSO = "https://idp.example.org/metadata", "https://idp.example.org/sso"
CALLBACK = "https://headrace.example.org/api/v1/auth/providers/x/callback"
pytestmark = pytest.mark.skipif(
    shutil.which("xmlsec1") is None, reason="pysaml2 signs with xmlsec1, which is not here; `apt-get install xmlsec1`"
)


@pytest.fixture(autouse=True)
def as_it_is():
    """pysaml2 uses what is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pair() -> tuple[str, str]:
    """A key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.org")]), dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 7, now - dt.timedelta(days=1), now + dt.timedelta(days=1)
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode(), made.sign(key, hashes.SHA256()).public_bytes(pem).decode()


class Trip:
    """A sign-in at it."""

    def __init__(self, folder: Any) -> None:
        from saml2 import BINDING_HTTP_REDIRECT
        from saml2.config import IdPConfig
        from saml2.metadata import entity_descriptor
        from saml2.saml import NAME_FORMAT_URI
        from saml2.server import Server

        files = {name: folder / name for name in ("key_file", "cert_file")}
        for file, text in zip(files.values(), pair(), strict=True):
            file.write_text(text)
        entry = load_plugins(only=["plugin-auth_saml"], strict=True).registry.auth_provider("saml")
        ours = {"decryption_key": "".join(pair())}
        told = entry.open({"idp_metadata": "-", **ours}).metadata(callback=CALLBACK).decode()
        policy = {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None, "name_form": NAME_FORMAT_URI}}
        config = IdPConfig().load({
            "entityid": IDP, "xmlsec_binary": shutil.which("xmlsec1"), "metadata": {"inline": [told]},
            **{name: str(file) for name, file in files.items()},
            "service": {"idp": {
                "endpoints": {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT)]}, "policy": policy,
            }},
        })  # fmt: skip
        self.server = Server(config=config)
        self.provider = entry.open({"idp_metadata": str(entity_descriptor(config)), **ours})
        self.provider.check()
        self.begun = self.provider.begin(state="st", callback=CALLBACK)

    def answer(self, **how: Any) -> str:
        """What it answers to our request."""
        from saml2 import BINDING_HTTP_REDIRECT
        from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
        from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

        query = dict(parse_qsl(urlsplit(self.begun.url).query))
        asked = self.server.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT)
        arguments = self.server.response_args(asked.message)
        assert arguments["destination"] == CALLBACK
        return str(self.server.create_authn_response(
            {"mail": ["ada@example.org"], "displayName": ["Ada"]}, userid="ada", sign_assertion=True,
            sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text="u-1"),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": IDP},
            **arguments, **{"sign_response": False, **how},
        ))  # fmt: skip

    def post(self, text: str) -> Any:
        fields = {"SAMLResponse": base64.b64encode(text.encode()).decode()}
        return self.provider.finish(fields, memory=self.begun.memory, callback=CALLBACK)

    def refused(self, text: str) -> str:
        with pytest.raises(SignInRefused) as caught:
            self.post(text)
        return caught.value.detail


@pytest.fixture
def trip(tmp_path) -> Trip:
    return Trip(tmp_path)


def test_a_plain_assertion(trip) -> None:
    answer = trip.answer()
    profile = trip.post(answer)
    assert (profile.subject, profile.email, profile.name) == ("u-1", "ada@example.org", "Ada")
    assert "not of the provider" in trip.refused(answer.replace("ada@example.org", "eve@example.org"))


@pytest.mark.parametrize("sign_response", [False, True])
@pytest.mark.parametrize("bits", [128, 256])
def test_an_assertion_encrypted_for_the_certificate_in_our_metadata(trip, monkeypatch, bits, sign_response) -> None:
    from saml2 import entity

    way = f"http://www.w3.org/2009/xmlenc11#aes{bits}-gcm"
    monkeypatch.setattr(entity, "pre_encryption_part", partial(entity.pre_encryption_part, msg_enc=way))
    trip.server.sec.encrypt_assertion = partial(trip.server.sec.encrypt_assertion, key_type=f"aes-{bits}")
    answer = trip.answer(encrypt_assertion=True, sign_response=sign_response)
    assert "ada@example.org" not in answer
    profile = trip.post(answer)
    assert (profile.subject, profile.email, profile.name) == ("u-1", "ada@example.org", "Ada")


def test_what_it_takes_by_itself_is_refused_with_the_reason(trip) -> None:
    assert "tripledes-cbc" in trip.refused(trip.answer(encrypt_assertion=True))
