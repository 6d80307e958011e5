"""Envelopes: parameters as elements, answers as plain data. Nothing is pasted into XML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from headrace.sdk import ConfigError, DataError
from msgspec import Struct

SPACES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)


class Fault(Struct, frozen=True):
    """Why a call failed; `ours` when the request is to blame."""

    text: str
    ours: bool


def request(
    version: str, namespace: str, operation: str, parameters: Mapping[str, Any], *, qualified: bool = True,
    user: str = "", password: str = "",
) -> bytes:  # fmt: skip
    """An envelope.

    Raises:
        ConfigError: a name cannot be that of an element.
    """
    space = f"{{{SPACES[version]}}}"
    envelope = Element(f"{space}Envelope")
    if user:
        token = SubElement(SubElement(SubElement(envelope, f"{space}Header"), f"{{{_WSSE}}}Security"),
                           f"{{{_WSSE}}}UsernameToken")  # fmt: skip
        SubElement(token, f"{{{_WSSE}}}Username").text = user
        SubElement(token, f"{{{_WSSE}}}Password", {"Type": _TEXT}).text = password
    call = SubElement(SubElement(envelope, f"{space}Body"), f"{{{namespace}}}{_checked(operation)}")
    _fill(call, parameters, f"{{{namespace}}}" if qualified else "")
    text: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    return text


def _fill(element: Element, values: Mapping[str, Any], space: str) -> None:
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            made = SubElement(element, f"{space}{_checked(name)}")
            if isinstance(one, Mapping):
                _fill(made, one, space)
            elif one is not None:
                made.text = str(one).lower() if isinstance(one, bool) else str(one)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"'{name[:60]}' cannot be the name of an element; correct it", field="parameters")
    return name


def answer(body: bytes, host: str) -> Any | Fault:
    """What is below the answer's element, or its fault.

    Raises:
        DataError: it is no envelope.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DataError(f"'{host}' answers with no SOAP; correct the address", detail=repr(error)) from None
    space = next((f"{{{space}}}" for space in SPACES.values() if root.tag == f"{{{space}}}Envelope"), "")
    inside = root.find(f"{space}Body") if space else None
    if inside is None:
        raise DataError(f"'{host}' answers with XML that is no SOAP; correct the address")
    first = next(iter(inside), None)
    if first is not None and first.tag == f"{space}Fault":
        return _fault(first, space)
    return {} if first is None else _plain(first)


def _fault(fault: Element, space: str) -> Fault:
    text = fault.findtext("faultstring") or fault.findtext(f"{space}Reason/{space}Text") or "it says no more"
    code = fault.findtext("faultcode") or fault.findtext(f"{space}Code/{space}Value") or ""
    return Fault(" ".join(text.split())[:200], code.rpartition(":")[2].split(".")[0] in {"Client", "Sender"})


def _plain(element: Element) -> Any:
    """An object, a text, or nothing; repeated children are lists."""
    if not len(element):
        nil = element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") in {"true", "1"}
        return None if nil or element.text is None else element.text
    made: dict[str, Any] = {}
    several: set[str] = set()
    for child in element:
        name, value = child.tag.rpartition("}")[2], _plain(child)
        if name in made and name not in several:
            made[name] = [made[name]]
            several.add(name)
        if name in several:
            made[name].append(value)
        else:
            made[name] = value
    return made
