"""Pages: the shell of the canvas, sign in, set up, and static files."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from headrace_web import assets

_templates = Environment(loader=PackageLoader("headrace_web"), autoescape=True, undefined=StrictUndefined)
_SHELL = [
    "/",
    "/flows",
    "/flows/{flow_id:str}",
    "/executions",
    "/executions/{execution_id:str}",
    "/connections",
    "/approvals",
    "/approvals/{wait_id:str}",
]


def _page(name: str, **values: Any) -> Response[str]:
    return Response(
        _templates.get_template(name).render(**values), media_type="text/html", headers={"Cache-Control": "no-cache"}
    )


@get(_SHELL, include_in_schema=False, sync_to_thread=False)
def shell() -> Response[str]:
    """Every page of the canvas; it asks the API who we are."""
    built = assets.entry()
    return _page("shell.html", entry=built) if built else _page("unbuilt.html")


@get("/login", include_in_schema=False, sync_to_thread=False)
def login() -> Response[str]:
    """Sign in."""
    fields = [("email", "E-mail", "email", "username"), ("password", "Password", "password", "current-password")]
    return _page(
        "form.html",
        title="Sign in",
        text="Welcome back.",
        action="/api/v1/auth/login",
        fields=fields,
        button="Sign in",
        token="",
    )


@get("/setup", include_in_schema=False, sync_to_thread=False)
def setup(token: FromQuery[str] = "") -> Response[str]:
    """Make the first account."""
    fields = [
        ("full_name", "Your name", "text", "name"), ("email", "E-mail", "email", "username"),
        ("password", "Password (12 characters or more)", "password", "new-password"),
    ]  # fmt: skip
    text = "The first account owns this install. The link works once."
    return _page(
        "form.html",
        title="Create your account",
        text=text,
        action="/api/v1/setup",
        fields=fields,
        button="Create",
        token=token,
    )


@get("/static/{name:path}", include_in_schema=False, sync_to_thread=False)
def static(name: FromPath[str]) -> Response[bytes]:
    """A file of the UI; built ones carry a hash in their name and never change."""
    path = assets.find(str(name).lstrip("/"))
    if path is None:
        raise NotFoundException
    age = "public, max-age=31536000, immutable" if "assets" in path.parts else "no-cache"
    return Response(path.read_bytes(), media_type=assets.media_type(path), headers={"Cache-Control": age})


route_handlers = [shell, login, setup, static]
