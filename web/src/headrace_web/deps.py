"""What handlers ask for: the context of a request."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

from headrace.accounts.permissions import Actor
from headrace.plugins.registry import Registry
from litestar import Request
from litestar.di import Provide
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.envelope import provide_paging
from headrace_web.idempotency import ACCOUNTS, Keyed, keyed_of
from headrace_web.security.browser import SAFE
from headrace_web.services import Services


class Context(Struct, frozen=True):
    """Who asks, and with what we answer; about `accounts` the shared database answers.

    Attributes:
        reads: The request changes nothing: a read replica may answer.
    """

    services: Services
    actor: Actor
    keyed: Keyed | None = None
    accounts: bool = False
    reads: bool = False

    @property
    def request_hash(self) -> str | None:
        """Of a request with an Idempotency-Key."""
        return self.keyed.request_hash if self.keyed else None

    @property
    def organization_id(self) -> UUID:
        """The actor's organization."""
        return self.actor.organization_id

    @property
    def registry(self) -> Registry:
        """What the plugins offer."""
        return self.services.host.registry

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A unit of work of the actor's organization: commits at its end.

        Of a request with an Idempotency-Key, all of them are one, which commits together with the stored answer.
        """
        if self.keyed is not None and self.keyed.session is not None:
            return self.keyed.part()
        if self.reads and self.services.replicas.each:
            return self.services.replicas.reading(self.actor.organization_id, self.actor.user_id)
        return self.services.database.transaction(
            self.actor.organization_id, user_id=self.actor.user_id, here=self.accounts
        )


def provide_services(request: Request[Any, Any, Any]) -> Services:
    """The process's services."""
    services: Services = request.app.state.services
    return services


def provide_context(request: Request[Any, Any, Any]) -> Context:
    """Services and actor; the guard has put the actor there."""
    accounts = bool(request.route_handler.opt.get(ACCOUNTS))
    reads = request.method in SAFE and not accounts
    return Context(request.app.state.services, request.state.actor, keyed_of(request), accounts, reads)


DEPENDENCIES = {
    "services": Provide(provide_services, sync_to_thread=False),
    "ctx": Provide(provide_context, sync_to_thread=False),
    "paging": Provide(provide_paging, sync_to_thread=False),
}
