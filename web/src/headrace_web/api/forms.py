"""Hosted pages of form triggers: /forms/<key> and /forms/<organization>/<own path>. They work without scripts."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from headrace.executions.state import TERMINAL
from headrace.sdk.errors import HeadraceError, TransientError
from headrace.triggers import answers, forms
from headrace.triggers.form_fields import Upload, origin_of, shown
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from headrace_web import limits
from headrace_web.api.hooks import responded
from headrace_web.guards import PUBLIC, limited
from headrace_web.pages import page
from headrace_web.security.address import client_address
from headrace_web.services import Services

COOKIE = "headrace_form"
TICKET = "_ticket"
BODY_MAX = 32 * 2**20
SEEN_MAX, SENT_MAX, SENT_IN_ALL = 600, 60, 3_000
"""In five minutes: pages that one address sees, and sends of one form; sends of one form by everybody."""
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_EXPIRED = "This page was open too long, or cookies are switched off. Please check your answers and send it again."


class FormsController(Controller):
    """Forms. Each judges its visitors itself."""

    path = "/forms"
    tags = ("forms",)
    opt = {**PUBLIC, **limited("static")}
    include_in_schema = False
    request_max_body_size = BODY_MAX

    @get("/{place:path}")
    async def show(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], place: FromPath[Path],
        token: FromQuery[str] = "",
    ) -> Response[str]:  # fmt: skip
        """The page."""
        try:
            await limits.bounded(services, "this page", f"see|{client_address(request)}", SEEN_MAX)
            form = await _find(request, services, place, token)
        except HeadraceError as error:
            return _sorry(error)
        return _form(request, services, form, {}, {})

    @post("/{place:path}", status_code=200)
    async def send(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], place: FromPath[Path],
        token: FromQuery[str] = "",
    ) -> Response[Any]:  # fmt: skip
        """Start the flow with what was filled in, once for each page."""
        try:
            form = await _find(request, services, place, token)
            await limits.bounded(services, "this form", f"{form.trigger_id}|{client_address(request)}", SENT_MAX)
            await limits.bounded(services, "this form", str(form.trigger_id), SENT_IN_ALL)
            sent = await _sent(request, form)
            ticket = str(sent.pop(TICKET, ""))
            delivery = forms.Tickets(services.vault).redeem(form, request.cookies.get(COOKIE, ""), ticket)
            if delivery is None:
                return _form(request, services, form, sent, {"": _EXPIRED})
            made = await forms.submit(
                services.database, services.flows, services.store, form, delivery_id=delivery, sent=sent,
                remote=client_address(request), agent=request.headers.get("user-agent", "")[:500],
            )  # fmt: skip
            if isinstance(made, forms.Invalid):
                return _form(request, services, form, sent, made.problems)
            return await _thanks(services, form, made)
        except HeadraceError as error:
            return _sorry(error)


async def _find(request: Request[Any, Any, Any], services: Services, place: Path, token: str) -> forms.Form:
    headers = {name.lower(): value for name, value in request.headers.items()}
    where, guess = str(place).strip("/"), {"account": f"form|{place}", "address": client_address(request)}
    tries = "authorization" in headers
    if tries:
        await limits.count_attempt(services, **guess)
    form = await forms.find(services.database, services.host, services.vault, where, headers, token)
    if tries:
        await limits.forget_attempts(services, **guess)
    return form


async def _sent(request: Request[Any, Any, Any], form: forms.Form) -> dict[str, str | Upload]:
    """What the browser sent, of the fields that the form has."""
    found: dict[str, str | Upload] = {}
    given = await request.form()
    for name in (TICKET, *form.schema["properties"]):
        value = given.get(name)
        if isinstance(value, UploadFile):
            found[name] = Upload(value.filename or "", value.content_type or "", await value.read())
        elif value is not None:
            found[name] = str(value)
    return found


def _form(
    request: Request[Any, Any, Any], services: Services, form: forms.Form, sent: dict[str, str | Upload],
    problems: dict[str, str],
) -> Response[str]:  # fmt: skip
    """The page with what was written and what is wrong, under a fresh ticket."""
    visitor = request.cookies.get(COOKIE, "") or secrets.token_urlsafe(16)
    policy = _POLICY
    if form.config.response == "redirect":
        policy += f" {origin_of(form.config.redirect_url)}"
    made = page(
        "hosted_form.html", title=form.config.title, description=form.config.description, button=form.config.button,
        fields=shown(form.schema, sent, problems), problem=problems.get("", ""), wrong=len(problems.keys() - {""}),
        ticket=forms.Tickets(services.vault).issue(form, visitor),
    )  # fmt: skip
    made.status_code = 422 if problems else 200
    made.cookies.append(Cookie(
        key=COOKIE, value=visitor, httponly=True, samesite="strict", secure=services.secure, path="/forms",
        max_age=forms.TICKET_S,
    ))  # fmt: skip
    return _closed(made, policy)


async def _thanks(services: Services, form: forms.Form, made: Any) -> Response[Any]:
    """The answer: a text, another page, or what the flow says."""
    if made.response == "redirect":
        return _closed(Response(b"", status_code=303, headers={"Location": form.config.redirect_url}), _POLICY)
    if made.response == "respond_node":
        state = await answers.wait(
            services.database, services.bus, made.organization_id, made.execution_id, timeout_s=made.wait_s,
            respond=True,
        )  # fmt: skip
        if state["response"] is not None:
            return responded(state["response"])
        if state["status"] in TERMINAL - {"completed"}:
            return _message(form.config.title, "Your answers were received, but could not be dealt with.", 502)
    return _message(form.config.title, form.config.message, 200)


def _sorry(error: HeadraceError) -> Response[str]:
    """What went wrong, as a page."""
    said = error.message[:1].upper() + error.message[1:] + "."
    made = _message("This form is not available", said, error.status if error.status < 500 else 503)
    if isinstance(error, forms.NotLetIn):
        made.headers["WWW-Authenticate"] = 'Basic realm="form", charset="UTF-8"'
    wait_s = error.retry_after_s if isinstance(error, TransientError) else error.details.get("retry_after_s")
    if wait_s:
        made.headers["Retry-After"] = str(max(1, round(wait_s)))
    return made


def _message(title: str, text: str, status: int) -> Response[str]:
    made = page("hosted_message.html", title=title, text=text)
    made.status_code = status
    return _closed(made, _POLICY)


def _closed(made: Response[Any], policy: str) -> Response[Any]:
    """No scripts, no frames, no caches, and no address with a token in a Referer."""
    made.headers.update({
        "Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    })  # fmt: skip
    return made


unversioned = [FormsController]
