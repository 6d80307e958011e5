"""An identity provider that lies in every way that matters; `test_auth_saml_pysaml2.py` has one that does not."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import os
import zlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, SignInRefused
from headrace.sdk.errors import NotFound
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import DigestAlgorithm, SignatureMethod

IDP, SSO = "https://idp.example.org/metadata", "https://idp.example.org/sso"
CALLBACK = "https://headrace.example.org/api/v1/auth/providers/x/callback"
US = "https://headrace.example.org/api/v1/auth/providers/x/metadata"
SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
A, P = f"{{{SAML}}}", f"{{{SAMLP}}}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


class Pair:
    """A key and its self-signed certificate, as PEM."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp.example.org")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
        )  # fmt: skip
        pem = serialization.Encoding.PEM
        self.certificate = made.public_bytes(pem).decode()
        self.key = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        self.body = "".join(self.certificate.split("\n")[1:-2])


OURS, OTHER = Pair(), Pair()


def metadata(*pairs: Pair, address: str = SSO) -> str:
    keys = "".join(
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{pair.body}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for pair in pairs
    )
    return (
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
        f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{IDP}">'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{keys}'
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        f'Location="{address}"/></md:IDPSSODescriptor></md:EntityDescriptor>'
    )


def at(seconds: int) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def assertion(asked: str, **more: str) -> str:
    values = {
        "id": "_a1", "issuer": IDP, "audience": US, "recipient": CALLBACK, "request": asked, "until": at(300),
        "before": at(-30), "after": at(300), "subject": "u-1", "email": "ada@example.org", "group": "staff",
        "format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer", **more,
    }  # fmt: skip
    return """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0"
IssueInstant="{before}"><saml:Issuer>{issuer}</saml:Issuer><saml:Subject>
<saml:NameID Format="{format}">{subject}</saml:NameID>
<saml:SubjectConfirmation Method="{method}"><saml:SubjectConfirmationData Recipient="{recipient}"
InResponseTo="{request}" NotOnOrAfter="{until}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{before}" NotOnOrAfter="{after}"><saml:AudienceRestriction>
<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{before}"><saml:AuthnContext><saml:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>
</saml:AuthnStatement><saml:AttributeStatement>
<saml:Attribute Name="urn:oid:0.9.2342.19200300.100.1.3">
<saml:AttributeValue>{email}</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="groups"><saml:AttributeValue>{group}</saml:AttributeValue></saml:Attribute>
</saml:AttributeStatement></saml:Assertion>""".format(**values)


def signed(element: Any, id_: str, pair: Pair = OURS, **how: Any) -> Any:
    signer = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#", **how)
    return signer.sign(element, key=pair.key, cert=pair.certificate, reference_uri=f"#{id_}", id_attribute="ID")


def response(inner: Any, request: str, status: str = "Success", **attributes: str) -> Any:
    attributes = {"ID": "_r1", "Version": "2.0", "InResponseTo": request, "Destination": CALLBACK, **attributes}
    root = etree.Element(f"{P}Response", nsmap={"samlp": SAMLP, "saml": SAML}, attrib=attributes)
    etree.SubElement(root, f"{A}Issuer").text = IDP
    code = etree.SubElement(etree.SubElement(root, f"{P}Status"), f"{P}StatusCode")
    code.set("Value", f"urn:oasis:names:tc:SAML:2.0:status:{status}")
    if inner is not None:
        root.append(inner)
    return root


class Trip:
    """A browser that went to the provider and is about to post its answer."""

    def __init__(self, **config: Any) -> None:
        self.entry = load_plugins(only=["plugin-auth_saml"], strict=True).registry.auth_provider("saml")
        self.provider = self.entry.open({"idp_metadata": metadata(OURS), **config})
        self.begun = self.provider.begin(state="st", callback=CALLBACK)
        self.request = self.begun.memory["request"]

    def good(self, **more: str) -> Any:
        return signed(etree.fromstring(assertion(self.request, **more)), more.get("id", "_a1"))

    def post(self, root: Any):
        raw = root if isinstance(root, bytes) else etree.tostring(root)
        fields = {"SAMLResponse": base64.b64encode(raw).decode()}
        return self.provider.finish(fields, memory=self.begun.memory, callback=CALLBACK)

    def refused(self, root: Any) -> str:
        with pytest.raises(SignInRefused) as caught:
            self.post(root)
        return caught.value.detail


@pytest.fixture
def trip() -> Trip:
    return Trip()


def test_a_good_assertion_tells_who_it_is(trip) -> None:
    profile = trip.post(response(trip.good(), trip.request))
    assert (profile.subject, profile.email, profile.groups) == ("u-1", "ada@example.org", ("staff",))


def test_a_signed_response_covers_its_assertion(trip) -> None:
    whole = response(etree.fromstring(assertion(trip.request)), trip.request)
    assert trip.post(signed(whole, "_r1")).subject == "u-1"
    both = response(trip.good(), trip.request)
    assert trip.post(signed(both, "_r1")).subject == "u-1"


