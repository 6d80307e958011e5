"""Connecting a connection by a person, against a service that checks PKCE and rotates its refresh tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.connections.service import Vault
from headrace.connections.tokens import fresh
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host
from headrace.sdk import AuthError
from headrace.testing.graph_service import GraphService
from headrace.testing.http_server import http_server
from headrace.testing.oauth_server import OAuthServer, oauth_server

API = "/api/v1/connections"


@pytest.fixture
def service() -> Iterator[OAuthServer]:
    with oauth_server() as (running, _):
        yield running


class Link:
    """A stored connection, and the browser of who connects it."""

    def __init__(self, client: Any, person: Any, service: OAuthServer) -> None:
        self.client, self.person, self.service = client, person, service
        self.id = ""

    async def made(self, connector: str = "rest", **more: Any) -> Link:
        config = more or {
            "base_url": f"{self.service.url}/api", "auth": "oauth2_code", "client_id": self.service.client[0],
            "client_secret": self.service.client[1], "token_url": f"{self.service.url}/token",
            "authorize_url": f"{self.service.url}/authorize", "scope": "read", "endpoints": ["city"],
        }  # fmt: skip
        body = {"name": "By a person", "connector": connector, "config": config}
        answer = await self.client.post(API, json=body, headers=self.person.headers)
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["data"]["id"]
        return self

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        return await self.client.request(method, f"{API}/{self.id}/{path}", headers=self.person.headers, **more)

    async def connect(self) -> Any:
        begun = await self.ask("POST", "oauth/start")
        assert begun.status_code == 200, begun.text
        back = self.service.browse(begun.json()["data"]["location"])
        return await self.client.get(back, headers={"accept": "text/html"})


@pytest.fixture
async def link(client: Any, sign_up: Any, service: OAuthServer) -> Link:
    return await Link(client, await sign_up("owner"), service).made()


async def test_a_person_connects_and_the_connection_reads(link: Link) -> None:
    tested = (await link.ask("POST", "test")).json()["data"]
    assert not tested["ok"]
    assert "nobody has connected 'By a person'" in tested["checks"][-1]["detail"]
    back = await link.connect()
    assert (back.status_code, back.headers["location"]) == (303, f"/connections?connected={link.id}")
    status = (await link.ask("GET", "oauth")).json()["data"]
    assert (status["needed"], status["connected"]) == (True, True)
    shown = await link.ask("GET", "preview?stream=city")
    assert shown.json()["data"]["rows"], shown.text
    text = f"{status}{shown.text}{(await link.client.get(f'{API}/{link.id}', headers=link.person.headers)).text}"
    assert not [token for token in (*link.service.access, link.service.refresh) if token in text]
    gone = await link.ask("DELETE", "oauth")
    assert gone.json()["data"]["connected"] is False


async def test_a_person_connects_a_drive_and_sees_its_files(
    client: Any, sign_up: Any, service: OAuthServer, tmp_path: Path
) -> None:
    """A connector of files, by the flow of its manifest; its service takes the tokens that were given."""
    drive = GraphService(tmp_path)
    drive.access = service.access
    drive.shelf.put("Reports/cities.csv", b"id,name\n1,Bern\n")
    with http_server(drive.answer) as api, http_server(drive.answer) as contents:
        drive.url, drive.other = api.url, contents.url
        link = await Link(client, await sign_up("owner"), service).made(
            "onedrive", client_id=service.client[0], client_secret=service.client[1], folder="Reports",
            authorize_url=f"{service.url}/authorize", token_url=f"{service.url}/token", endpoint=f"{api.url}/v1.0",
        )  # fmt: skip
        begun = (await link.ask("POST", "oauth/start")).json()["data"]["location"]
        assert "scope=offline_access+Files.ReadWrite.All" in begun
        assert (await client.get(service.browse(begun), headers={"accept": "text/html"})).status_code == 303
        assert (await link.ask("POST", "test")).json()["data"]["ok"]
        shown = await link.ask("GET", "preview?stream=cities.csv")
        assert "Bern" in str(shown.json()["data"]["rows"]), shown.text
    assert not drive.wrong


async def test_a_return_is_good_once_and_in_one_browser(link: Link) -> None:
    begun = (await link.ask("POST", "oauth/start")).json()["data"]
    back = link.service.browse(begun["location"])
    stolen = dict(link.client.cookies)
    link.client.cookies.clear()
    refused = await link.client.get(back)
    assert refused.status_code == 424
    assert "another browser" in refused.json()["error"]["message"]
    link.client.cookies.update(stolen)
    assert (await link.client.get(back)).status_code == 424, "who leaked is over, also for the right browser"
    assert (await link.client.get(f"{API}/oauth/callback?state={'0' * 32}x&code=c")).status_code == 424
    assert (await link.ask("GET", "oauth")).json()["data"]["connected"] is False


async def test_a_connection_that_needs_no_person_says_so(link: Link) -> None:
    body = {"name": "Open to all", "connector": "rest", "config": {"base_url": f"{link.service.url}/api"}}
    made = await link.client.post(API, json=body, headers=link.person.headers)
    assert made.status_code == 201, made.text
    link.id = made.json()["data"]["id"]
    status = (await link.ask("GET", "oauth")).json()["data"]
    assert (status["needed"], status["connected"]) == (False, False)


async def test_who_does_not_agree_is_told(link: Link) -> None:
    link.service.agrees = False
    assert (await link.connect()).headers["location"] == "/connections?refused=connection_auth_failed"


async def test_twenty_workers_renew_a_token_once(
    link: Link, headrace_settings: Settings, plugin_host: Host, database: Database
) -> None:
    link.service.lasts_s = 1  # ends at once: every use wants another
    await link.connect()
    link.service.lasts_s = 3_600
    vault, organization_id = Vault(headrace_settings.key_ring()), link.person.organization_id
    both = (database, link.client.app.state.services.database)  # as two processes, each with its own connections
    wanted = (fresh(both[n % 2], vault, plugin_host.registry, organization_id, UUID(link.id)) for n in range(20))
    found = await asyncio.gather(*wanted)
    assert (len(set(found)), link.service.renewed) == (1, 1)
    again = await fresh(database, vault, plugin_host.registry, organization_id, UUID(link.id), refused=found[0])
    assert (again != found[0], link.service.renewed) == (True, 2)
    async with database.transaction(organization_id) as session:
        kept = await session.scalar(sa.text("SELECT tokens FROM connection_tokens"))
    assert again not in kept
    assert link.service.refresh not in kept


async def test_a_revoked_sign_in_is_one_clear_error(
    link: Link, headrace_settings: Settings, plugin_host: Host, database: Database
) -> None:
    link.service.lasts_s = 1
    await link.connect()
    link.service.revoke()
    vault, organization_id = Vault(headrace_settings.key_ring()), link.person.organization_id
    for _ in range(2):
        with pytest.raises(AuthError, match=r"'By a person' is not connected any more: .*connect again"):
            await fresh(database, vault, plugin_host.registry, organization_id, UUID(link.id))
    assert "refuses to renew" in (await link.ask("GET", "oauth")).json()["data"]["problem"]
    link.service.lasts_s = 3_600
    await link.connect()
    assert (await link.ask("POST", "test")).json()["data"]["ok"] is True


async def test_another_address_gets_no_token_of_the_old_one(link: Link) -> None:
    await link.connect()
    config = {
        "base_url": "https://elsewhere.example.org", "auth": "oauth2_code", "client_id": "us",
        "client_secret": "s3cret-of-a-client", "token_url": f"{link.service.url}/token",
        "authorize_url": f"{link.service.url}/authorize",
    }  # fmt: skip
    url = f"{API}/{link.id}"
    version = (await link.client.get(url, headers=link.person.headers)).json()["data"]["row_version"]
    body = {"config": config, "row_version": version}
    changed = await link.client.patch(url, json=body, headers=link.person.headers)
    assert changed.status_code == 200, changed.text
    assert (await link.ask("GET", "oauth")).json()["data"]["connected"] is False
