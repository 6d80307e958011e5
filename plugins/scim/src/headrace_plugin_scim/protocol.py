"""SCIM 2.0 (RFC 7643, 7644) by scim2-server: it reads and writes the protocol, `storage` knows people and groups."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from headrace.feature import open_directory
from headrace.sdk.errors import ConfigError, Conflict, HeadraceError, PreconditionFailed
from headrace_web.sdk import Context
from litestar import Request
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ConflictException,
    EnterpriseUser,
    Error,
    ETag,
    Filter,
    Group,
    InvalidValueException,
    Patch,
    ResourceType,
    SCIMException,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    UniquenessException,
    User,
)
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService

from headrace_plugin_scim.storage import PAGE_MAX, DirectoryStorage

PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[ResourceType.from_resource(User[EnterpriseUser]), ResourceType.from_resource(Group)],
    config=ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=PAGE_MAX),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken, name="API key",
                description="An API key of a service account, as a bearer token.",
            )
        ],
    ),
)  # fmt: skip
SERVICE = ScimService(PROVIDER)
_NOT_THERE = {
    "me": "/Me is not supported: a directory's key is a program's, and no user of the directory; use /Users/{id}",
    "bulk": "/Bulk is not supported, as /ServiceProviderConfig says; send each operation by itself",
}
_TAKEN = frozenset({"userName", "name"})


async def answer(
    ctx: Context, request: Request[Any, Any, Any], provider_id: UUID, place: str, body: bytes
) -> ScimResponse:
    """What the directory gets; nothing stays of a request that fails."""
    asked = ScimRequest(
        method=request.method, base_url=f"{ctx.services.settings.link_base}/api/v1/scim/v2/{provider_id}", path=place,
        query=dict(request.query_params.items()), headers=list(request.headers.items()), body=body,
    )  # fmt: skip
    try:
        async with ctx.transaction() as session:
            directory = await open_directory(session, ctx.actor, ctx.registry, provider_id)
            _refuse_what_is_not_there(place)
            return await AsyncScimHandler(SERVICE, DirectoryStorage(session, directory)).handle(asked)
    except SCIMException as error:
        return SERVICE.error_response(error)
    except HeadraceError as error:
        return SERVICE.error_response(_told(error))


def _refuse_what_is_not_there(place: str) -> None:
    """RFC 7644, 3.11 and 3.12: 501 for `/Me` and for what the ServiceProviderConfig says is not supported."""
    why = _NOT_THERE.get(place.strip("/").partition("/")[0].casefold())
    if why is not None:
        raise SCIMException.from_error(Error(status=501, detail=why))


def _told(error: HeadraceError) -> SCIMException:
    """Our errors in the words of the protocol."""
    if isinstance(error, Conflict) and not isinstance(error, PreconditionFailed):
        taken = error.details.get("field") in _TAKEN
        return (UniquenessException if taken else ConflictException)(detail=error.message)
    if isinstance(error, ConfigError):
        return InvalidValueException(detail=error.message)
    if error.status >= 500:
        raise error
    return SCIMException.from_error(Error(status=error.status, detail=error.message))
