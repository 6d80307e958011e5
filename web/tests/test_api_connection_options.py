"""Values to choose from while a connection is filled in: asked of the other side, with what is there so far."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from headrace.testing.services import needs

API = "/api/v1/connections"


async def test_databases_of_a_server_are_offered_before_one_is_chosen(
    client: Any, sign_up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "private")
    url = urlsplit(needs("postgres"))
    owner, other = await sign_up("owner"), await sign_up("owner", name="other")
    config = {"host": url.hostname, "port": url.port or 5432, "user": url.username}
    secret = {"password": url.password or ""}

    async def ask(body: dict[str, Any], who: Any = owner, path: str = "/options") -> Any:
        return await client.post(API + path, json=body, headers=who.headers)

    asked = {"connector": "postgresql", "config": config | secret, "field": "database"}
    found = [one["value"] for one in (await ask(asked)).json()["data"]["options"]]
    assert "postgres" in found
    assert "template1" not in found
    some = (await ask({**asked, "q": "POSTGR"})).json()["data"]["options"]
    assert {"value": "postgres", "label": "postgres"} in some
    assert all("postgr" in one["value"] for one in some)

    stored = {"name": "Shop", "connector": "postgresql", "config": {**config, **secret, "database": "postgres"}}
    made = (await ask(stored, path="")).json()["data"]["id"]
    again = {"connector": "postgresql", "config": {**config, "database": "x"}, "field": "database", "id": made}
    stored_password = {one["value"] for one in (await ask(again)).json()["data"]["options"]}
    assert {"postgres", "headrace"} <= stored_password & set(found), "other tests make and drop theirs meanwhile"
    assert (await ask(again, other)).status_code == 404

    wrong = await ask({**asked, "config": {**config, "password": "s3cret-and-wrong"}})
    if url.password:  # a server that trusts everybody refuses nobody
        assert wrong.status_code == 424
    assert "s3cret-and-wrong" not in wrong.text
    for field, connector in (("host", "postgresql"), ("path", "sqlite"), ("nothing", "postgresql")):
        none = await ask({"connector": connector, "config": {}, "field": field})
        assert none.status_code == 422
        assert "no values to choose from" in none.json()["error"]["message"]
    part = await ask({"connector": "postgresql", "config": {"host": "db"}, "field": "database"})
    assert part.status_code == 422
