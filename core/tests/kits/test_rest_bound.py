"""A connection's credentials stay with its host: no redirect, link or address of an answer takes them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import pytest
from headrace.kits.http.auth import SignIn
from headrace.kits.http.parts import Auth, BasicAuth, BearerAuth, HeaderAuth
from headrace.kits.http.session import Session
from headrace.sdk import Config, ConfigError, Field, Secret
from headrace.sdk.egress_http import EgressClient
from headrace.testing.http_server import HttpServer, Reply, http_server

CANARY = "canary-of-a-service"


class Given(Config):
    """Values of the sign-in."""

    user: Annotated[str, Field("User")] = "u"
    token: Annotated[Secret, Field("Token")] = Secret(CANARY)


KINDS = (
    BearerAuth(field="token"), HeaderAuth(name="X-Own-Key", field="token"),
    BasicAuth(user="user", password="token"),
)  # fmt: skip


@pytest.fixture
def own() -> Iterator[HttpServer]:
    with http_server(lambda _: Reply(b"{}"), "127.0.0.1") as server:
        yield server


@pytest.fixture
def other() -> Iterator[HttpServer]:
    with http_server(lambda _: Reply(b"{}"), "127.0.0.2") as server:
        yield server


def session(server: HttpServer, auth: Auth) -> Session:
    client = EgressClient()
    return Session(server.url, SignIn(auth, Given(), client), client, headers={"X-More": CANARY})


@pytest.mark.parametrize("auth", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_no_credentials_along(own: HttpServer, other: HttpServer, auth: Auth, status: int) -> None:
    own.answer = lambda _: Reply(status=status, headers={"location": f"{other.url}/elsewhere"})
    opened = session(own, auth)
    assert opened.call("GET", opened.url("users")).status == 200
    opened.close()
    assert len(other.asked) == 1
    seen = {name: value for name, value in other.asked[0].headers.items() if name != "host"}
    assert seen.keys() <= {"accept", "accept-encoding", "user-agent", "connection"}
    assert CANARY in str(own.asked[0].headers) or isinstance(auth, BasicAuth)


def test_an_address_of_another_host_is_not_asked_at_all(own: HttpServer, other: HttpServer) -> None:
    opened = session(own, KINDS[0])
    for wrong in (other.url, f"{own.url.replace('127.0.0.1', '127.0.0.2')}/users", own.url.replace("http:", "https:")):
        with pytest.raises(ConfigError, match="another host"):
            opened.call("GET", wrong)
    with pytest.raises(ConfigError):
        opened.url(f"{other.url}/users")
    opened.close()
    assert other.asked == own.asked == []
