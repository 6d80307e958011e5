"""Each way to sign in and each way to page, against a service that is made of the same declaration."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import jwt
import msgspec
import pytest
import stamina
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from headrace.kits.http import parts
from headrace.kits.http.connector import RestConnector
from headrace.kits.http.manifest import _config, parse
from headrace.kits.http.pace import Pace, budgets_of, limits_of
from headrace.kits.http.signatures import Keys, sigv4
from headrace.sdk import AuthError, ConfigError, TransientError, parse_config
from headrace.testing.http_server import Asked, Reply, http_server, json_reply
from headrace.testing.manifest_server import SECRET, manifest_server

HEAD = """
id = "made"
title = "Made"
category = "development"
base_url = "https://made.example.org"
check = "items"
[config]
%s = { title = "Secret", type = "secret" }
user = { title = "User", default = "me" }
region = { title = "Region", default = "eu-central-1" }
access_key_id = { title = "Key", default = "AKIA" }
client_id = { title = "Client", default = "us" }
token_url = { title = "Token address", default = "" }
base_url = { title = "Server", default = "" }
[auth]
%s
[[streams]]
name = "items"
path = "items"
%s
columns = { id = "integer", name = "text at about.name", at = "timestamp" }
"""


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


def declared(auth: str = 'type = "bearer"', stream: str = "", secret: str = "token") -> parts.Declaration:
    return parse(HEAD % (secret, auth, stream))


@contextmanager
def connector(said: parts.Declaration, config: dict[str, Any]) -> Iterator[RestConnector[Any]]:
    class Made(RestConnector[Any]):
        def declaration(self) -> parts.Declaration:
            return said

    with closing(Made(parse_config(_config(__name__, said), config))) as opened:
        yield opened


def rows(opened: RestConnector[Any], **asked: Any) -> list[dict[str, Any]]:
    return [row for frame in opened.read(opened.stream("items"), **asked) for row in frame.to_dicts()]


WAYS = [
    ('type = "bearer"', "token"), ('type = "header"\nname = "X-Own"\nprefix = "k "', "token"),
    ('type = "query"\nname = "api key"', "token"), ('type = "basic"', "password"), ('type = "oauth2"', "client_secret"),
    ('type = "oauth2"\nclient_auth = "form"', "client_secret"),
]  # fmt: skip


@pytest.mark.parametrize(("auth", "secret"), WAYS)
def test_each_way_to_sign_in_lets_in_who_has_the_secret_and_nobody_else(auth: str, secret: str) -> None:
    said = declared(auth, secret=secret)
    with manifest_server(said) as (service, server):
        with connector(said, service.config()) as opened:
            opened.check()
            assert len(rows(opened)) == 7
        with connector(said, service.config("wrong-but-secret")) as opened, pytest.raises(AuthError) as caught:
            opened.check()
        assert "wrong-but-secret" not in caught.value.message + caught.value.detail
        assert all(SECRET not in asked.path for asked in server.asked)


def test_a_token_that_ends_is_fetched_again() -> None:
    said = declared('type = "oauth2"', 'pages = { type = "page" }', secret="client_secret")
    with manifest_server(said) as (service, server), connector(said, service.config()) as opened:
        service.uses = 2
        assert len(rows(opened)) == 7
        assert sum(asked.path == "/-token" for asked in server.asked) == 2


@pytest.mark.parametrize(
    "pages",
    ['{ type = "page" }', '{ type = "offset", offset_param = "skip" }', '{ type = "link" }',
     '{ type = "link", next = "a.next" }',
     '{ type = "token", token_param = "t", next = "a.t" }',
     '{ type = "token", token_param = "after", last = "id", more = "has_more" }'],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_way_to_page_gives_every_record_once_whatever_is_busy(pages: str, method: str) -> None:
    if method == "POST" and '"link"' in pages:
        pages = pages.replace('"link", next = "a.next"', '"token", token_param = "page.t", next = "a.t"')
        if '"link"' in pages:
            pytest.skip("a link is followed by GET")
    said = declared(stream=f'pages = {pages}\nrecords = "d.items"\nmethod = "{method}"\nbody = {{ q = "all" }}')
    with manifest_server(said) as (service, server), connector(said, service.config()) as opened:
        service.busy = 2
        found = rows(opened)
        assert [row["id"] for row in found] == list(range(1, 8))
        assert found[0]["name"].startswith("text 1")
        if method == "POST":
            assert all(asked.json()["q"] == "all" for asked in server.asked)


def test_columns_that_are_not_declared_are_learned() -> None:
    said = declared(stream='pages = { type = "page" }')
    bare = msgspec.structs.replace(said, streams=(msgspec.structs.replace(said.streams[0], columns={}),))
    with manifest_server(said) as (service, _), connector(bare, service.config()) as opened:
        assert [(column.name, column.type.value) for column in opened.stream("items").columns] == [
            ("id", "integer"), ("about", "json"), ("at", "text"),
        ]  # fmt: skip
        assert len(rows(opened)) == 7


def test_sigv4_signs_as_the_vendor_s_example() -> None:
    """The example `get-vanilla-query-order-key-case` of AWS's own test suite, with its key and date."""
    keys = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    url = "https://example.amazonaws.com/?Param2=value2&Param1=value1"
    made = sigv4("GET", url, b"", keys, "service", "us-east-1", at)
    digest = hashlib.sha256(b"").hexdigest()
    canonical = (f"GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\nx-amz-content-sha256:{digest}\n"
                 f"x-amz-date:20150830T123600Z\n\nhost;x-amz-content-sha256;x-amz-date\n{digest}")  # fmt: skip
    text = f"AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n{_sha(canonical)}"
    key = b"AWS4" + keys.secret.encode()
    for part in ("20150830", "us-east-1", "service", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert made["Authorization"].endswith(f"Signature={hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}")
    assert sigv4("GET", url, b"", Keys("a", "b", "t"), "s3", "r")["x-amz-security-token"] == "t"


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_keyed_hash_covers_the_request() -> None:
    auth = 'type = "hmac"\nheader = "X-Sign"\ntime_header = "X-Time"\nseparator = "."\nprefix = "v1="'
    said = declared(auth, 'params = { b = "ü" }', secret="secret")
    seen: list[Asked] = []

    def answer(asked: Asked) -> Reply:
        seen.append(asked)
        path = f"{asked.path}?b=%C3%BC" if asked.query else asked.path
        text = f"{asked.headers['x-time']}.GET.{path}."
        good = asked.headers["x-sign"] == "v1=" + hmac.new(b"s3cret", text.encode(), hashlib.sha256).hexdigest()
        return json_reply([] if good else {}, 200 if good else 401)

    with http_server(answer) as server, connector(said, {"base_url": server.url, "secret": "s3cret"}) as opened:
        assert rows(opened) == []
        assert abs(int(seen[0].headers["x-time"]) - time.time()) < 60


@pytest.mark.parametrize("grant", ["jwt_bearer", "refresh_token"])
def test_grants_without_a_person(grant: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    forms: list[dict[str, str]] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            from urllib.parse import parse_qsl

            forms.append(dict(parse_qsl(asked.body.decode())))
            return json_reply({"access_token": f"a{len(forms)}", "expires_in": 1, "refresh_token": f"r{len(forms)}"})
        return json_reply([] if asked.headers["authorization"].startswith("Bearer a") else {}, 200)

    secret = "private_key" if grant == "jwt_bearer" else "refresh_token"
    text = HEAD % (secret, f'type = "oauth2"\ngrant = "{grant}"\nscope = "read"', "")
    said = parse(text.replace("user = {", 'client_secret = { title = "S", type = "secret", default = "cs" }\nuser = {'))
    with http_server(answer) as server:
        given = pem.decode() if grant == "jwt_bearer" else "r0"
        config = {"base_url": server.url, "token_url": f"{server.url}/token", secret: given}
        with connector(said, config) as opened:
            rows(opened)
            rows(opened)
    if grant == "refresh_token":
        assert [form["refresh_token"] for form in forms] == ["r0", "r1"], "what rotates is followed"
    else:
        told, audience = forms[0]["assertion"], f"{server.url}/token"
        claims = jwt.decode(told, key.public_key(), algorithms=["RS256"], audience=audience)
        assert (claims["iss"], claims["scope"]) == ("us", "read")


def test_a_connection_that_a_person_connects_asks_its_host() -> None:
    way = 'type = "oauth2"\ngrant = "authorization_code"\nauthorize_url = "https://e.org/a"'
    said = declared(way, secret="client_secret")
    good = ["t2"]

    class Host:
        def wait_s(self, budgets: Any) -> float:
            return 0.0

        def token(self, refused: str = "") -> str:
            return "t2" if refused == "t1" else "t1"

    def answer(asked: Asked) -> Reply:
        fine = asked.headers["authorization"] == f"Bearer {good[0]}"
        return json_reply([] if fine else {}, 200 if fine else 401)

    with http_server(answer) as server, connector(said, {"base_url": server.url, "client_secret": "x"}) as opened:
        with pytest.raises(AuthError, match="nobody has connected"):
            rows(opened)
        opened.host = Host()
        assert rows(opened) == []
        good[0] = "t9"
        with pytest.raises(AuthError, match="refuses the credentials"):
            rows(opened)


def serve(*replies: Reply) -> Any:
    left = list(replies)
    return http_server(lambda _: left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(json_reply({"message": "over quota"}, 403), TransientError), (json_reply({"message": "no"}, 403), AuthError),
     (json_reply({"ok": False, "error": "invalid_auth"}), AuthError), (json_reply({"error": "odd"}), ConfigError),
     (json_reply({}, 403, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"), TransientError)],
)  # fmt: skip
def test_what_a_refusal_means_is_declared(reply: Reply, kind: type[Exception]) -> None:
    errors = 'errors = { "403 quota" = "transient", "200 invalid_auth" = "auth" }\nerror_at = "error"\n[config]'
    said = parse((HEAD % ("token", 'type = "bearer"', "")).replace("[config]", errors))
    with serve(reply) as server, connector(said, {"base_url": server.url, "token": "t"}) as opened, pytest.raises(kind):
        opened.check()


@pytest.mark.parametrize(
    ("headers", "left", "reset"),
    [({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 0, 30),
     ({"ratelimit": "limit=9, remaining=0, reset=7"}, 0, 7),
     ({"ratelimit": '"default";r=3;t=20'}, 3, 20), ({"x-ratelimit-remaining": "x"}, None, None), ({}, None, None)],
)  # fmt: skip
def test_limits_are_read_in_the_forms_there_are(headers: dict[str, str], left: Any, reset: Any) -> None:
    assert limits_of(headers) == (left, reset)


def test_a_service_that_says_that_nothing_is_left_is_left_alone() -> None:
    waits: list[float] = []
    pace = Pace((), lambda: None, waits.append)
    pace.heard({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 40)})
    pace.wait()
    assert 20 < waits[0] <= 40
    pace.heard({"ratelimit-remaining": "0", "ratelimit-reset": "3600"})
    with pytest.raises(TransientError, match="may not be asked") as caught:
        pace.wait()
    assert caught.value.retry_after_s == pytest.approx(3_600, abs=120)


def test_a_budget_lets_a_burst_through_and_then_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000.0]
    monkeypatch.setattr("headrace.kits.http.pace.time.monotonic", lambda: clock[0])

    def pause(seconds: float) -> None:
        clock[0] += seconds

    pace = Pace(budgets_of(0.5, ("4/m",)), lambda: None, pause)
    at = []
    for _ in range(6):
        pace.wait()
        at.append(round(clock[0] - 1_000, 3))
    assert at[:4] == [0, 2, 4, 6]
    assert at[4] == pytest.approx(15)
    assert at[5] == pytest.approx(30)
    assert budgets_of(2.5, ("100/d",)) == ((5, 2), (100, 86_400))
    with pytest.raises(ConfigError, match="the budget 'many' cannot be read"):
        budgets_of(0, ("many",))
