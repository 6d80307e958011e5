"""Finds the handlers: every module of `api`, those of plugins, the WebSocket, and the pages when they are there."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from headrace.plugins.manager import Host
from litestar import Controller, Router

import headrace_web.api
from headrace_web.guards import PUBLIC, limited
from headrace_web.plugin_routes import plugin_routes
from headrace_web.realtime.socket import socket

PREFIX = "/api/v1"


def route_handlers(host: Host) -> list[Any]:
    """All of them. A module of `api` offers its Controller classes; `unversioned` in it also hangs at the root."""
    found: list[Any] = []
    for info in sorted(pkgutil.iter_modules(headrace_web.api.__path__), key=lambda info: info.name):
        module = import_module(f"headrace_web.api.{info.name}")
        roots = getattr(module, "unversioned", [])
        own = [one for one in vars(module).values() if _is_controller(one) and one.__module__ == module.__name__]
        found += [Router(path=PREFIX, route_handlers=[one]) for one in own if one not in roots]
        found += roots
    pages = _pages()
    return [
        *found,
        *plugin_routes(host, PREFIX, [one for one in found if isinstance(one, Router)]),
        socket,
        *([Router(path="/", route_handlers=pages, opt={**PUBLIC, **limited("static")})] if pages else []),
    ]


def _is_controller(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, Controller) and one is not Controller


def _pages() -> list[Any]:
    if find_spec("headrace_web.pages") is None:
        return []
    pages, posts = import_module("headrace_web.pages"), import_module("headrace_web.entrance_posts")
    return [*pages.route_handlers, *posts.route_handlers]
