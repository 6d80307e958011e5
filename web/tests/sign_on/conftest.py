"""A provider that believes what tests say, and browsers that go there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from headrace.plugins.manager import Host, load_plugins
from headrace.plugins.records import PluginRecord
from headrace.sdk import AuthProvider, AuthProviderManifest, Begun, Config, Profile, Secret, SignInRefused, lazy

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"
ME = f"{__name__}:Paper"


class PaperConfig(Config):
    """What a form asks for."""

    word: Secret = Secret("")


class Paper(AuthProvider[PaperConfig]):
    """Believes what stands on the paper."""

    def check(self) -> None:
        """Nothing to ask."""

    def begin(self, *, state: str, callback: str) -> Begun:
        return Begun(url=f"https://idp.example.org/?state={state}&to={callback}", memory={"kept": "memory"})

    def finish(self, fields: Mapping[str, str], *, memory: Mapping[str, str], callback: str) -> Profile:
        assert memory == {"kept": "memory"}
        return _profile(fields["profile"])

    def sign_in(self, username: str, password: Secret) -> Profile:
        if password.reveal() != "right":
            raise SignInRefused("the name or the password is wrong", detail="wrong on paper")
        return _profile(username)

    def identify(self, headers: Mapping[str, str], *, peer: str) -> Profile:
        return _profile(headers["x-profile"])


def _profile(text: str) -> Profile:
    said = json.loads(text)
    return Profile(**{"email_verified": True, **said, "groups": tuple(said.get("groups", ()))})


@pytest.fixture(scope="session")
def plugin_host() -> Host:
    host = load_plugins()
    kinds = [("paper", "redirect", ""), ("slip", "form", ""), ("badge", "headers", ""), ("seal", "redirect", "sso")]
    offered = [
        AuthProviderManifest(id=id_, title=id_, kind=kind, config=PaperConfig, factory=lazy(ME), feature=feature)
        for id_, kind, feature in kinds
    ]
    record = PluginRecord(name="plugin-auth_paper", module="", distribution="paper", version="1", fingerprint="")
    module = ModuleType("paper")
    module.headrace_auth_providers = lambda: offered  # type: ignore[attr-defined]
    host.add(record, lambda: module)
    assert record.state == "enabled", record.reason
    return host


class World:
    """A provider of an organization, and browsers that go there."""

    def __init__(self, client: Any, owner: Any, provider: dict[str, Any]) -> None:
        self.client = client
        self.owner = owner
        self.id = provider["id"]
        self.path = f"{API}/auth/providers/{self.id}"

    async def away(self, next_: str = "/") -> tuple[str, dict[str, str]]:
        """State and cookie of a browser that was sent away."""
        answer = await self.client.get(f"{self.path}/start", params={"next": next_})
        assert answer.status_code == 303, answer.text
        query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        cookie = re.search(r"headrace_sign_in=([^;]+)", answer.headers["set-cookie"])
        assert cookie
        assert re.search(r"HttpOnly", answer.headers["set-cookie"])
        assert "samesite=lax" in answer.headers["set-cookie"].lower()
        self.client.cookies.clear()
        return query["state"], {"Cookie": f"headrace_sign_in={cookie[1]}"}

    async def back(self, state: str, cookie: dict[str, str], **profile: Any) -> Any:
        params = {"state": state, "profile": json.dumps({"subject": "s-1", **profile})}
        answer = await self.client.get(f"{self.path}/callback", params=params, headers=cookie)
        self.client.cookies.clear()
        return answer

    async def arrive(self, **profile: Any) -> Any:
        return await self.back(*await self.away(), **profile)

    async def me(self, answer: Any) -> dict[str, Any]:
        assert answer.status_code == 303, answer.text
        session = re.search(r"headrace_session=([^;]+)", answer.headers.get("set-cookie", ""))
        assert session, answer.headers
        self.session = {"Cookie": f"headrace_session={session[1]}"}
        return (await self.client.get(f"{API}/auth/me", headers=self.session)).json()["data"]

    async def why(self) -> str:
        """The reason of the last refusal, as owners see it."""
        answer = await self.client.get(f"{API}/identity-providers/{self.id}", headers=self.owner.headers)
        return answer.json()["data"]["last_refusal"]


@pytest.fixture
def world(client, admin):
    async def make(owner=admin, **more: Any) -> World:
        body = {
            "provider": "paper", "name": "Paper", "config": {"word": "canary-of-the-config"},
            "domains": ["example.org"], "group_roles": {"Data": "editor", "ops": "operator"}, **more,
        }  # fmt: skip
        answer = await client.post(f"{API}/identity-providers", json=body, headers=owner.headers)
        assert answer.status_code == 201, answer.text
        assert "canary" not in answer.text
        return World(client, owner, answer.json()["data"])

    return make


@pytest.fixture
def at(client):
    """A world around a provider that a test has made."""
    return lambda owner, provider: World(client, owner, provider)


@pytest.fixture
def refused():
    """Says whether an answer lets nobody in."""

    def check(answer: Any, status: int = 401, code: str = "SIGN_IN_REFUSED") -> None:
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert "headrace_session" not in answer.headers.get("set-cookie", "")

    return check
