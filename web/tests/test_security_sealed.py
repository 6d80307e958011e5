"""Without the master key the system starts sealed: everything but secrets works, and the key opens it in place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from headrace.infra.crypto import generate_key
from headrace.infra.settings import Settings, load_settings
from headrace.testing.processes import until
from headrace_web.app import create_app
from headrace_web.services import open_services

PASSWORD = "canary-pa55word-of-a-connection"
BODY = {
    "name": "Shop",
    "connector": "postgresql",
    "config": {"host": "db.example.org", "database": "d", "user": "u", "password": PASSWORD},
}


@pytest.fixture
async def key(client, admin) -> dict[str, str]:
    """Headers of an API key, which is known without the master key."""
    body = {"name": "probe", "permissions": ["connection:read", "connection:create", "flow:read"]}
    answer = await client.post("/api/v1/api-keys", json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.text
    return {"X-API-Key": answer.json()["data"]["key"]}


@pytest.fixture
async def stored(client, admin) -> str:
    answer = await client.post("/api/v1/connections", json=BODY, headers=admin.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def test_it_starts_sealed_and_opens_when_the_key_comes(
    headrace_settings: Settings, plugin_host, stored: str, key, admin, tmp_path: Path
) -> None:
    file = tmp_path / "master.keys"
    settings = headrace_settings.replace(master_keys=(), master_keys_file=str(file))
    app = create_app(settings, plugin_host)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    base = "http://127.0.0.1:8080"
    async with (
        open_services(settings, plugin_host) as services,
        httpx.AsyncClient(transport=transport, base_url=base) as client,
    ):
        app.state.services = services

        async def one() -> tuple[int, str]:
            answer = await client.get(f"/api/v1/connections/{stored}", headers=key)
            return answer.status_code, answer.json().get("error", {}).get("code", "")

        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "sealed")
        assert "HEADRACE_MASTER_KEYS_FILE" in health.json()["data"]["checks"]["keys"]["message"]
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/api/v1/flows", headers=key)).status_code == 200
        assert (await client.get("/api/v1/connections", headers=key)).status_code == 200
        assert await one() == (503, "SEALED")
        answer = await client.post("/api/v1/connections", json={**BODY, "name": "More"}, headers=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SEALED")
        assert answer.json()["error"]["message"].startswith("the system is sealed: it has no master key; give it")
        assert (await client.get("/api/v1/flows", headers=admin.headers)).json()["error"]["code"] == "SEALED"

        file.write_text(f"# of another installation\n{generate_key()}\n")
        assert await one() == (503, "SEALED")
        health = await client.get("/health")
        assert "another one" in health.json()["data"]["checks"]["keys"]["message"]

        file.write_text(f"{generate_key()},\n{headrace_settings.master_keys[0].reveal()}\n")
        assert await one() == (200, "")
        assert (await client.get("/health")).json()["data"]["checks"]["keys"]["ok"]
        assert (await client.get("/api/v1/flows", headers=admin.headers)).status_code == 200

        file.write_text("not a key\n")
        assert await one() == (200, ""), "the last keys stay"


def test_production_starts_without_a_key() -> None:
    urls = {
        "HEADRACE_DATABASE_URL": "postgresql://a:long-enough-1@127.0.0.1/x",
        "HEADRACE_REDIS_URL": "redis://:long-enough-2@127.0.0.1/0",
    }
    ring = load_settings(urls).key_ring()
    assert ring.sealed
    assert ring.key_ids == ()


@pytest.mark.slow
async def test_a_worker_leaves_sealed_work_waiting_until_the_key_comes(
    client, admin, headrace_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, file, files = headrace_settings, tmp_path / "master.keys", tmp_path / "files"
    files.mkdir()
    (files / "a.csv").write_text("id\n1\n2\n")
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(files))
    settings.home.mkdir(exist_ok=True)

    async def ask(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await client.request(method, f"/api/v1{path}", json=body, headers=admin.headers)
        assert answer.status_code < 300, answer.text
        return dict(answer.json()["data"])

    await ask("POST", "/workspaces", {"name": "W"})
    await ask("POST", "/connections", {"name": "Files", "connector": "local_files", "config": {"root": "."}})
    node = {"id": "n1", "position": {"x": 0, "y": 0},
            "data": {"nodeType": "local_files.read", "config": {"connection": "Files", "stream": "a.csv"}}}  # fmt: skip
    flow = await ask("POST", "/flows", {"name": "F", "definition": {"nodes": [node], "edges": []}})
    execution = await ask("POST", f"/flows/{flow['id']}/execute", {})
    environment = {
        "PATH": os.environ["PATH"], "HEADRACE_HOME": str(settings.home), "HEADRACE_FILE_ROOTS": str(files),
        "HEADRACE_DATABASE_URL": settings.database_url.reveal(), "HEADRACE_WORKER_PROCESSES": "1",
        "HEADRACE_DATABASE_WORKER_URL": settings.database_worker_url.reveal(),
        "HEADRACE_REDIS_URL": settings.redis_url.reveal(), "HEADRACE_MASTER_KEYS_FILE": str(file),
    }  # fmt: skip
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen([sys.executable, "-m", "headrace", "worker"], env=environment, stdout=out, stderr=out)
    try:
        await until(lambda: "segment cannot start; given back" in log.read_text())
        assert "the system is sealed" in log.read_text()
        waiting = await ask("GET", f"/executions/{execution['id']}")
        assert waiting["status"] in {"queued", "running"}
        file.write_text(settings.master_keys[0].reveal())

        async def ended() -> bool:
            return (await ask("GET", f"/executions/{execution['id']}"))["status"] == "completed"

        await until(ended)
    finally:
        worker.terminate()
        worker.wait(30)
