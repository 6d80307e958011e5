"""A `connector.toml` becomes a connector: what it declares, what is refused with its place, and what its calls do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stamina
from headrace.kits.http.manifest import parse
from headrace.kits.http.pace import retry_after_s
from headrace.sdk import Capability, ConfigError, DataError, Effect, TransientError, parse_config
from headrace.sdk.forms import config_schema
from headrace.testing.http_server import Asked, HttpServer, Reply, http_server, json_reply

TOML = """
id = "tracker"
title = "Tracker"
category = "development"
check = "version"

[auth]
type = "header"
name = "Authorization"
prefix = "token "

[[streams]]
name = "repos"
path = "repos"
columns = { id = "integer", name = "text" }
primary_key = ["id"]

[[streams]]
name = "issues"
path = "repos/{repo}/issues"
params = { state = "all", deep = true }
records = "items"
primary_key = ["repo", "id"]
cursor = "updated"
after_param = "since"
ordered = true
pages = { type = "link", next = "next" }
parent = { repo = "repos.name" }
columns = { repo = "text", id = "integer", updated = "timestamp", author = "text at user.login" }

[[actions]]
id = "create_issue"
title = "Create issue"
method = "POST"
path = "repos/{repo}/issues"
input = { repo = "text", title = "text", weight = "integer", notify = "boolean" }
query = ["notify"]
required = ["repo", "title"]
output = { id = "integer", url = "text" }

[[actions]]
id = "pay"
title = "Pay"
method = "POST"
path = "pay"
input = { amount = "float" }
idempotency_header = "Idempotency-Key"

[[actions]]
id = "close_issue"
title = "Close issue"
method = "DELETE"
path = "issues/{id}"
effect = "delete"
input = { id = "integer" }
required = ["id"]

[[triggers]]
id = "issue_updated"
title = "Issue updated"
stream = "issues"
every_s = 60
"""
PYTHON = """
from typing import Annotated
from headrace.kits.http import rest_manifest
from headrace.sdk import Config, Field, Secret

class TrackerConfig(Config, kw_only=True):
    token: Annotated[Secret, Field("Token")]
    base_url: Annotated[str, Field("Server")] = ""

