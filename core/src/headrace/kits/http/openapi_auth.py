"""How one signs in, from the `securitySchemes` of an OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from headrace.kits.http.openapi_document import Document

Fields = dict[str, dict[str, Any]]
_BEST = ("bearer", "header", "oauth2", "basic", "query")
_TOKEN: Fields = {"token": {"title": "Token", "type": "secret", "description": "Access token."}}
_BASIC: Fields = {"user": {"title": "User"}, "password": {"title": "Password", "type": "secret"}}
_CLIENT: Fields = {"client_id": {"title": "Client id"}, "client_secret": {"title": "Client secret", "type": "secret"}}


def sign_in(document: Document) -> tuple[dict[str, Any] | None, Fields]:
    """The declaration of the scheme that is best for a program, and the fields it needs."""
    known = [found for scheme in document.schemes().values() if (found := _known(document, scheme)) is not None]
    return min(known, key=lambda one: _BEST.index(one[0]["type"]), default=(None, {}))


def _known(document: Document, scheme: Mapping[str, Any]) -> tuple[dict[str, Any], Fields] | None:
    kind, where = str(scheme.get("type", "")), str(scheme.get("in", ""))
    if kind == "basic" or (kind == "http" and str(scheme.get("scheme", "")).lower() == "basic"):
        return {"type": "basic"}, _BASIC
    if kind == "http" and str(scheme.get("scheme", "")).lower() == "bearer":
        return {"type": "bearer"}, _TOKEN
    if kind == "apiKey" and where in {"header", "query"}:
        return {"type": where, "name": str(scheme["name"]), **_prefix(scheme)}, _TOKEN
    if kind == "oauth2":
        flows = scheme.get("flows") or {_old(scheme): scheme}
        return _oauth(document, flows)
    return None


def _prefix(scheme: Mapping[str, Any]) -> dict[str, str]:
    """Of an `Authorization` header that is described in words only."""
    words = str(scheme.get("description", "")).lower()
    if str(scheme["name"]).lower() != "authorization" or scheme.get("in") != "header":
        return {}
    return {"prefix": "token " if "token" in words and "bearer" not in words else "Bearer "}


def _old(scheme: Mapping[str, Any]) -> str:
    return {"accessCode": "authorizationCode", "application": "clientCredentials"}.get(str(scheme.get("flow")), "")


def _oauth(document: Document, flows: Mapping[str, Any]) -> tuple[dict[str, Any], Fields] | None:
    base = f"{document.base_url()}/"
    code, machine = flows.get("authorizationCode"), flows.get("clientCredentials")
    if code:
        scope = " ".join(list(code.get("scopes") or {})[:20])
        return {
            "type": "oauth2", "grant": "authorization_code", "token_url": urljoin(base, str(code["tokenUrl"])),
            "authorize_url": urljoin(base, str(code["authorizationUrl"])), "scope": scope,
        }, _CLIENT  # fmt: skip
    if machine:
        return {"type": "oauth2", "token_url": urljoin(base, str(machine["tokenUrl"]))}, _CLIENT
    return None