def test_the_request_is_ours_and_asks_for_the_post_binding(trip) -> None:
    query = dict(parse_qsl(urlsplit(trip.begun.url).query))
    sent = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15))
    assert (query["RelayState"], sent.get("ID"), sent.get("Destination")) == ("st", trip.request, SSO)
    assert (sent.get("AssertionConsumerServiceURL"), sent.findtext(f"{A}Issuer")) == (CALLBACK, US)
    assert len(query["RelayState"]) <= 80


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"audience": "https://else.example.org"}, "audience"),
        ({"issuer": "https://evil.example.org"}, "issuer"),
        ({"recipient": "https://evil.example.org"}, "confirmation"),
        ({"request": "_another"}, "confirmation"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, "confirmation"),
        ({"until": at(-61)}, "expired"),
        ({"after": at(-61)}, "expired"),
        ({"before": at(86_400)}, "not valid yet"),
        ({"after": "tomorrow"}, "cannot be read"),
        ({"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "transient"),
    ],
)
def test_a_signed_assertion_that_is_not_for_us_and_now_is_refused(trip, more, word) -> None:
    assert word in trip.refused(response(trip.good(**more), trip.request))


def test_an_answer_to_another_request_is_a_replay(trip) -> None:
    """The same bytes again: by then another request is open, and the first attempt is used up by the host."""
    stolen = response(trip.good(), trip.request)
    assert trip.post(copy.deepcopy(stolen)).subject == "u-1"
    later = Trip()
    assert "another request" in later.refused(copy.deepcopy(stolen))
    stolen.set("InResponseTo", later.request)
    assert "confirmation" in later.refused(stolen), "the outside may be changed, the signed inside may not"
    stolen.attrib.pop("InResponseTo")
    assert "another request" in later.refused(stolen), "nobody begins by themselves"


def test_an_unsigned_assertion_is_refused(trip) -> None:
    plain = etree.fromstring(assertion(trip.request))
    assert "not signed" in trip.refused(response(plain, trip.request))
    assert "0 assertions" in trip.refused(response(None, trip.request))


def test_a_stranger_signs_in_vain(trip) -> None:
    theirs = signed(etree.fromstring(assertion(trip.request)), "_a1", OTHER)
    assert "not of the provider" in trip.refused(response(theirs, trip.request))


def test_certificates_rotate(trip) -> None:
    theirs = response(signed(etree.fromstring(assertion(trip.request)), "_a1", OTHER), trip.request)
    trip.provider = trip.entry.open({"idp_metadata": metadata(OURS, OTHER)})
    assert trip.post(theirs).subject == "u-1"


def test_tampering_is_seen(trip) -> None:
    for place, text in ((f".//{A}NameID", "root"), (f".//{A}AttributeValue", "root@example.org")):
        root = response(trip.good(), trip.request)
        root.find(place).text = text
        assert "not of the provider" in trip.refused(root)


def evil(trip: Trip, id_: str = "_evil") -> Any:
    return etree.fromstring(assertion(trip.request, subject="root", id=id_))


def test_a_wrapped_assertion_is_refused(trip) -> None:
    """The eight ways to put a second assertion around, beside or inside a signed one, and what they hide it in."""
    wrapped = []
    for first in (True, False):  # beside it
        root = response(trip.good(), trip.request)
        root.insert(2, evil(trip)) if first else root.append(evil(trip))
        wrapped.append(root)
    root = response(evil(trip), trip.request)  # the signed one inside the evil one
    root[2].append(trip.good())
    wrapped.append(root)
    root = response(evil(trip), trip.request)  # the signed one inside the evil one's signature
    good = trip.good()
    signature = good.find(SIGNATURE)
    good.remove(signature)
    etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object").append(good)
    root[2].append(signature)
    wrapped.append(root)
    root = response(trip.good(), trip.request)  # the same ID twice
    root.append(evil(trip, "_a1"))
    wrapped.append(root)
    root = response(evil(trip), trip.request)  # in an extension of the response
    etree.SubElement(root, f"{P}Extensions").append(trip.good())
    wrapped.append(root)
    whole = signed(response(etree.fromstring(assertion(trip.request)), trip.request), "_r1")  # a response in one
    root = response(evil(trip), trip.request, ID="_r2")
    root.append(whole)
    wrapped.append(root)
    root = response(evil(trip), trip.request)  # the evil one takes the signature of the good one
    root[2].append(trip.good().find(SIGNATURE))
    wrapped.append(root)
    for number, root in enumerate(wrapped):
        assert trip.refused(etree.tostring(root)), f"way {number}"


def test_a_signature_has_to_cover_what_it_is_in(trip) -> None:
    root = response(trip.good(), trip.request)
    moved = root[2].find(SIGNATURE)
    root[2].remove(moved)
    root.insert(1, moved)
    assert "does not refer" in trip.refused(root)


def test_comments_do_not_cut_a_name(trip) -> None:
    """CVE-2018-0489 and its kin: `root<!-- -->.example` must not read as `root`."""
    good = signed(etree.fromstring(assertion(trip.request, subject="root.example")), "_a1")
    raw = etree.tostring(response(good, trip.request)).replace(b">root.example<", b">root<!-- -->.example<")
    assert b"<!--" in raw
    assert trip.post(raw).subject == "root.example"


