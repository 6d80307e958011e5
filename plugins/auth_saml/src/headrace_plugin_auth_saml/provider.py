"""Ask with a request of our own, and take one signed assertion that answers it: for us, of now, once."""

from __future__ import annotations

import base64
import secrets
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from headrace.sdk import AuthProvider, Begun, Profile
from lxml import etree

from headrace_plugin_auth_saml import SamlConfig, keys, metadata
from headrace_plugin_auth_saml.encrypted import opened
from headrace_plugin_auth_saml.signed import ASSERTION, PROTOCOL, decode, parse, refused, signed_assertion

SKEW = timedelta(seconds=60)
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


class SamlProvider(AuthProvider[SamlConfig]):
    """One identity provider. Sign-ins that it begins by itself are not taken: they answer no request of ours."""

    def check(self) -> None:
        """The metadata and the decryption key can be read."""
        metadata.read(self.config.idp_metadata)
        keys.read(self.config.decryption_key)

    def metadata(self, *, callback: str) -> bytes:
        """Ours."""
        return metadata.ours(self._entity_id(callback), callback, keys.read(self.config.decryption_key).certificates)

    def begin(self, *, state: str, callback: str) -> Begun:
        """The address to go to, with a request whose ID the answer has to name."""
        idp = metadata.read(self.config.idp_metadata)
        id_ = f"_{secrets.token_hex(20)}"
        root = etree.Element(
            f"{PROTOCOL}AuthnRequest", nsmap={"samlp": PROTOCOL[1:-1], "saml": ASSERTION[1:-1]}, ID=id_, Version="2.0",
            IssueInstant=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), Destination=idp.address,
            ProtocolBinding=metadata.POST, AssertionConsumerServiceURL=callback,
        )  # fmt: skip
        etree.SubElement(root, f"{ASSERTION}Issuer").text = self._entity_id(callback)
        packed = zlib.compressobj(9, zlib.DEFLATED, -15)
        raw = packed.compress(etree.tostring(root)) + packed.flush()
        query = urlencode({"SAMLRequest": base64.b64encode(raw).decode(), "RelayState": state})
        joint = "&" if "?" in idp.address else "?"
        return Begun(url=f"{idp.address}{joint}{query}", memory={"request": id_})

    def finish(self, fields: Mapping[str, str], *, memory: Mapping[str, str], callback: str) -> Profile:
        """Who the signed assertion speaks of."""
        idp = metadata.read(self.config.idp_metadata)
        if not fields.get("SAMLResponse"):
            raise refused("the answer has no SAMLResponse")
        root = parse(decode(fields["SAMLResponse"]))
        _check_response(root, memory["request"], callback)
        decryption = keys.read(self.config.decryption_key)
        assertion = signed_assertion(root, idp.certificates, lambda holder: opened(holder, decryption.private))
        if _text(assertion.find(f"{ASSERTION}Issuer")) != idp.entity_id:
            raise refused("the assertion is of another issuer")
        _check_conditions(assertion, self._entity_id(callback))
        subject = assertion.find(f"{ASSERTION}Subject")
        _check_confirmation(subject, memory["request"], callback)
        self._check_statement(assertion)
        return self._profile(assertion, subject)

    def _entity_id(self, callback: str) -> str:
        return self.config.entity_id or f"{callback.rpartition('/')[0]}/metadata"

    def _check_statement(self, assertion: Any) -> None:
        statement = assertion.find(f"{ASSERTION}AuthnStatement")
        if statement is None:
            raise refused("the assertion does not say that somebody signed in")
        until = statement.get("SessionNotOnOrAfter")
        if until is not None and _time(until) + SKEW <= datetime.now(UTC):
            raise refused("the session at the provider is over")
        used = _text(statement.find(f"{ASSERTION}AuthnContext/{ASSERTION}AuthnContextClassRef"))
        if self.config.authn_context and used != self.config.authn_context:
            raise refused(f"the authentication context is {used!r}, another one is asked for")

    def _profile(self, assertion: Any, subject: Any) -> Profile:
        attributes = _attributes(assertion)
        name_id = subject.find(f"{ASSERTION}NameID")
        kind, text = ("", "") if name_id is None else (name_id.get("Format", ""), _text(name_id))
        wanted = self.config.subject_attribute
        if not wanted and kind == _TRANSIENT:
            raise refused("the NameID is transient; have a persistent one sent, or name an attribute as identifier")
        email = _first(attributes, self.config.email_attribute) or (text if kind == _EMAIL else "")
        return Profile(
            subject=_first(attributes, wanted) if wanted else text, email=email, email_verified=True,
            name=_first(attributes, self.config.name_attribute),
            groups=tuple(attributes.get(self.config.groups_attribute, ())),
        )  # fmt: skip


def _check_response(root: Any, request: str, callback: str) -> None:
    """What the outside says; it may be unsigned, so that nothing but refusals follows from it."""
    if root.tag != f"{PROTOCOL}Response" or root.get("Version") != "2.0":
        raise refused("the document is no SAML 2.0 response")
    code = root.find(f"{PROTOCOL}Status/{PROTOCOL}StatusCode")
    if code is None or code.get("Value") != _STATUS:
        raise refused(f"the provider answers {'' if code is None else str(code.get('Value'))[:120]!r}")
    if root.get("InResponseTo") != request:
        raise refused("the response answers another request, or none")
    if root.get("Destination", callback) != callback:
        raise refused("the response is for another address")


def _check_conditions(assertion: Any, entity_id: str) -> None:
    conditions = assertion.find(f"{ASSERTION}Conditions")
    if conditions is None:
        raise refused("the assertion has no conditions")
    _check_times(conditions)
    restrictions = conditions.findall(f"{ASSERTION}AudienceRestriction")
    audiences = [[_text(one) for one in each.findall(f"{ASSERTION}Audience")] for each in restrictions]
    if not audiences or not all(entity_id in each for each in audiences):
        raise refused("the assertion is for another audience")


def _check_confirmation(subject: Any, request: str, callback: str) -> None:
    """One bearer confirmation is for this address, this request and now."""
    if subject is None:
        raise refused("the assertion has no subject")
    for one in subject.findall(f"{ASSERTION}SubjectConfirmation"):
        data = one.find(f"{ASSERTION}SubjectConfirmationData")
        if one.get("Method") != _BEARER or data is None or data.get("NotOnOrAfter") is None:
            continue
        if data.get("Recipient") == callback and data.get("InResponseTo") == request:
            _check_times(data)
            return
    raise refused("no confirmation of the subject is for this address and answers this request")


def _check_times(element: Any) -> None:
    now = datetime.now(UTC)
    before, after = element.get("NotBefore"), element.get("NotOnOrAfter")
    if before is not None and _time(before) - SKEW > now:
        raise refused("the assertion is not valid yet")
    if after is not None and _time(after) + SKEW <= now:
        raise refused("the assertion is expired")


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise refused("a time of the assertion cannot be read") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _attributes(assertion: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in assertion.iterfind(f"{ASSERTION}AttributeStatement/{ASSERTION}Attribute"):
        values = [_text(value) for value in one.findall(f"{ASSERTION}AttributeValue")]
        for name in {one.get("Name"), one.get("FriendlyName")} - {None, ""}:
            found.setdefault(name, []).extend(values)
    return found


def _first(attributes: dict[str, list[str]], name: str) -> str:
    return next(iter(attributes.get(name, ())), "")


def _text(element: Any) -> str:
    """All text of an element, in one piece, whatever stands between."""
    return "" if element is None else "".join(element.itertext()).strip()
