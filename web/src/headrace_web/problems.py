"""Errors as answers: the envelope, or RFC 9457 for those who ask for it. What is not ours shows its request id only."""

from __future__ import annotations

import logging
from typing import Any

from headrace.infra.clock import now
from headrace.sdk.errors import HeadraceError, NotFound, TransientError, Unauthenticated
from headrace.sdk.wording import worded
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

_LOG = logging.getLogger("headrace.web")
_CODES = {
    400: ("MALFORMED", "the request cannot be read; check its JSON"),
    401: ("UNAUTHENTICATED", "you are not signed in; sign in first"),
    403: ("PERMISSION_DENIED", "you may not do this"),
    404: ("NOT_FOUND", "there is nothing at this address"),
    405: ("METHOD_NOT_ALLOWED", "this address does not take this method"),
    413: ("TOO_LARGE", "the request is too large; send less at once"),
    415: ("UNSUPPORTED_MEDIA_TYPE", "send JSON, with Content-Type: application/json"),
    429: ("RATE_LIMITED", "too many requests; wait a moment"),
}


def answer(
    request: Request[Any, Any, Any], status: int, code: str, message: str, details: dict[str, Any] | None = None
) -> Response[dict[str, Any]]:
    """An error as the client wants it."""
    request_id = request.scope["state"].get("request_id", "")
    if "application/problem+json" in request.headers.get("accept", ""):
        body = {"type": "about:blank", "title": code, "status": status, "detail": message, "instance": request_id}
        return Response({**body, "details": details or {}}, status_code=status, media_type="application/problem+json")
    meta = {"timestamp": now(), "version": "v1", "request_id": request_id}
    error = {"code": code, "message": message, "details": details or {}}
    return Response({"success": False, "error": error, "meta": meta}, status_code=status, media_type=MediaType.JSON)


def _ours(request: Request[Any, Any, Any], error: HeadraceError) -> Response[Any]:
    if error.status >= 500:
        _LOG.warning("%s: %s %s", error.code, error.message, error.detail, extra=_request(request))
    details = dict(error.details)
    code = error.code
    if isinstance(error, NotFound) and "resource" in details:
        code = f"{details['resource']}_{code}".upper()
    if error.hint:
        details["hint"] = error.hint
    if "field" in details and "errors" not in details:
        details["errors"] = [{"path": details["field"], "message": error.message}]
    made = answer(request, error.status, code, error.message, details)
    if isinstance(error, Unauthenticated):
        made.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TransientError) and error.retry_after_s is not None:
        made.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    elif "retry_after_s" in details:
        made.headers["Retry-After"] = str(details["retry_after_s"])
    return made


def _invalid(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    extra = error.extra if isinstance(error.extra, list) else []
    asked = getattr(request.scope.get("route_handler"), "parsed_fn_signature", None)
    body = asked.parameters["data"].raw if asked and "data" in asked.parameters else None
    told = [(str(item.get("message", "")), str(item.get("key", ""))) for item in extra if isinstance(item, dict)]
    said = [worded(body, text, path) if text.startswith("Expected") else (text, path) for text, path in told]
    found = [{"path": path, "message": text} for text, path in said]
    first = f": {found[0]['path']} {found[0]['message']}".rstrip() if found else ""
    return answer(request, 422, "VALIDATION_FAILED", f"the request does not fit{first}", {"errors": found})


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if error.status_code >= 500:
        return _bug(request, error)
    code, message = _CODES.get(error.status_code, ("REFUSED", "the request is refused"))
    made = answer(request, error.status_code, code, message)
    for name, value in (error.headers or {}).items():
        made.headers.setdefault(name, value)
    return made


def _bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    _LOG.error("unexpected error", exc_info=error, extra=_request(request))
    request_id = request.scope["state"].get("request_id", "")
    return answer(
        request, 500, "INTERNAL", f"something unexpected happened; tell your admin the request id {request_id}",
        {"request_id": request_id},
    )  # fmt: skip


def _request(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"request_id": request.scope["state"].get("request_id", ""), "path": request.scope["path"]}


HANDLERS: ExceptionHandlersMap = {
    HeadraceError: _ours,
    ValidationException: _invalid,
    HTTPException: _http,
    Exception: _bug,
}
