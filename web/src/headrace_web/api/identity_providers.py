"""Identity providers of an organization: its owners say by whom one signs in, and with which role."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from headrace.connections import secrets
from headrace.entitlements import service as entitlements
from headrace.identities import entrance
from headrace.identities import service as identities
from headrace.identities.models import IdentityProvider
from headrace.sdk.errors import HeadraceError
from headrace.sdk.forms import config_schema
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType, structs
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.single_sign_on import callback_of
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, page_of, shown
from headrace_web.guards import OF_ACCOUNTS, permission

_OWNER = permission(identities.MANAGE)
Groups = Annotated[dict[str, str], Meta(max_length=200, description="Role by name of a group; the strongest counts.")]
Domains = Annotated[list[str], Meta(max_length=50, description="E-mail domains that it may speak for; `*` is all.")]
Hours = Annotated[int, Meta(ge=identities.SESSION_HOURS[0], le=identities.SESSION_HOURS[1])]


class AuthProviderType(Struct, kw_only=True):
    """A kind of provider that plugins offer; `schema` is the form of its config."""

    id: str
    title: str
    kind: str
    summary: str
    icon: str
    docs: str
    feature: str
    included: bool
    schema: dict[str, Any]


class IdentityProviderOut(Struct, kw_only=True):
    """A configured provider; `callback` is what the other side has to know, `last_refusal` helps who sets it up."""

    id: UUID
    provider: str
    name: str
    default_role: str | None
    group_roles: dict[str, str]
    provisions: bool
    domains: list[str]
    listed: bool
    is_enabled: bool
    session_hours: int
    last_refusal: str
    last_refused_at: datetime | None
    created_at: datetime
    updated_at: datetime
    row_version: int
    callback: str = ""
    config: dict[str, Any] = {}


class IdentityProviderBody(ApiStruct):
    """A new provider. `domains` and `listed` are for platform admins."""

    provider: str
    name: str
    config: dict[str, Any] = {}
    default_role: str | None = None
    group_roles: Groups = {}
    provisions: bool = True
    domains: Domains = []
    listed: bool = False
    is_enabled: bool = True
    session_hours: Hours = 12


class IdentityProviderPatch(ApiStruct):
    """What to change; secrets that the config leaves out stay."""

    name: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    default_role: str | UnsetType | None = UNSET
    group_roles: Groups | UnsetType = UNSET
    provisions: bool | UnsetType = UNSET
    domains: Domains | UnsetType = UNSET
    listed: bool | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET
    session_hours: Hours | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class ProviderTested(Struct, kw_only=True):
    """Whether the other side answers and the config fits."""

    ok: bool
    ms: int
    message: str = ""


class IdentityOut(Struct, kw_only=True):
    """Who came by a provider, and whose account that is."""

    id: UUID
    user_id: UUID
    subject: str
    email: str
    groups: list[str]
    ended_at: datetime | None
    last_sign_in_at: datetime | None


class IdentityProvidersController(Controller):
    """Identity providers."""

    path = "/identity-providers"
    opt = OF_ACCOUNTS
    tags = ("identity providers",)

    @get("/types", opt=_OWNER)
    async def list_types(self, ctx: NamedDependency[Context]) -> Envelope[list[AuthProviderType]]:
        """Which kinds there are, and whether the edition has them."""
        async with ctx.transaction() as session:
            features = await entitlements.enabled_features(session)
        kinds = [one.manifest for one in ctx.registry.auth_providers.values() if one.manifest.factory is not None]
        return ok([
            AuthProviderType(
                id=one.id, title=one.title, kind=one.kind, summary=one.summary, icon=one.icon, docs=one.docs,
                feature=one.feature, included=not one.feature or features.get(one.feature, False),
                schema=config_schema(one.config),
            )
            for one in sorted(kinds, key=lambda one: one.title)
        ])  # fmt: skip

    @get("/", opt=_OWNER)
    async def list_providers(self, ctx: NamedDependency[Context]) -> Envelope[list[IdentityProviderOut]]:
        """Configured providers by name, without their configs."""
        async with ctx.transaction() as session:
            rows = await identities.list_(session, ctx.actor)
        return ok([_plain(ctx, row) for row in rows])

    @post("/", opt=_OWNER)
    async def create_provider(
        self, ctx: NamedDependency[Context], data: JSONBody[IdentityProviderBody]
    ) -> Envelope[IdentityProviderOut]:
        """Configure a provider."""
        async with ctx.transaction() as session:
            row = await identities.create(
                session, ctx.actor, ctx.services.signer.ring, ctx.registry, provider=data.provider, name=data.name,
                config=data.config, more=given(data, "provider", "name", "config"),
            )  # fmt: skip
            return ok(await _whole(ctx, session, row))

    @get("/{provider_id:uuid}", opt=_OWNER)
    async def get_provider(
        self, ctx: NamedDependency[Context], provider_id: FromPath[UUID]
    ) -> Envelope[IdentityProviderOut]:
        """One provider; secrets show only whether they are set."""
        async with ctx.transaction() as session:
            return ok(await _whole(ctx, session, await identities.get(session, ctx.actor, provider_id)))

    @patch("/{provider_id:uuid}", opt=_OWNER)
    async def update_provider(
        self, ctx: NamedDependency[Context], provider_id: FromPath[UUID], data: JSONBody[IdentityProviderPatch],
        if_match: IfMatch = None,
    ) -> Envelope[IdentityProviderOut]:  # fmt: skip
        """Change what is given."""
        async with ctx.transaction() as session:
            await identities.get(session, ctx.actor, provider_id)
            version = base_version(if_match, data.row_version, "identity provider")
            row = await identities.update(
                session, ctx.actor, ctx.services.signer.ring, ctx.registry, provider_id, given(data, "row_version"),
                row_version=version,
            )  # fmt: skip
            return ok(await _whole(ctx, session, row))

    @delete("/{provider_id:uuid}", opt=_OWNER, status_code=200)
    async def delete_provider(
        self, ctx: NamedDependency[Context], provider_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove it; members stay."""
        async with ctx.transaction() as session:
            await identities.delete(session, ctx.actor, provider_id)
        return ok({"id": provider_id})

    @post("/{provider_id:uuid}/test", opt=_OWNER, status_code=200)
    async def test_provider(
        self, ctx: NamedDependency[Context], provider_id: FromPath[UUID]
    ) -> Envelope[ProviderTested]:
        """Ask the other side whether the config fits; nobody signs in."""
        started = time.perf_counter()
        async with ctx.transaction() as session:
            row = await identities.get(session, ctx.actor, provider_id)
            config = await identities.open_config(session, ctx.services.signer.ring, row)
        message = ""
        try:
            await entrance.ask(ctx.registry.auth_provider(row.provider), config, lambda one: one.check())
        except HeadraceError as error:
            message = error.message
        return ok(ProviderTested(ok=not message, ms=round((time.perf_counter() - started) * 1_000), message=message))

    @get("/{provider_id:uuid}/identities", opt=_OWNER)
    async def list_identities(
        self, ctx: NamedDependency[Context], provider_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[IdentityOut]]:
        """Who has come by it, latest first."""
        async with ctx.transaction() as session:
            rows, total = await identities.identities_of(
                session, ctx.actor, provider_id, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(IdentityOut, row) for row in rows], total, paging)

    @delete("/{provider_id:uuid}/identities/{identity_id:uuid}", opt=_OWNER, status_code=200)
    async def unlink_identity(
        self, ctx: NamedDependency[Context], provider_id: FromPath[UUID], identity_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Forget whose account it is; the member stays."""
        async with ctx.transaction() as session:
            await identities.unlink(session, ctx.actor, provider_id, identity_id)
        return ok({"id": identity_id})


def _plain(ctx: Context, row: IdentityProvider) -> IdentityProviderOut:
    fields = {name: getattr(row, name) for name in IdentityProviderOut.__struct_fields__ if hasattr(row, name)}
    return IdentityProviderOut(**{**fields, "config": {}, "callback": callback_of(ctx.services, row.id)})


async def _whole(ctx: Context, session: AsyncSession, row: IdentityProvider) -> IdentityProviderOut:
    entry = ctx.registry.auth_providers.get(row.provider)
    stored = await identities.open_config(session, ctx.services.signer.ring, row)
    config = secrets.shown(entry.manifest if entry else None, stored)
    return structs.replace(_plain(ctx, row), config=config)
