"""Which flows use a connection: told to who may see them, and in the way of deleting it."""

from __future__ import annotations

from typing import Any

API = "/api/v1"
STEP = {
    "id": "a", "type": "step", "position": {"x": 0, "y": 0},
    "data": {"nodeType": "local_files.read", "label": "A", "config": {"connection": "Files", "stream": "a.csv"}},
}  # fmt: skip


async def test_users_are_named_and_keep_it(client: Any, sign_up: Any) -> None:
    owner = await sign_up("owner")

    async def ask(method: str, path: str, body: Any = None, who: Any = owner) -> Any:
        return await client.request(method, API + path, json=body, headers=who.headers)

    await ask("POST", "/workspaces", {"name": "W"})
    link = {"name": "Files", "connector": "local_files", "config": {"root": "."}}
    made = (await ask("POST", "/connections", link)).json()["data"]
    assert made["used_by"] == []
    flow = (await ask("POST", "/flows", {"name": "Reader", "definition": {"nodes": [STEP], "edges": []}})).json()
    users = [{"id": flow["data"]["id"], "name": "Reader"}]
    assert (await ask("GET", f"/connections/{made['id']}")).json()["data"]["used_by"] == users

    keeper = {"name": "Keeper", "permissions": ["connection:read"]}
    role = (await ask("POST", "/roles", keeper)).json()["data"]["id"]
    guest = await sign_up("viewer", owner.organization_id, name="guest")
    member = f"/members/{(await ask('GET', '/auth/me', who=guest)).json()['data']['user']['id']}"
    version = (await ask("GET", member)).json()["data"]["row_version"]
    assert (await ask("PATCH", member, {"role": role, "row_version": version})).status_code == 200
    entered = {"email": guest.email, "password": "correct horse battery staple 9"}
    token = (await client.post(f"{API}/auth/login", json=entered)).json()["data"]["access_token"]
    guest.headers["Authorization"] = f"Bearer {token}"
    assert (await ask("GET", f"/connections/{made['id']}", who=guest)).json()["data"]["used_by"] == []

    refused = await ask("DELETE", f"/connections/{made['id']}")
    assert refused.status_code == 409
    assert "'Files' is used by Reader" in refused.json()["error"]["message"]
    assert (await ask("DELETE", f"/connections/{made['id']}?force=true")).status_code == 200