MANIFEST = rest_manifest(__name__, TrackerConfig)
"""


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    package = tmp_path / "tracker_package"
    package.mkdir()
    (package / "connector.toml").write_text(TOML)
    (package / "__init__.py").write_text(PYTHON)
    monkeypatch.syspath_prepend(str(tmp_path))
    import tracker_package  # type: ignore[import-not-found]

    yield tracker_package.MANIFEST
    del sys.modules["tracker_package"]
    from headrace.kits.http.manifest import declared

    declared.cache_clear()


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server(lambda _: json_reply({})) as running:
        yield running


@pytest.fixture
def connector(manifest: Any, server: HttpServer) -> Iterator[Any]:
    made = manifest.factory.load()(parse_config(manifest.config, {"token": "s3cret-token", "base_url": server.url}))
    yield made
    made.close()


def test_the_manifest_says_what_the_file_declares(manifest: Any) -> None:
    assert (manifest.id, manifest.capabilities) == ("tracker", {Capability.READ, Capability.INCREMENTAL})
    assert [(action.id, action.effect) for action in manifest.actions] == [
        ("create_issue", Effect.CREATE), ("pay", Effect.CREATE), ("close_issue", Effect.DELETE),
    ]  # fmt: skip
    assert [(trigger.id, trigger.stream, trigger.every_s) for trigger in manifest.triggers] == [
        ("issue_updated", "issues", 60)
    ]
    form = config_schema(manifest.actions[0].input)
    assert form["required"] == ["repo", "title"]
    assert form["properties"]["repo"]["title"] == "Repo"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('primary_key = ["id"]', 'primry_key = ["id"]', r"streams\[0\].*primry_key"),
        ('primary_key = ["id"]', 'primary_key = ["key"]', r"streams\[0\]: 'key' is not one of its columns"),
        ('name = "text" }', 'name = "string" }', r"streams\[0\]: column 'name' has the type 'string'; known"),
        ('type = "header"', 'type = "magic"', r"auth.*magic"),
        ('pages = { type = "link", next = "next" }', 'pages = { type = "token", token_param = "t" }',
         r"streams\[1\]: the token is found either at 'next' or at 'last'"),
        ('repo = "repos.name"', 'repo = "repo.name"', r"streams\[1\]\.parent: there is no other stream 'repo'"),
        ('path = "repos/{repo}/issues"\nparams', 'path = "issues"\nparams',
         r"streams\[1\]: the path 'issues' must hold"),
        ('required = ["repo", "title"]', 'required = ["title"]', r"actions\[0\]: 'repo' is part of the path"),
        ('query = ["notify"]', 'query = ["nobody"]', r"actions\[0\]: 'nobody' is not one of its inputs"),
        ('effect = "delete"', 'effect = "explode"', r"actions\[2\]\.effect.*explode"),
        ('stream = "issues"', 'stream = "repos"', r"triggers\[0\]: there is no stream 'repos' with a cursor"),
        ('name = "issues"', 'name = "repos"', r"streams: 'repos' is there twice"),
        ("[auth]", "[auth", "is no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_named_with_its_place(old: str, new: str, said: str) -> None:
    assert old in TOML
    parse(TOML)
    with pytest.raises(ConfigError, match=rf"connector\.toml.*{said}"):
        parse(TOML.replace(old, new, 1))


def test_a_config_without_the_secret_is_refused(manifest: Any) -> None:
    from headrace.kits.http.manifest import _check_config

    with pytest.raises(ConfigError, match="has no Secret 'key'"):
        _check_config(parse(TOML.replace('prefix = "token "', 'field = "key"')), manifest.config)


def test_there_are_at_most_fifteen_kinds_of_parts() -> None:
    from headrace.kits.http import parts

    kinds = [kind for kind in vars(parts).values() if isinstance(kind, type) and issubclass(kind, parts.Part)]
    assert len(set(kinds) - {parts.Part, parts.Kind, parts.Declaration}) == 15


ISSUES = {
    "a b/c": [{"id": 1, "updated": "2026-01-01T00:00:00Z", "user": {"login": "ann"}}],
    "d": [{"id": 1, "updated": "2026-01-02T00:00:00Z"}, {"id": 2, "updated": "2026-01-03T00:00:00Z", "user": None}],
}


def tracker(asked: Asked) -> Reply:
    if asked.path == "/repos":
        return json_reply([{"id": number, "name": name} for number, name in enumerate(ISSUES)])
    if asked.path == "/repos/a%20b%2Fc/issues":
        return json_reply({"items": ISSUES["a b/c"], "next": None})
    items, more = ISSUES["d"], "/repos/d/issues?cursor=2"
    at = int(asked.query.get("cursor", 1)) - 1
    return json_reply({"items": items[at : at + 1], "next": more if at == 0 else None})


def rows(connector: Any, name: str, **asked: Any) -> list[dict[str, Any]]:
    return [row for frame in connector.read(connector.stream(name), **asked) for row in frame.to_dicts()]


def test_children_are_read_for_each_row_of_their_parent(connector: Any, server: HttpServer) -> None:
    server.answer = tracker
    read = rows(connector, "issues")
    assert [(row["repo"], row["id"], row["author"]) for row in read] == [
        ("a b/c", 1, "ann"),
        ("d", 1, None),
        ("d", 2, None),
    ]
    assert server.asked[1].query == {"state": "all", "deep": "true"}
    assert {asked.headers["authorization"] for asked in server.asked} == {"token s3cret-token"}
    assert [stream.name for stream in connector.discover()] == ["issues", "repos"]


def test_an_ordered_stream_is_held_to_it(connector: Any, server: HttpServer) -> None:
    server.answer = tracker
    later = rows(connector, "issues", after="2026-01-01T00:00:00Z")
    assert [(row["repo"], row["id"]) for row in later] == [("d", 1), ("d", 2)]
    assert server.asked[1].query["since"] == "2026-01-01T00:00:00Z"
    late = [{"id": 1, "updated": "2026-02-01T00:00:00Z"}, {"id": 2, "updated": "2026-01-05T00:00:00Z"}]
    server.answer = lambda asked: json_reply([{"id": 1, "name": "d"}] if asked.path == "/repos" else {"items": late})
    with pytest.raises(DataError, match="out of order"):
        rows(connector, "issues", after="2026-01-01T00:00:00Z")


def act(connector: Any, manifest: Any, name: str, **given: Any) -> Any:
    action = next(action for action in manifest.actions if action.id == name)
    return connector.act(name, parse_config(action.input, given), key="execution:node:1")


def test_an_action_sends_what_it_declares(connector: Any, manifest: Any, server: HttpServer) -> None:
    server.answer = lambda _: json_reply({"id": 7, "url": None, "more": 1}, 201)
    made = act(connector, manifest, "create_issue", repo="a/../b c", title="T", notify=False)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/repos/a%2F..%2Fb%20c/issues", {"notify": "false"})
    assert asked.json() == {"title": "T"}
    assert asked.headers["content-type"] == "application/json"
    assert msgspec.to_builtins(made) == {"id": 7, "url": None}


@pytest.mark.parametrize("repo", ["", ".", ".."])
def test_an_input_that_would_change_the_path_is_refused(
    repo: str, connector: Any, manifest: Any, server: HttpServer
) -> None:
    with pytest.raises(ConfigError, match="cannot be part of a path"):
        act(connector, manifest, "create_issue", repo=repo, title="T")
    assert server.asked == []


@pytest.mark.parametrize(
    ("action", "given", "status", "requests"),
    [
        ("create_issue", {"repo": "a", "title": "T"}, 503, 1), ("create_issue", {"repo": "a", "title": "T"}, 429, 4),
        ("pay", {"amount": 1.5}, 503, 4), ("close_issue", {"id": 3}, 503, 4),
    ],
)  # fmt: skip
def test_only_what_may_be_repeated_is_repeated(
    action: str, given: dict[str, Any], status: int, requests: int, connector: Any, manifest: Any, server: HttpServer
) -> None:
    server.answer = lambda _: json_reply({"message": "busy"}, status)
    with pytest.raises(TransientError, match="busy"):
        act(connector, manifest, action, **given)
    assert len(server.asked) == requests
    if action == "pay":
        assert {asked.headers["idempotency-key"] for asked in server.asked} == {"execution:node:1"}


def test_a_refused_action_is_about_its_data(connector: Any, manifest: Any, server: HttpServer) -> None:
    server.answer = lambda _: json_reply({"errors": [{"message": "title is taken by s3cret-token"}]}, 422)
    with pytest.raises(DataError, match=r"422: title is taken by \*\*\*"):
        act(connector, manifest, "create_issue", repo="a", title="T")
    server.answer = lambda _: json_reply({"id": "seven"})
    with pytest.raises(DataError, match="has not the declared form"):
        act(connector, manifest, "create_issue", repo="a", title="T")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("5", lambda wait: wait == 5), ("0.5", lambda wait: wait == 0.5), ("-1", lambda wait: wait == 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", lambda wait: wait == 0),
        ("soon", lambda wait: wait is None), ("", lambda wait: wait is None),
        ("Wed, 21 Oct 2099 07:28:00 GMT", lambda wait: wait is not None and wait > 1e9),
        ("nan", lambda wait: wait is None), ("inf", lambda wait: wait is None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(text: str, good: Callable[[float | None], bool]) -> None:
    assert good(retry_after_s(text))
