"""Metadata: what an identity provider publishes, and what we tell it of us."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from urllib.parse import urlsplit

from headrace.sdk import ConfigError, SignInRefused
from lxml import etree
from msgspec import Struct

from headrace_plugin_auth_saml.signed import parse

MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
METHODS = ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm",
           "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p")  # fmt: skip
SAML = "urn:oasis:names:tc:SAML:2.0:protocol"


class IdentityProvider(Struct, frozen=True):
    """What is used of its metadata; several certificates while they rotate."""

    entity_id: str
    address: str
    certificates: tuple[str, ...]


def read(text: str) -> IdentityProvider:
    """The one identity provider of a metadata document.

    Raises:
        ConfigError: it is none, or lacks an address with https for redirects, or a certificate.
    """
    try:
        root = parse(text.strip().encode())
    except SignInRefused as error:
        raise ConfigError(f"the metadata cannot be read: {error.detail}", field="idp_metadata") from None
    entities = [one for one in root.iter(f"{MD}EntityDescriptor") if one.find(f"{MD}IDPSSODescriptor") is not None]
    if len(entities) != 1:
        raise ConfigError(f"the metadata has {len(entities)} identity providers, not one", field="idp_metadata")
    role = entities[0].find(f"{MD}IDPSSODescriptor")
    entity_id = entities[0].get("entityID") or ""
    addresses = [
        one.get("Location") or "" for one in role.findall(f"{MD}SingleSignOnService") if one.get("Binding") == REDIRECT
    ]
    keys = [one for one in role.findall(f"{MD}KeyDescriptor") if one.get("use", "signing") == "signing"]
    found = [_pem(one.text or "") for key in keys for one in key.iter(f"{DS}X509Certificate")]
    if not entity_id or not addresses or not found:
        raise ConfigError(
            "the metadata lacks an entity ID, an address for HTTP-Redirect or a signing certificate",
            field="idp_metadata",
        )
    _check_address(addresses[0])
    return IdentityProvider(entity_id, addresses[0], tuple(found))


def ours(entity_id: str, callback: str, certificates: Sequence[str] = ()) -> bytes:
    """Metadata of us: assertions are to be signed, posted to the callback, and may be encrypted for these."""
    root = etree.Element(f"{MD}EntityDescriptor", nsmap={None: MD[1:-1]}, entityID=entity_id)
    role = etree.SubElement(
        root, f"{MD}SPSSODescriptor", protocolSupportEnumeration=SAML, AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
    )  # fmt: skip
    for certificate in certificates[:1]:  # the newest; the others only open what was encrypted before
        key = etree.SubElement(role, f"{MD}KeyDescriptor", use="encryption")
        data = etree.SubElement(etree.SubElement(key, f"{DS}KeyInfo"), f"{DS}X509Data")
        etree.SubElement(data, f"{DS}X509Certificate").text = certificate
        for method in METHODS:
            etree.SubElement(key, f"{MD}EncryptionMethod", Algorithm=method)
    name_id = etree.SubElement(role, f"{MD}NameIDFormat")
    name_id.text = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    etree.SubElement(
        role, f"{MD}AssertionConsumerService", Binding=POST, Location=callback, index="0", isDefault="true"
    )
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise ConfigError("the identity provider's address must begin with https://", field="idp_metadata")


def _pem(text: str) -> str:
    body = "\n".join(textwrap.wrap("".join(text.split()), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
