"""OpenAPI 3.1 at /schema/openapi.json, and a page of it at /schema that needs no script and nobody else's server."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from headrace import __version__
from jinja2 import Environment
from litestar import Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, OpenAPI, Reference, SecurityScheme
from litestar.types import Method

from headrace_web.guards import ACCESS, PUBLIC, limited
from headrace_web.openapi_errors import Document
from headrace_web.security.browser import HEADER
from headrace_web.security.identity import COOKIE

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ info.title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style nonce="{{ nonce }}">
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
summary{cursor:pointer;padding:.2rem 0}code{font-family:ui-monospace,monospace}
.m{display:inline-block;width:4.5rem;font-weight:600}pre{overflow:auto;padding:.75rem;border:1px solid #8884}
</style></head><body><h1>{{ info.title }} {{ info.version }}</h1>
<p>The document itself: <a href="/schema/openapi.json">/schema/openapi.json</a></p>
{% for tag, operations in groups %}<h2>{{ tag }}</h2>
{% for method, path, one in operations %}<details id="{{ one.operationId }}"><summary><code><span class="m">
{{ method }}</span> {{ path }}</code> {{ one.summary }}</summary>
{% if one.description %}<p>{{ one.description }}</p>{% endif %}
<pre><code>{{ one | tojson(indent=2) }}</code></pre></details>
{% endfor %}{% endfor %}</body></html>""")


class Page(OpenAPIRenderPlugin):
    """The document as one page."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """All operations by tag."""
        groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        for path, item in openapi_schema["paths"].items():
            for method, one in item.items():
                if isinstance(one, dict) and "operationId" in one:
                    groups.setdefault((one.get("tags") or ["other"])[0], []).append((method.upper(), path, one))
        text = _PAGE.render(
            info=openapi_schema["info"], groups=sorted(groups.items()), nonce=request.scope["state"]["csp_nonce"]
        )
        return text.encode()


def operation_id(handler: HTTPRouteHandler, method: Method, _path: list[Any]) -> str:
    """`tag_name_of_the_function`, unique because a tag has one file; the method when a handler takes several."""
    tags = sorted(handler.resolve_tags() or ())
    prefix = f"{tags[0]}_".replace(" ", "_") if tags else ""
    several = len(handler.http_methods) > 1
    return f"{prefix}{handler.handler_name.rpartition('.')[2]}{'_' + str(method).lower() if several else ''}"


class Config(OpenAPIConfig):
    """Makes a document whose operations name their refusals, and say whether anybody may call them."""

    def to_openapi_schema(self) -> OpenAPI:
        """The document, still without its paths."""
        made = super().to_openapi_schema()
        document = Document(**{field.name: getattr(made, field.name) for field in fields(made)})

        def named(handler: HTTPRouteHandler, method: Method, path: list[Any]) -> str:
            id_ = operation_id(handler, method, path)
            if handler.opt.get(ACCESS) == PUBLIC[ACCESS]:
                document.open_to_all.add(id_)
            return id_

        self.operation_id_creator = named
        return document


def openapi_config() -> OpenAPIConfig:
    """Title, security schemes, pages."""
    schemes: dict[str, SecurityScheme | Reference] = {
        "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
        "api_key": SecurityScheme(
            type="apiKey", name="X-API-Key", security_scheme_in="header",
            description="A key of `POST /api-keys`; `Authorization: Bearer` takes it too.",
        ),
        "cookie": SecurityScheme(
            type="apiKey", name=COOKIE, security_scheme_in="cookie",
            description=f"A browser's sign-in; changes also need the header {HEADER}.",
        ),
    }  # fmt: skip
    return Config(
        title="headrace",
        version=__version__,
        path="/schema",
        render_plugins=[Page()],
        components=Components(security_schemes=schemes),
        security=[{"bearer": []}, {"api_key": []}, {"cookie": []}],
        use_handler_docstrings=True,
        openapi_router=Router(
            path="/schema", route_handlers=[], opt={**PUBLIC, **limited("static")}, include_in_schema=False
        ),
    )
