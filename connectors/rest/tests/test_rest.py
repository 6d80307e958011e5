"""The contract against a server on loopback, and what a service may do to us."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest
import stamina
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, DataError, HeadraceError, Reject, TransientError, parse_config
from headrace.testing.connector import ConnectorContract
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply

CITIES = [
    {"id": 1, "name": "Bern", "area": 51.6, "open": True, "tags": ["a", "b"], "at": "2026-01-01T00:00:00Z"},
    {"id": 2, "name": 'Oslo "x"\n', "area": None, "open": False, "tags": [], "at": "2026-01-03T00:00:00+02:00"},
    {"id": 5, "name": "Riga 😀", "area": 304, "open": None, "tags": None, "at": "2026-01-02T00:00:00Z"},
    {"id": 7, "name": "", "area": 1e3, "open": True, "at": "2026-01-04T00:00:00Z"}]  # fmt: skip
TOKEN = "t0ken-of-the-test"


def cities(asked: Asked) -> Reply:
    if asked.headers.get("authorization") != f"Bearer {TOKEN}":
        return json_reply({"message": f"bad credentials {asked.headers.get('authorization')}"}, 401)
    return json_reply(CITIES) if asked.path == "/v1/city" else json_reply({"error": "no such place"}, 404)


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=5, cap=True):
        yield


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server(cities) as running:
        yield running


class TestRest(ConnectorContract):
    connector_id = "rest"
    skip_reasons = {
        "test_after_gives_the_later_rows_in_order": "the cursor is named in the node; test_what_is_new does it"
    }

    @pytest.fixture
    def config(self, server: HttpServer) -> dict[str, Any]:
        return {"base_url": f"{server.url}/v1", "auth": "bearer", "token": TOKEN, "endpoints": ["city"]}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "token": "wrong-but-secret"}


def entry() -> Any:
    return load_plugins(only=["connector-rest"], strict=True).registry.connector("rest")


@pytest.fixture
def open_(server: HttpServer) -> Iterator[Any]:
    made = []

    def opened(**config: Any) -> Any:
        made.append(entry().open({"base_url": server.url, **config}))
        return made[-1]

    yield opened
    for connector in made:
        connector.close()


def rows(
    connector: Any, path: str = "x", reject: Any = None, after: object = None, **said: Any
) -> list[dict[str, Any]]:
    options = parse_config(entry().manifest.read_options, said)
    stream = connector.stream(path, options=options)
    frames = connector.read(stream, options=options, reject=reject, after=after)
    return [row for frame in frames for row in frame.to_dicts()]


PEOPLE = [{"id": number, "name": f"n{number}"} for number in range(7)]


def paged(asked: Asked) -> Reply:
    """All the ways to page, over the same people, three to a page."""
    way, query = asked.path.strip("/"), asked.query
    if way == "number":
        start = (int(query["page"]) - 1) * 3
        return json_reply({"data": {"items": PEOPLE[start : start + 3]}})
    if way == "django" and int(query["page"]) > 3:
        return json_reply({"detail": "Invalid page."}, 404)
    if way == "django":
        return json_reply(PEOPLE[(int(query["page"]) - 1) * 3 :][:3])
    start = int(query.get("from", query.get("offset", query.get("after", "0"))))
    page, end = PEOPLE[start : start + 3], start + 3
    more = end < len(PEOPLE)
    if way == "header":
        link = {"link": f'<{asked.path}?from=0>; rel="first", <?from={end}>; rel="next"'} if more else {}
        return json_reply(page, 200, **link)
    if way == "body":
        return json_reply({"items": page, "links": {"next": f"/body?from={end}" if more else None}})
    if way == "token":
        return json_reply({"items": page, "next": {"token": end if more else ""}})
    return json_reply(page[: int(query.get("limit", 3))])


@pytest.mark.parametrize(
    ("path", "options", "requests"),
    [
        ("number", {"pages": "page", "records": "data.items"}, 4),
        ("django", {"pages": "page"}, 4),
        ("offset", {"pages": "offset"}, 4),
        ("offset", {"pages": "offset", "size_param": "limit", "size": 2}, 5),
        ("header", {"pages": "link"}, 3),
        ("body", {"pages": "link", "next": "links.next", "records": "items"}, 3),
        ("token", {"pages": "token", "next": "next.token", "page_param": "after", "records": "items"}, 3),
    ],
)  # fmt: skip
def test_each_way_to_page_gives_every_record_once(
    path: str, options: dict[str, Any], requests: int, server: HttpServer, open_: Any
) -> None:
    server.answer = paged
    assert rows(open_(), path, columns={"id": "integer", "name": "text"}, **options) == PEOPLE
    assert len(server.asked) == requests


@pytest.mark.parametrize(
    ("answer", "options", "said"),
    [
        ([{"id": 1}], {"pages": "page"}, "page 2 is the same as the one before"),
        ([{"id": 1}], {"pages": "offset"}, "the same as the one before"),
        ({"items": [{"id": 1}], "next": "/x"}, {"pages": "link", "next": "next", "records": "items"}, "has been there"),
        ({"items": [{"id": 1}], "next": "t"}, {"pages": "token", "next": "next", "records": "items"},
         "no new page token"),
        ({"items": [{"id": 1}], "next": "http://127.0.0.9/"}, {"pages": "link", "next": "next", "records": "items"},
         "another host"),
    ],
)  # fmt: skip
def test_a_service_that_goes_in_circles_or_away_is_told(
    answer: Any, options: dict[str, Any], said: str, server: HttpServer, open_: Any
) -> None:
    server.answer = lambda _: json_reply(answer)
    with pytest.raises(ConfigError, match=said):
        rows(open_(), columns={"id": "integer"}, **options)


def test_columns_are_learned_and_a_late_field_is_not_dropped(server: HttpServer, open_: Any) -> None:
    server.answer = lambda _: json_reply(CITIES)
    read = rows(open_())
    assert read[0] == {**CITIES[0], "tags": '["a","b"]'}
    assert read[3]["tags"] is None
    many = [{"id": number} for number in range(1_000)] + [{"id": 1_000, "late": 1}]
    server.answer = lambda _: json_reply(many)
    with pytest.raises(DataError, match="record 1001: the field 'late' is in none of the records looked at before"):
        rows(open_())
    rejected: list[Reject] = []
    assert len(rows(open_(), reject=rejected.extend)) == 1_000
    assert [(reject.row, reject.column, reject.data) for reject in rejected] == [(1001, "late", '{"id":1000,"late":1}')]


ODD = [
    ("integer", "x", "holds \"x\", which is no integer"), ("integer", 2**63, "no integer of 64 bits"),
    ("integer", 1.5, "no integer"),
    ("integer", True, "no integer"), ("text", 5, "declare it as json"), ("text", ["a"], "declare it as json"),
    ("float", "abc", "no number"), ("float", 2**53 + 1, "no number"), ("boolean", 1, "no boolean"),
    ("date", "1.2.2026", "no date"),
    ("timestamp", "2026-01-01T00:00:00", "timestamp_local"),
    ("timestamp_local", "2026-01-01T00:00:00Z", "without a zone"),
    ("decimal(5,2)", 1.234, "no decimal"), ("decimal(5,2)", 1234.5, "no decimal"), ("uuid", "x", "no UUID"),
    ("time", "25:00", "no time"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "said"), ODD)
def test_a_value_that_does_not_fit_is_told_or_rejected(
    kind: str, value: Any, said: str, server: HttpServer, open_: Any
) -> None:
    server.answer = lambda _: json_reply([{"id": 1}, {"id": 2, "v": value}, {"id": 3, "v": None}])
    columns = {"id": "integer", "v": kind}
    with pytest.raises(DataError, match="record 2: column 'v'") as caught:
        rows(open_(), columns=columns)
    assert said in caught.value.message
    rejected: list[Reject] = []
    assert [row["id"] for row in rows(open_(), columns=columns, reject=rejected.extend)] == [1, 3]
    assert json.loads(rejected[0].data) == {"id": 2, "v": value}


def test_values_that_fit_are_exact(server: HttpServer, open_: Any) -> None:
    body = b'[{"d": 0.12345678901234567890, "i": "9223372036854775807", "f": 3, "u": {"n": [1, 2.50]}, '
    body += b'"t": "2026-01-01T02:00:00+02:00"}]'
    server.answer = lambda _: Reply(body)
    columns = {
        "d": "decimal(38,20)",
        "i": "integer",
        "f": "float",
        "t": "timestamp",
        "n": "json at u.n",
        "m": "text at u.x.y",
    }
    (row,) = rows(open_(), columns=columns)
    assert str(row["d"]) == "0.12345678901234567890"
    assert (row["i"], row["f"], row["n"], row["m"]) == (2**63 - 1, 3.0, "[1,2.50]", None)
    assert row["t"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_missing_key_is_told(server: HttpServer, open_: Any) -> None:
    server.answer = lambda _: json_reply([{"id": 1}, {"name": "x"}])
    with pytest.raises(DataError, match="record 2: the key 'id' is missing"):
        rows(open_(), columns={"id": "integer"}, primary_key=["id"])


def test_what_is_new(server: HttpServer, open_: Any) -> None:
    server.answer = lambda _: json_reply(CITIES)
    said: dict[str, Any] = {"columns": {"id": "integer", "at": "timestamp"}, "cursor": "at", "after_param": "since"}
    assert [row["id"] for row in rows(open_(), after="2026-01-01T00:00:00Z", **said)] == [5, 2, 7]
    assert server.asked[-1].query == {"since": "2026-01-01T00:00:00Z"}
    with pytest.raises(ConfigError, match="'after' holds"):
        rows(open_(), after="yesterday", **said)


@pytest.mark.parametrize(
    ("answer", "options", "said"),
    [
        ({"data": {"rows": [], "n": 1}}, {"records": "data.items"}, "at 'items' there is rows, n"),
        ({"data": {"rows": [], "n": 1}}, {"records": "data"}, "there are lists at data.rows"),
        ({"rows": []}, {}, "there are lists at rows"),
        ([], {}, "no records to learn columns from"),
        ([{"id": 1}], {"columns": {"id": "number"}}, "the type 'number'; known are"),
        ([{"id": 1}], {"cursor": "at"}, "'at' is not one of its columns"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_the_answer_are_told(
    answer: Any, options: dict[str, Any], said: str, server: HttpServer, open_: Any
) -> None:
    server.answer = lambda _: json_reply(answer)
    with pytest.raises(ConfigError, match=said):
        rows(open_(), **options)


def test_records_of_an_object_keep_their_keys(server: HttpServer, open_: Any) -> None:
    server.answer = lambda _: json_reply({"paths": {"/a": {"get": 1}, "/b": 2}})
    read = rows(open_(), records="paths", key_column="path")
    assert read == [{"get": 1, "path": "/a", "value": None}, {"get": None, "path": "/b", "value": 2}]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_429_waits_as_long_as_it_is_asked(
    form: str, server: HttpServer, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    stamina.set_testing(False)
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    later = {"seconds": "50", "date": format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)}[form]

    def answer(_: Asked) -> Reply:
        return json_reply([{"id": 1}]) if len(server.asked) > 2 else json_reply({}, 429, Retry_After=later)

    server.answer = answer
    assert rows(open_(), columns={"id": "integer"}) == [{"id": 1}]
    assert len(waits) == 2
    assert all(20 < wait <= 50 for wait in waits)


def test_a_wait_that_is_too_long_is_left_to_the_worker(server: HttpServer, open_: Any) -> None:
    server.answer = lambda _: json_reply({"message": "quota"}, 429, Retry_After="3600")
    with pytest.raises(TransientError, match="429: quota") as caught:
        rows(open_())
    assert caught.value.retry_after_s == 3600
    assert len(server.asked) == 1


def test_a_server_error_is_tried_again_and_then_told(server: HttpServer, open_: Any) -> None:
    server.answer = lambda _: Reply(b"<html>boom</html>", 503)
    with pytest.raises(TransientError, match="503"):
        rows(open_())
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (json_reply({"message": "no"}, 401), AuthError, r"refuses the credentials \(401: no\)"),
        (json_reply({"error": {"message": "scope"}}, 403), AuthError, "403: scope"),
        (json_reply({"detail": "gone"}, 404), ConfigError, "404: gone"),
        (json_reply({"errors": [{"title": "bad filter"}]}, 400), ConfigError, "400: bad filter"),
        (Reply(b"[{\"id\": 1}", 200, {"content-type": "application/json"}), DataError, "that is no JSON"),
        (Reply(b"<html>", 200, {"content-type": "text/html; charset=utf-8"}), DataError,
         "answers with text/html that is no JSON"),
        (Reply(b"[\"\xff\"]"), DataError, "no JSON"),
        (Reply(b"", 304), ConfigError, "304"),
        (Reply(b"", 302, {"location": "http://169.254.169.254/latest/meta-data/"}), ConfigError, "never opened"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_own_error(
    reply: Reply, kind: type[HeadraceError], said: str, server: HttpServer, open_: Any
) -> None:
    server.answer = lambda _: reply
    with pytest.raises(kind, match=said):
        rows(open_(), columns={"id": "integer"})
    assert len(server.asked) == 1


def test_an_oversized_answer_is_cut(server: HttpServer, open_: Any) -> None:
    connector = open_()
    connector.session._client._answer_bytes = 10_000
    server.answer = lambda _: json_reply([{"id": 1, "text": "x" * 20_000}])
    with pytest.raises(DataError, match="larger than 10,000 bytes"):
        rows(connector)


@pytest.mark.parametrize(
    ("config", "header", "value"),
    [
        ({"auth": "bearer", "token": TOKEN}, "authorization", f"Bearer {TOKEN}"),
        ({"auth": "header", "token": TOKEN}, "x-api-key", TOKEN),
        ({"auth": "header", "header": "Authorization", "token": TOKEN}, "authorization", TOKEN),
        ({"auth": "basic", "user": "ann", "password": "pä:ss"}, "authorization", "Basic YW5uOnDDpDpzcw=="),
        ({"auth": "none", "headers": {"X-Version": "2"}}, "x-version", "2"),
    ],
)  # fmt: skip
def test_credentials_are_sent_and_never_shown(
    config: dict[str, Any], header: str, value: str, server: HttpServer, open_: Any
) -> None:
    server.answer = lambda asked: json_reply({"message": f"you sent {asked.headers[header]}\r\nX: 1"}, 403)
    with pytest.raises(AuthError) as caught:
        open_(**config).check()
    assert server.asked[0].headers[header] == value
    if config["auth"] != "none":
        assert value.rpartition(" ")[2] not in str(caught.value) + caught.value.detail
        assert "***" in caught.value.message
    assert "\n" not in caught.value.message


def test_oauth2_fetches_a_token_once_and_again_when_it_is_refused(server: HttpServer, open_: Any) -> None:
    given = iter(["first-token", "second-token"])

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            return json_reply({"access_token": next(given), "expires_in": 3600})
        good = "second-token" if len(server.asked) > 4 else "first-token"
        return json_reply([{"id": 1}]) if asked.headers["authorization"] == f"Bearer {good}" else json_reply({}, 401)

    server.answer = answer
    connector = open_(
        auth="oauth2", token_url=f"{server.url}/token", client_id="me", client_secret="s3cret!", scope="a b"
    )
    for _ in range(4):
        assert rows(connector, columns={"id": "integer"}) == [{"id": 1}]
    tokens = [asked for asked in server.asked if asked.path == "/token"]
    assert len(tokens) == 2
    assert tokens[0].body == b"grant_type=client_credentials&scope=a+b"
    assert tokens[0].headers["authorization"] == "Basic bWU6czNjcmV0JTIx"
    server.answer = lambda _: json_reply({"error": "invalid_client"}, 401)
    with pytest.raises(AuthError, match="gives no token"):
        open_(auth="oauth2", token_url=f"{server.url}/token", client_id="me", client_secret="wrong").check()


def test_an_empty_secret_is_named(open_: Any, server: HttpServer) -> None:
    with pytest.raises(ConfigError, match="'token' is empty"):
        open_(auth="bearer").check()
    assert server.asked == []


@pytest.mark.parametrize("path", ["http://127.0.0.9/", "//127.0.0.9/x", "../admin", "a/../../b", "a\\b", "file:x"])
def test_a_path_does_not_lead_elsewhere(path: str, open_: Any, server: HttpServer) -> None:
    with pytest.raises(ConfigError, match="is no path below"):
        rows(open_(), path)
    assert server.asked == []


def test_requests_keep_their_pace(server: HttpServer, open_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = paged
    connector = open_(requests_per_s=0.5)
    waits: list[float] = []
    clock = time.monotonic
    monkeypatch.setattr("headrace.kits.http.pace.time", SimpleNamespace(monotonic=lambda: clock() + sum(waits)))
    connector.session._pace._pause = waits.append
    rows(connector, "offset", pages="offset", columns={"id": "integer"})
    assert len(server.asked) == 4
    assert len(waits) <= 3, "what passes by itself is not waited for"
    assert all(0 < wait <= 2 for wait in waits)


def test_a_page_at_a_time(server: HttpServer, open_: Any) -> None:
    """Reading stops asking when nobody wants more, and frames respect `batch_rows`."""
    server.answer = paged
    connector, options = (
        open_(),
        parse_config(entry().manifest.read_options, {"pages": "offset", "columns": {"id": "integer"}}),
    )
    frames = connector.read(connector.stream("offset", options=options), options=options, batch_rows=2)
    assert next(frames).height == 2
    assert len(server.asked) == 1
    assert [frame.height for frame in frames] == [1, 2, 1, 1]
