"""What the hosted pages of triggers share: who may see one, how often, and answers that no other page can use."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from headrace.sdk.errors import HeadraceError, TransientError
from headrace.triggers import hosted
from litestar import Request, Response
from litestar.datastructures import Cookie

from headrace_web import limits
from headrace_web.pages import page
from headrace_web.security.address import client_address
from headrace_web.services import Services

COOKIE = "headrace_form"
TICKET = "_ticket"
SEEN_MAX, SENT_MAX, SENT_IN_ALL = 600, 60, 3_000
"""In five minutes: pages that one address sees, and sends to one page; sends to one page by everybody."""
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
EXPIRED = "This page was open too long, or cookies are switched off. Please check what you wrote and send it again."


class Visit:
    """A call of a hosted page.

    Attributes:
        page: What the visitor sees; filled by `open`.
    """

    page: hosted.Hosted

    def __init__(self, request: Request[Any, Any, Any], services: Services, mode: hosted.Mode) -> None:
        self.request, self.services, self.mode = request, services, mode
        self.address = client_address(request)
        self.agent = request.headers.get("user-agent", "")[:500]
        self._visitor = request.cookies.get(COOKIE, "")

    async def open(self, place: Path, token: str, *, sends: bool) -> hosted.Hosted:
        """The page at an address, if this visitor may see it; bounded by how often it comes, or `sends`.

        Raises:
            NotFound, NotLetIn: it is not there, or not for this visitor.
            RateLimited: too often.
        """
        if not sends:
            await limits.bounded(self.services, "this page", f"see|{self.address}", SEEN_MAX)
        self.page = await self._found(place, token)
        if sends:
            what = f"this {self.mode}"
            await limits.bounded(self.services, what, f"{self.page.trigger_id}|{self.address}", SENT_MAX)
            await limits.bounded(self.services, what, str(self.page.trigger_id), SENT_IN_ALL)
        return self.page

    async def _found(self, place: Path, token: str) -> hosted.Hosted:
        headers = {name.lower(): value for name, value in self.request.headers.items()}
        where, guess = str(place).strip("/"), {"account": f"{self.mode}|{place}", "address": self.address}
        tries = "authorization" in headers
        if tries:
            await limits.count_attempt(self.services, **guess)
        of = self.services
        found = await hosted.find(of.database, of.host, of.vault, where, headers, token, mode=self.mode)
        if tries:
            await limits.forget_attempts(self.services, **guess)
        return found

    def redeem(self, ticket: str) -> str | None:
        """The id of what was sent; None when the ticket is of another page, browser or day."""
        return hosted.Tickets(self.services.vault).redeem(self.page, self._visitor, ticket)

    def show(self, template: str, *, policy: str = POLICY, status: int = 200, **values: Any) -> Response[str]:
        """The page, under a fresh ticket of this browser."""
        visitor = self._visitor or secrets.token_urlsafe(16)
        config = self.page.config
        made = page(
            template, title=config.title, description=config.description, button=config.button,
            ticket=hosted.Tickets(self.services.vault).issue(self.page, visitor), **values,
        )  # fmt: skip
        made.status_code = status
        made.cookies.append(Cookie(
            key=COOKIE, value=visitor, httponly=True, samesite="strict", secure=self.services.secure,
            path=self.request.url.path[: self.request.url.path.index("/", 1)], max_age=hosted.TICKET_S,
        ))  # fmt: skip
        return closed(made, policy)

    def sorry(self, error: HeadraceError) -> Response[str]:
        """What went wrong, as a page."""
        status = error.status if error.status < 500 else 503
        made = message(f"This {self.mode} is not available", sentence(error), status)
        made.headers.update(told(error, self.mode))
        return made


def told(error: HeadraceError, realm: str) -> dict[str, str]:
    """Headers of an error: how to sign in, when to come again."""
    headers = {}
    if isinstance(error, hosted.NotLetIn):
        headers["WWW-Authenticate"] = f'Basic realm="{realm}", charset="UTF-8"'
    wait_s = error.retry_after_s if isinstance(error, TransientError) else error.details.get("retry_after_s")
    if wait_s:
        headers["Retry-After"] = str(max(1, round(wait_s)))
    return headers


def sentence(error: HeadraceError) -> str:
    """What went wrong, as people read it."""
    return f"{error.message[:1].upper()}{error.message[1:]}."


def message(title: str, text: str, status: int) -> Response[str]:
    """A page that says one thing."""
    made = page("hosted_message.html", title=title, text=text)
    made.status_code = status
    return closed(made, POLICY)


def closed(made: Response[Any], policy: str = POLICY) -> Response[Any]:
    """No scripts, no frames, no caches, and no address with a token in a Referer."""
    made.headers.update({
        "Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    })  # fmt: skip
    return made
