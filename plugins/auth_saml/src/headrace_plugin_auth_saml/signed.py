"""XML as it was signed: a response is read once, and only what a signature of the provider covers is given out.

signxml gives the element that the signature covers; everything else of the document is dropped, so that an element
wrapped around or beside the signed one is never looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence

from headrace.sdk import SignInRefused
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
BYTES_MAX = 384 * 1024
_STRONG = ("RSA_SHA256", "RSA_SHA384", "RSA_SHA512", "ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512")
_METHODS = frozenset(SignatureMethod[name] for name in _STRONG)
_DIGESTS = frozenset(DigestAlgorithm[name] for name in ("SHA256", "SHA384", "SHA512"))


def refused(detail: str) -> SignInRefused:
    """One sentence for the person, the reason for the admins."""
    return SignInRefused("the provider's answer is not accepted; try again, or tell your admin", detail=detail)


def parse(raw: bytes) -> etree._Element:
    """A document without entities, comments and processing instructions.

    Raises:
        SignInRefused: it is no such document.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    if len(raw) > BYTES_MAX:
        raise refused("the document is too large")
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise refused("the document is no XML") from None
    if root.getroottree().docinfo.doctype:
        raise refused("the document has a DOCTYPE")
    return root


def decode(text: str) -> bytes:
    """The bytes of a posted answer.

    Raises:
        SignInRefused: it is no base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise refused("the answer is no base64") from None


def signed_assertion(
    root: etree._Element, certificates: Sequence[str], opened: Callable[[etree._Element], etree._Element]
) -> etree._Element:
    """The one assertion of a response, as it was signed by itself or together with the response.

    Raises:
        SignInRefused: there is none or several, none is signed, or the signature is not of the provider.
    """
    found = [*root.iter(f"{ASSERTION}Assertion"), *root.iter(f"{ASSERTION}EncryptedAssertion")]
    if len(found) != 1 or found[0].getparent() is not root:
        raise refused(f"the response has {len(found)} assertions, or one in an odd place")
    _check_ids(root)
    if found[0].tag == f"{ASSERTION}EncryptedAssertion":
        return _of_encrypted(root, found[0], certificates, opened)
    for holder, where in ((found[0], f"./{ASSERTION}Assertion/"), (root, "./")):
        if len(holder.findall(SIGNATURE)) == 1:
            covered = _verified(root, certificates, where, holder)
            return covered if holder is not root else _only(covered, "Assertion")
    raise refused("the assertion is not signed")


def _of_encrypted(
    root: etree._Element, holder: etree._Element, certificates: Sequence[str],
    opened: Callable[[etree._Element], etree._Element],
) -> etree._Element:  # fmt: skip
    """Signed inside, or the response around it signed as it is: whoever has our certificate can encrypt."""
    if len(root.findall(SIGNATURE)) == 1:
        return opened(_only(_verified(root, certificates, "./", root), "EncryptedAssertion"))
    inner = opened(holder)
    if len(list(inner.iter(f"{ASSERTION}Assertion"))) != 1:
        raise refused("the encrypted assertion has another one inside")
    _check_ids(inner)
    if len(inner.findall(SIGNATURE)) != 1:
        raise refused("the encrypted assertion is not signed")
    return _verified(inner, certificates, "./", inner)


def _check_ids(root: etree._Element) -> None:
    ids = [value for element in root.iter() for name, value in element.attrib.items() if name in {"ID", "Id", "id"}]
    if len(ids) != len(set(ids)):
        raise refused("an ID comes twice in the response")


def _only(response: etree._Element, name: str) -> etree._Element:
    inner = response.findall(f"{ASSERTION}{name}")
    if len(inner) != 1:
        raise refused("the signed response has no assertion")
    return inner[0]


def _verified(
    root: etree._Element, certificates: Sequence[str], where: str, holder: etree._Element
) -> etree._Element:  # fmt: skip
    """The element that the signature at this place covers, by any of the provider's certificates: its holder."""
    id_ = str(holder.get("ID") or "")
    reference = root.find(f"{where}{SIGNATURE}//{{http://www.w3.org/2000/09/xmldsig#}}Reference")
    if not id_ or reference is None or reference.get("URI") != f"#{id_}":
        raise refused("the signature does not refer to the element it is in")
    expected = SignatureConfiguration(
        location=where, expect_references=1, signature_methods=_METHODS, digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=True,
    )  # fmt: skip
    reasons = []
    for certificate in certificates:
        try:
            result = XMLVerifier().verify(root, x509_cert=certificate, id_attribute="ID", expect_config=expected)
        except (SignXMLException, ValueError, etree.LxmlError) as error:
            reasons.append(f"{type(error).__name__}: {str(error)[:80]}")
            continue
        covered = getattr(result, "signed_xml", None)
        if covered is not None:
            element: etree._Element = covered
            if element.tag != holder.tag or element.get("ID") != id_:
                raise refused("the signature covers another element than the one it is in")
            return element
    raise refused(f"the signature is not of the provider ({'; '.join(reasons)[:200]})")
