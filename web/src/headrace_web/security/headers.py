"""Headers of every answer: content policy with a nonce, and the usual ones."""

from __future__ import annotations

from urllib.parse import urlsplit

from headrace.infra.settings import LOOPBACK
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def content_policy(nonce: str) -> str:
    """Nothing from elsewhere, no inline script; style attributes because React Flow places nodes with them."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "object-src 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types own-workers",
        )
    )


def add_headers(message: Message, scope: Scope, *, https: bool) -> None:
    """Add them where the handler has not set its own."""
    headers = MutableScopeHeaders.from_message(message)
    state = scope["state"]
    for name, value in _FIXED.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", content_policy(state["csp_nonce"]))
    headers["X-Request-ID"] = headers["X-Correlation-ID"] = state["request_id"]
    if https or _loopback(scope):
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")  # elsewhere browsers ignore it and complain
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if scope["path"].startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")


def _loopback(scope: Scope) -> bool:
    """Whether a browser came by a name of its own machine, which it trusts as it does https."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False
