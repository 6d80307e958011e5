"""The forms of the entrance as a browser without JavaScript posts them; links with a token in their hash need it."""

from __future__ import annotations

from typing import Any

import msgspec
from headrace.accounts import recovery
from headrace.accounts.sign_in import SignedIn
from headrace.sdk.errors import HeadraceError
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from headrace_web import entrance, pages
from headrace_web.api.auth import LoginBody, SecondFactorRequired, SetupBody, set_up, sign_in_with
from headrace_web.api.passwords import ForgotBody, RegisterBody
from headrace_web.guards import ENTRANCE
from headrace_web.limits import count_attempt
from headrace_web.security.address import client_address
from headrace_web.security.cookies import session_cookies
from headrace_web.services import Services

PATHS = ("/login", "/setup", "/forgot-password", "/sign-up")
KEPT = ("email", "full_name", "organization_name")
"""What a page that says no shows again; never a password."""
ASKED = "Your password is right. Type it again with the code of your authenticator app, or a recovery code."


def _handler(path: str, form: entrance.Form) -> HTTPRouteHandler:
    @post(path, opt=ENTRANCE, include_in_schema=False, status_code=200)
    async def posted(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[Any]:
        sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str) and value}
        kept = {name: value for name, value in sent.items() if name in KEPT}
        try:
            signed_in = await _act(path, services, request, sent)
        except SecondFactorRequired:
            return pages.form_page(request, form, values=kept, code=True, said=ASKED, tone="info")
        except (HeadraceError, msgspec.ValidationError) as error:
            said = error.message if isinstance(error, HeadraceError) else "fill in every field as its label asks"
            answer = pages.form_page(request, form, values=kept, code="code" in sent, said=said, tone="error")
            answer.status_code = error.status if isinstance(error, HeadraceError) else 422
            return answer
        if signed_in is None:
            return pages.form_page(request, form, values=kept, said=form.done, tone="ok")
        cookies = session_cookies(services, signed_in, secure=request.url.scheme == "https")
        return Response("", status_code=303, headers={"Location": _next(request)}, cookies=cookies)

    return posted


async def _act(path: str, services: Services, request: Request[Any, Any, Any], sent: dict[str, str]) -> SignedIn | None:
    """What a form asks for; None where nobody is signed in by it."""
    if path == "/login":
        return await sign_in_with(services, request, msgspec.convert({**sent, "kind": "browser"}, LoginBody))
    if path == "/setup":
        token = request.query_params.get("token", "")
        return await set_up(services, request, msgspec.convert({**sent, "token": token}, SetupBody), "browser")
    data: ForgotBody | RegisterBody
    data = msgspec.convert(sent, ForgotBody) if path == "/forgot-password" else msgspec.convert(sent, RegisterBody)
    await count_attempt(services, account=f"letter|{data.email}", address=client_address(request))
    async with services.database.transaction() as session:
        if isinstance(data, RegisterBody):
            await recovery.register(
                session, email=data.email, full_name=data.full_name, organization_name=data.organization_name
            )
        else:
            await recovery.forgot_password(session, email=data.email)
    return None


def _next(request: Request[Any, Any, Any]) -> str:
    """Where to go on: a place of ours only."""
    wanted = str(request.query_params.get("next", ""))
    return wanted if wanted.startswith("/") and wanted[1:2] not in {"/", "\\"} and wanted.isprintable() else "/"


route_handlers = [_handler(path, entrance.FORMS[path]) for path in PATHS]
