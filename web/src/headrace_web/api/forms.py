"""Hosted pages of form triggers: /forms/<key> and /forms/<organization>/<own path>. They work without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.executions.state import TERMINAL
from headrace.sdk.errors import HeadraceError
from headrace.triggers import answers, forms
from headrace.triggers.form_fields import Upload, origin_of, shown
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from headrace_web.api.hooks import responded
from headrace_web.guards import PUBLIC, limited
from headrace_web.hosted import EXPIRED, POLICY, TICKET, Visit, closed, message
from headrace_web.services import Services

BODY_MAX = 32 * 2**20


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
        visit = Visit(request, services, "form")
        try:
            form = forms.form_of(await visit.open(place, token, sends=False))
        except HeadraceError as error:
            return visit.sorry(error)
        return _form(visit, form, {}, {})

    @post("/{place:path}", status_code=200)
    async def send(
        self, request: Request[Any, Any, Any], services: NamedDependency[Services], place: FromPath[Path],
        token: FromQuery[str] = "",
    ) -> Response[Any]:  # fmt: skip
        """Start the flow with what was filled in, once for each page."""
        visit = Visit(request, services, "form")
        try:
            form = forms.form_of(await visit.open(place, token, sends=True))
            sent = await _sent(request, form)
            delivery = visit.redeem(str(sent.pop(TICKET, "")))
            if delivery is None:
                return _form(visit, form, sent, {"": EXPIRED})
            made = await forms.submit(
                services.database, services.flows, services.store, form, delivery_id=delivery, sent=sent,
                remote=visit.address, agent=visit.agent,
            )  # fmt: skip
            if isinstance(made, forms.Invalid):
                return _form(visit, form, sent, made.problems)
            return await _thanks(services, form, made)
        except HeadraceError as error:
            return visit.sorry(error)


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


def _form(visit: Visit, form: forms.Form, sent: dict[str, str | Upload], problems: dict[str, str]) -> Response[str]:
    """The page with what was written and what is wrong, under a fresh ticket."""
    leads = form.config.response == "redirect"
    return visit.show(
        "hosted_form.html", policy=f"{POLICY} {origin_of(form.config.redirect_url)}" if leads else POLICY,
        status=422 if problems else 200, fields=shown(form.schema, sent, problems), problem=problems.get("", ""),
        wrong=len(problems.keys() - {""}),
    )  # fmt: skip


async def _thanks(services: Services, form: forms.Form, made: Any) -> Response[Any]:
    """The answer: a text, another page, or what the flow says."""
    if made.response == "redirect":
        return closed(Response(b"", status_code=303, headers={"Location": form.config.redirect_url}))
    if made.response == "respond_node":
        state = await answers.wait(
            services.database, services.bus, made.organization_id, made.execution_id, timeout_s=made.wait_s,
            respond=True,
        )  # fmt: skip
        if state["response"] is not None:
            return responded(state["response"])
        if state["status"] in TERMINAL - {"completed"}:
            return message(form.config.title, "Your answers were received, but could not be dealt with.", 502)
    return message(form.config.title, form.config.message, 200)


unversioned = [FormsController]
