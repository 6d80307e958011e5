"""The installation, for platform admins: registration, keys, and letters that no mail server sends."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from headrace.accounts import letters, recovery
from headrace.infra import datakeys
from headrace.sdk.errors import Conflict
from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, ok, page_of, shown
from headrace_web.guards import OF_ACCOUNTS, permission


class Registration(ApiStruct):
    """Whether strangers may make accounts."""

    registration: Annotated[recovery.Registration, Meta(description="closed: by invitation only.")]


class LetterOut(Struct, kw_only=True):
    """A letter: for whom, about what, and whether it was sent. `void`: there was nobody to tell."""

    id: UUID
    kind: str
    recipient: str
    status: str
    attempts: int
    error: str
    sent_at: datetime | None
    used_at: datetime | None
    created_at: datetime


class LetterText(Struct, kw_only=True):
    """What a letter says, with its one-time link."""

    recipient: str
    subject: str
    text: str
    link: str


class KeysOut(Struct, kw_only=True):
    """How the master keys stand, by their public ids; `headrace keys status` counts what is under which.

    Attributes:
        sealed: Why nothing can be opened; empty when it can.
        current: The key that wraps.
        ring: All keys that this process has.
        known: Those that have wrapped something of this installation since it last rotated.
    """

    sealed: str
    current: str
    ring: list[str]
    known: list[str]


class SystemController(Controller):
    """The installation."""

    path = "/system"
    opt = OF_ACCOUNTS
    tags = ("system",)

    @get("/registration", opt=permission("system:manage"))
    async def get_registration(self, ctx: NamedDependency[Context]) -> Envelope[Registration]:
        """Whether strangers may make accounts."""
        async with ctx.transaction() as session:
            return ok(Registration(registration=await recovery.registration(session)))

    @put("/registration", opt=permission("system:manage"))
    async def put_registration(
        self, ctx: NamedDependency[Context], data: JSONBody[Registration]
    ) -> Envelope[Registration]:
        """Open or close registration."""
        async with ctx.transaction() as session:
            await recovery.set_registration(session, ctx.actor, data.registration)
        return ok(data)

    @get("/keys", opt=permission("system:manage"))
    async def get_keys(self, ctx: NamedDependency[Context]) -> Envelope[KeysOut]:
        """Which master keys there are, and whether the system is sealed."""
        ring = ctx.services.vault.ring
        async with ctx.transaction() as session:
            problem, known = await datakeys.ring_problem(session, ring), await datakeys.known_masters(session)
        return ok(KeysOut(sealed=problem, current=ring.current, ring=list(ring.key_ids), known=known))

    @get("/letters", opt=permission("system:manage"))
    async def list_letters(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[LetterOut]]:
        """Letters of the last 30 days, newest first."""
        async with ctx.transaction() as session:
            rows, total = await letters.list_letters(session, limit=paging.limit, offset=paging.offset)
        return page_of([shown(LetterOut, row) for row in rows], total, paging)

    @post("/letters/{letter_id:uuid}/open", opt=permission("system:manage"), status_code=200)
    async def open_letter(self, ctx: NamedDependency[Context], letter_id: FromPath[UUID]) -> Envelope[LetterText]:
        """Read a letter, to hand it over where no mail server sends it; a link made before is void."""
        async with ctx.services.database.transaction() as session:
            opened = await letters.open_letter(session, letter_id, ctx.services.settings.link_base)
        if opened is None:
            raise Conflict("there is nobody to tell: no account has this address, or the invitation is over")
        return ok(shown(LetterText, opened))
