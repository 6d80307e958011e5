"""A recorded service answers like the real one; a cassette holds no secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from headrace.kits.http import parts
from headrace.kits.http.connector import RestConnector
from headrace.kits.http.manifest import parse
from headrace.sdk import AuthError, Config, HeadraceError, Secret
from headrace.testing.cassette import Cassette, player, recorder
from headrace.testing.manifest_server import SECRET, ManifestServer, manifest_server

TOML = """
id = "shop"
title = "Shop"
category = "business_apps"
base_url = "https://shop.example.org"
check = "ping"
[auth]
type = "query"
name = "api_key"
[[streams]]
name = "orders"
path = "orders"
records = "data"
pages = { type = "link", next = "next" }
columns = { id = "integer", name = "text" }
"""
SAID: parts.Declaration = parse(TOML)


class ShopConfig(Config):
    """How to reach it."""

    base_url: str
    token: Secret


class Shop(RestConnector[ShopConfig]):
    """As declared."""

    def declaration(self) -> parts.Declaration:
        return SAID


@pytest.fixture
def service() -> Iterator[ManifestServer]:
    with manifest_server(SAID) as (made, _):
        yield made


def rows(url: str, token: str = SECRET) -> list[dict[str, Any]]:
    with closing(Shop(ShopConfig(url, Secret(token)))) as opened:
        opened.check()
        return [row for frame in opened.read(opened.stream("orders")) for row in frame.to_dicts()]


def test_what_was_recorded_is_answered_again(service: ManifestServer, tmp_path: Path) -> None:
    service.rows["orders"][0]["name"] = f"an answer with {SECRET} in it"
    file = tmp_path / "shop.json"
    with recorder(Cassette(file, [SECRET]), service.url) as server:
        real = rows(server.url)
    assert len(real) == 7
    text = file.read_text()
    assert SECRET not in text
    assert service.url not in text
    assert "authorization" not in text
    with player(Cassette(file, ["another-secret"])) as server:
        assert rows(server.url, "another-secret") == [{**real[0], "name": "an answer with *** in it"}, *real[1:]]


def test_what_was_not_recorded_fails(service: ManifestServer, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    with recorder(Cassette(file, [SECRET, "wrong-secret"]), service.url) as server, pytest.raises(AuthError):
        rows(server.url, "wrong-secret")
    assert "wrong-secret" not in file.read_text()
    with player(Cassette(file, [])) as server, pytest.raises(HeadraceError, match="not on the cassette"):
        rows(server.url)
