"""Pages: the shell of the canvas, the forms of the entrance, and static files."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from headrace_web import assets, entrance
from headrace_web.entrance_words import language_of, words_of

_PAGE = re.compile(rb"/|(?!/api(/|$))(/[\w.~:-]+)+/?", re.IGNORECASE)
"""What may be an address of a page, as it was sent: other spellings of an address of the API are none."""
_templates = Environment(loader=PackageLoader("headrace_web"), autoescape=True, undefined=StrictUndefined)


def page(name: str, **values: Any) -> Response[str]:
    """A template, filled in."""
    return Response(
        _templates.get_template(name).render(**values), media_type="text/html", headers={"Cache-Control": "no-cache"}
    )


@get(["/", "/{place:path}"], include_in_schema=False, sync_to_thread=False)
def shell(request: Request[Any, Any, Any]) -> Response[str]:
    """Every page of the UI, which knows its own addresses; it asks the API who we are."""
    asked = request.scope.get("raw_path") or request.scope["path"].encode()
    if _PAGE.fullmatch(asked.partition(b"?")[0]) is None:
        raise NotFoundException
    built = assets.entry()
    return page("shell.html", entry=built) if built else page("unbuilt.html")


@get("/static/{name:path}", include_in_schema=False, sync_to_thread=False)
def static(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """A file of the UI; built ones carry a hash in their name and never change."""
    path = assets.find(str(name).lstrip("/"))
    if path is None:
        raise NotFoundException
    age = "public, max-age=31536000, immutable" if "assets" in path.parts else "no-cache"
    body, said = assets.content(path, request.headers.get("accept-encoding", ""))
    return Response(body, media_type=assets.media_type(path), headers={"Cache-Control": age, **said})


def form_page(request: Request[Any, Any, Any], form: entrance.Form, **more: Any) -> Response[str]:
    """A form of the entrance: what is asked for, what was filled in, and what is to be said about it."""
    language = language_of(request.headers.get("accept-language", ""))
    words = words_of(language)
    plain = {"code": False, "values": {}, "said": "", "tone": "", "ways": []}
    spoken = {"language": language, "words": words, "t": lambda text: words.get(text, text)}
    answer = page("form.html", form=form, entry=assets.entry(), **{**plain, **more, **spoken})
    answer.headers["Vary"] = "Accept-Language"
    return answer


def _entrance(path: str, form: entrance.Form) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, sync_to_thread=False)
    def shown(request: Request[Any, Any, Any]) -> Response[str]:
        return form_page(request, form)

    return shown


route_handlers = [shell, static, *(_entrance(path, form) for path, form in entrance.FORMS.items())]
