"""Where an organization's work lives: the shared database, or one of its own.

A database has a row for an organization that is not served in it: it is `moving`, or lives `there`, at `place`. Every
transaction of an organization reads that row as it begins, so no process can be wrong about it, whatever it remembers.
Accounts, plans and sign-ins stay in the shared database; `mirror` copies to the others what statements join.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.orm import Mapped, mapped_column

from headrace.infra.models import GlobalModel
from headrace.sdk.errors import ConfigError, TransientError

SHARED = ""
"""The place of the shared database."""
MOVING = "moving"
ELSEWHERE = sa.text("SELECT id, state, place FROM homes WHERE state <> 'here'")
_PLACE = re.compile(r"(?P<name>[a-z][a-z0-9_]{0,62})(@(?P<server>[^@/]{1,200}))?")


class Home(GlobalModel):
    """An organization (`id`) with a database of its own, or on its way to one or back.

    Attributes:
        place: `name`, or `name@host:port` for another server.
        state: `here` until the move begins, `moving` while nothing may change, `there` from then on.
        goal: `own` or `shared`.
        step: What comes next; `done` when the goal is reached.
        note: Why it does not go on, or empty.
    """

    __tablename__ = "homes"

    place: Mapped[str]
    state: Mapped[str] = mapped_column(default="here", server_default="here")
    goal: Mapped[str] = mapped_column(default="own", server_default="own")
    step: Mapped[str] = mapped_column(default="create", server_default="create")
    note: Mapped[str] = mapped_column(default="", server_default="")


class Elsewhere(Struct, frozen=True):
    """What a database says of an organization that it does not serve."""

    state: Literal["moving", "there"]
    place: str


class Moving(TransientError):
    """The organization is on its way to another database; nothing of it may change for now."""


class Unserved(TransientError):
    """The organization lives where this process may not go."""


def moving() -> Moving:
    """The sentence for it."""
    return Moving("the organization is being moved to another database; try again in a minute", retry_after_s=2)


def checked_place(place: str, servers: Sequence[str]) -> str:
    """A place that the operator allows.

    Raises:
        ConfigError: it is none.
    """
    _parts(place, servers)
    return place


def _parts(place: str, servers: Sequence[str]) -> re.Match[str]:
    match = _PLACE.fullmatch(place)
    if match is None:
        raise ConfigError(
            f"'{place}' is no place for a database; write a name of lower case letters, digits and _, or "
            "name@host:port",
            field="place",
        )
    server = match["server"]
    if server and server not in servers:
        raise ConfigError(
            f"the database server '{server}' is not one of HEADRACE_DATABASE_SERVERS; ask the operator to add it",
            field="place",
        )
    return match


def url_at(url: str, place: str, servers: Sequence[str]) -> str:
    """The same role at another place; never sent to a server that the operator did not name, whatever a row says.

    Raises:
        ConfigError: the place is none, or its server is not allowed.
    """
    match = _parts(place, servers)
    parsed = sa.make_url(url).set(database=match["name"])
    if match["server"]:
        host, _, port = match["server"].rpartition(":")
        parsed = parsed.set(host=host or port, port=int(port) if host else 5432)
    return parsed.render_as_string(hide_password=False)