def test_weak_signatures_are_refused(trip) -> None:
    class Old(XMLSigner):
        def check_deprecated_methods(self) -> None:
            """Sign with what nobody should."""

    element = etree.fromstring(assertion(trip.request))
    signer = Old(
        signature_algorithm=SignatureMethod.RSA_SHA1, digest_algorithm=DigestAlgorithm.SHA1,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )  # fmt: skip
    weak = signer.sign(element, key=OURS.key, cert=OURS.certificate, reference_uri="#_a1", id_attribute="ID")
    assert "not of the provider" in trip.refused(response(weak, trip.request))


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>",
        b"<x/>", b"no xml", b"", b"<" * 50_000, b"<a>" * 30_000,
    ],
)  # fmt: skip
def test_documents_that_are_none(trip, raw) -> None:
    assert trip.refused(raw)
    for fields in ({}, {"SAMLResponse": "%%%"}, {"SAMLResponse": "é"}):
        with pytest.raises(SignInRefused):
            trip.provider.finish(fields, memory=trip.begun.memory, callback=CALLBACK)


def encrypted(element: Any) -> Any:
    """As a provider would that knows our certificate, which is everybody."""
    secret, nonce = os.urandom(32), os.urandom(12)
    public = serialization.load_pem_private_key(OTHER.key.encode(), None).public_key()
    wrapped = public.encrypt(secret, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    text = nonce + AESGCM(secret).encrypt(nonce, etree.tostring(element), None)
    xenc, xenc11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
    root = etree.Element(f"{A}EncryptedAssertion")
    data = etree.SubElement(root, f"{{{xenc}}}EncryptedData", Type=f"{xenc}Element")
    key = etree.SubElement(root, f"{{{xenc}}}EncryptedKey")
    for one, way, raw in ((data, f"{xenc11}aes256-gcm", text), (key, f"{xenc}rsa-oaep-mgf1p", wrapped)):
        etree.SubElement(one, f"{{{xenc}}}EncryptionMethod", Algorithm=way)
        value = etree.SubElement(etree.SubElement(one, f"{{{xenc}}}CipherData"), f"{{{xenc}}}CipherValue")
        value.text = base64.b64encode(raw).decode()
    return root


def test_an_encrypted_assertion_is_signed_inside_or_by_its_response(trip) -> None:
    assert "enter a decryption key" in trip.refused(response(encrypted(trip.good()), trip.request))
    trip = Trip(decryption_key=OTHER.key + OTHER.certificate)
    trip.provider.check()
    assert trip.post(response(encrypted(trip.good()), trip.request)).subject == "u-1"
    plain = etree.fromstring(assertion(trip.request))
    assert trip.post(signed(response(encrypted(plain), trip.request), "_r1")).subject == "u-1"
    assert trip.post(response(trip.good(), trip.request)).subject == "u-1", "who has a key may also get a plain one"


def test_encryption_proves_nothing_of_who_wrote_it() -> None:
    trip = Trip(decryption_key=OTHER.key + OTHER.certificate)
    assert "is not signed" in trip.refused(response(encrypted(evil(trip)), trip.request))
    theirs = signed(evil(trip), "_evil", OTHER)
    assert "not of the provider" in trip.refused(response(encrypted(theirs), trip.request))
    around = evil(trip)  # the good one is inside the evil one
    around.append(trip.good())
    assert "another one inside" in trip.refused(response(encrypted(around), trip.request))
    swapped = signed(response(encrypted(trip.good()), trip.request), "_r1")
    swapped.replace(swapped.find(f"{A}EncryptedAssertion"), encrypted(evil(trip)))
    assert "not of the provider" in trip.refused(swapped)
    both = response(trip.good(), trip.request)
    both.append(encrypted(evil(trip)))
    assert "2 assertions" in trip.refused(both)


def test_refusals_of_the_provider_and_other_addresses(trip) -> None:
    assert "Requester" in trip.refused(response(None, trip.request, status="Requester"))
    elsewhere = response(trip.good(), trip.request, Destination="https://else.example.org")
    assert "another address" in trip.refused(elsewhere)


def test_a_context_may_be_wanted() -> None:
    wanted = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
    trip = Trip(authn_context=f"{wanted}TimeSyncToken")
    assert "context" in trip.refused(response(trip.good(), trip.request))
    trip = Trip(authn_context=f"{wanted}PasswordProtectedTransport")
    assert trip.post(response(trip.good(), trip.request)).subject == "u-1"


def test_metadata_that_does_not_do(trip) -> None:
    for text in ("x", "<x/>", metadata(), metadata(OURS, address="http://idp.example.org"), metadata(OURS) * 2):
        with pytest.raises(ConfigError):
            trip.entry.open({"idp_metadata": text}).check()
    with pytest.raises(NotFound):
        load_plugins(strict=True).registry.auth_provider("proxy").open({"trusted": ["192.0.2.1"]}).metadata(callback="")
