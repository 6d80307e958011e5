"""The cookies of a browser's sign-in."""

from __future__ import annotations

from headrace.accounts.sign_in import LIFETIME, SignedIn
from litestar.datastructures import Cookie

from headrace_web.security.identity import COOKIE
from headrace_web.services import Services

CSRF_COOKIE = "headrace_csrf"


def session_cookies(services: Services, signed_in: SignedIn, *, secure: bool) -> list[Cookie]:
    """The session, which no script reads, and the CSRF token, which our script sends back as a header."""
    age = int(LIFETIME.total_seconds())
    token = services.csrf_token(signed_in.actor.session_id)
    secure = secure or services.secure
    return [
        Cookie(key=COOKIE, value=signed_in.token, httponly=True, samesite="lax", secure=secure, path="/", max_age=age),
        Cookie(key=CSRF_COOKIE, value=token, httponly=False, samesite="lax", secure=secure, path="/", max_age=age),
    ]


def ended_cookies(services: Services) -> list[Cookie]:
    """The same, ended."""
    return [
        Cookie(key=COOKIE, value="", httponly=True, samesite="lax", secure=services.secure, path="/", max_age=0),
        Cookie(key=CSRF_COOKIE, value="", httponly=False, samesite="lax", secure=services.secure, path="/", max_age=0),
    ]
