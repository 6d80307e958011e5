"""T-SEC: secrets planted wherever secrets go are found in nothing that leaves or is stored, save where shown once.

Logs at debug level, what passes through and stays in Valkey, every row of every table, the object store, and the answer
of every reading operation, also of refused requests, are searched, plain and in the usual encodings.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pyotp
import pytest
import redis
from headrace.testing.http_server import Asked, Reply, http_server
from headrace.testing.services import needs, with_database
from psycopg import sql

API = "/api/v1"
MARKER = "harmless-marker-4711"
"""In a name: the search must find it, or it would find nothing."""
WORKER = (
    "from headrace.infra.settings import load_settings; from headrace.worker.timing import Timing; "
    "from headrace.worker.supervisor import main; main(load_settings(), timing=Timing(poll_s=0.1))"
)
CANARIES = {
    "token of a connection": "canary/tok+en=of;a connection-1",
    "password of a connection": "canary-pässword-of-a-database",
    "password of a webhook": "canary-basic-of-a-webhook",
    "secret of a subscription": "whsec_" + base64.b64encode(b"canary-of-a-subscription").decode(),
    "refused": "canary-in-a-refused-request",
}


def forms(secret: str) -> set[bytes]:
    """How it may look elsewhere."""
    raw = secret.encode()
    shapes = [raw, quote(secret, safe="").encode(), quote(secret).encode(), json.dumps(secret)[1:-1].encode(),
              raw.hex().encode(), base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"="),
              secret.encode("utf-16-le")]  # fmt: skip
    shapes += [base64.b64encode(pad + raw)[4:-4] for pad in (b"x", b"xx")]
    return {shape for shape in shapes if len(shape) > 12}


class Hits:
    """What was searched, and where a secret was found."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._forms = {name: forms(secret) for name, secret in secrets.items()}
        self.found: list[str] = []
        self.searched: dict[str, int] = {}
        self.marked: set[str] = set()

    def search(self, place: str, content: bytes | str) -> None:
        raw = content.encode() if isinstance(content, str) else content
        kind = place.partition(" ")[0]
        self.searched[kind] = self.searched.get(kind, 0) + len(raw)
        if MARKER.encode() in raw:
            self.marked.add(kind)
        self.found += [
            f"{name} in {place}" for name, shapes in self._forms.items() if any(one in raw for one in shapes)
        ]


class Monitor:
    """Everything that anybody says to Valkey."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        self.said: list[str] = []
        self._stop = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with self._client.monitor() as monitor, suppress(redis.RedisError, OSError, ValueError):
            while not self._stop:
                self.said.append(monitor.next_command()["command"])

    def end(self) -> None:
        self._stop = True
        self._client.ping()
        self._thread.join(5)
        self._client.close()


@pytest.fixture
def worker(headrace_settings, tmp_path: Path) -> Iterator[Path]:
    """A worker that says all it can; gives its log."""
    settings = headrace_settings
    settings.home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"], "HEADRACE_HOME": str(settings.home), "HEADRACE_LOG_LEVEL": "debug",
        "HEADRACE_DATABASE_URL": settings.database_url.reveal(), "HEADRACE_WORKER_PROCESSES": "1",
        "HEADRACE_DATABASE_WORKER_URL": settings.database_worker_url.reveal(), "HEADRACE_EGRESS_ALLOW": "private",
        "HEADRACE_REDIS_URL": settings.redis_url.reveal(), "HEADRACE_MASTER_KEYS": settings.master_keys[0].reveal(),
    }  # fmt: skip
    file = tmp_path / "worker.log"
    with file.open("wb") as log:
        child = subprocess.Popen([sys.executable, "-c", WORKER], env=environment, stdout=log, stderr=log,
                                 start_new_session=True)  # fmt: skip
    yield file
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGTERM)
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def step(kind: str, connection: str, stream: str) -> dict:
    """A flow of one step that reads."""
    node = {"id": "n1", "position": {"x": 0, "y": 0},
            "data": {"nodeType": kind, "config": {"connection": connection, "stream": stream}}}  # fmt: skip
    return {"nodes": [node], "edges": []}


async def test_no_secret_is_found_where_none_belongs(client, admin, headrace_settings, worker, caplog) -> None:  # noqa: PLR0915 - one story
    caplog.set_level(logging.DEBUG)
    settings, secrets, ids = headrace_settings, dict(CANARIES), {}
    monitor = Monitor(settings.redis_url.reveal())
    once: list[str] = []

    async def ask(method: str, path: str, body: dict | None = None, *, status: int, key: str = "") -> dict:
        headers = {**admin.headers, **({"Idempotency-Key": key} if key else {})}
        answer = await client.request(method, API + path, json=body, headers=headers)
        assert answer.status_code == status, (path, answer.text)
        once.append(answer.text)
        return answer.json().get("data") or answer.json().get("error")

    def reflect(asked: Asked) -> Reply:
        """A hostile service says what it was sent."""
        said = {"message": f"{MARKER} you sent {asked.headers.get('authorization')}", "error": str(asked.headers)}
        return Reply(json.dumps(said).encode(), status=403, headers={"content-type": "application/json"})

    with http_server(reflect, "127.0.0.1") as service:
        token, password = secrets["token of a connection"], secrets["password of a connection"]
        api = {"base_url": service.url, "auth": "bearer", "token": token, "endpoints": ["users"]}
        closed = {"host": "127.0.0.1", "port": 1, "database": "d", "user": "u", "password": password}
        body = {"name": f"Api {MARKER}", "connector": "rest", "config": api}
        ids["connection_id"] = (await ask("POST", "/connections", body, status=201, key="one"))["id"]
        body = {"name": "Database", "connector": "postgresql", "config": closed}
        database = (await ask("POST", "/connections", body, status=201))["id"]
        for one in (ids["connection_id"], database):
            assert not (await ask("POST", f"/connections/{one}/test", {}, status=200))["ok"]
        refused = secrets["refused"]
        for wrong in ({**api, "token": 5, "base_url": refused}, {**api, "tokken": refused}, {"token": refused}):
            await ask("POST", "/connections", {"name": "Wrong", "connector": "rest", "config": wrong}, status=422)

        await ask("POST", "/workspaces", {"name": "W"}, status=201)
        flows = []
        for name, kind, used in (
            (f"Rest {MARKER}", "rest.read", f"Api {MARKER}"),
            ("Sql", "postgresql.read", "Database"),
        ):
            definition = step(kind, used, "users")
            flow = await ask("POST", "/flows", {"name": name, "status": "active", "definition": definition}, status=201)
            flows.append(flow["id"])
        ids["flow_id"] = flows[0]
        body = {"flow_id": flows[0], "authentication": "basic", "configuration": {},
                "secrets": {"username": "u", "password": secrets["password of a webhook"]}}  # fmt: skip
        hook = await ask("POST", "/webhooks", body, status=201)
        ids["webhook_id"] = ids["trigger_id"] = hook["id"]
        place = urlsplit(hook["url"]).path or hook["url"]
        answer = await client.post(place, json={}, auth=("u", secrets["password of a webhook"]))
        assert answer.status_code != 401, answer.text
        answer = await client.post(place, json={}, auth=("u", "wrong"))
        assert answer.status_code == 401, answer.text
        body = {"url": f"{service.url}/told", "events": ["*"], "secret": secrets["secret of a subscription"]}
        told = await ask("POST", "/event-subscriptions", body, status=201)
        ids["subscription_id"] = told["id"]
        body = {"name": "key", "permissions": ["flow:read"]}
        made = await ask("POST", "/api-keys", body, status=201, key="two")
        ids["key_id"], secrets["API key"] = made["id"], made["key"]
        begun = await ask("POST", "/auth/second-factor", {"password": PASSWORD}, status=200)
        secrets["second factor"] = begun["secret"]
        codes = await ask(
            "POST", "/auth/second-factor/confirm", {"code": pyotp.TOTP(begun["secret"]).now()}, status=200
        )
        secrets |= {f"recovery code {n}": code for n, code in enumerate(codes["recovery_codes"])}
        secrets["access token"] = admin.headers["Authorization"].removeprefix("Bearer ")
        secrets["password"] = PASSWORD
        secrets |= {"master key": settings.master_keys[0].reveal()}

        executed = []
        for flow in flows:
            started = await ask("POST", f"/flows/{flow}/execute", {}, status=202)
            executed.append(await _ended(client, admin, started["id"]))
        ids["execution_id"] = executed[0]["id"]
        assert [one["status"] for one in executed] == ["failed", "failed"]
        assert "refuses the credentials" in json.dumps(executed[0]), "the service was asked, and its words were kept"
        assert any(asked.headers.get("authorization") == f"Bearer {token}" for asked in service.asked)

        hits = Hits(secrets)
        shown_once = {"API key", "second factor", "access token", *(name for name in secrets if "recovery" in name)}
        for text in once:
            ours = Hits({name: secret for name, secret in secrets.items() if name not in shown_once})
            ours.search("answers of changes", text)
            hits.found += [one for one in ours.found if "subscription" not in one]
        await _read_all(client, admin, ids, hits)
    monitor.end()
    for command in monitor.said:
        hits.search("valkey said", command)
    _stored_in_valkey(settings.redis_url.reveal(), hits)
    _tables(urlsplit(settings.database_url.reveal()).path.lstrip("/"), hits)
    for path in settings.home.rglob("*"):
        if path.is_file():
            hits.search(f"files {path.relative_to(settings.home)}", path.read_bytes())
    hits.search("logs of the worker", worker.read_bytes())
    hits.search("logs of the api", "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records))

    sizes = ", ".join(f"{place} {size:,} bytes" for place, size in hits.searched.items())
    print(f"\ncanaries: {len(secrets)} secrets planted, {len(hits.found)} found; searched {sizes}")
    assert hits.found == []
    assert hits.marked >= {"answers", "tables", "valkey"}, "the search finds what is there"
    assert all(hits.searched[place] > 1_000 for place in ("answers", "tables", "valkey", "logs"))


async def _ended(client, admin, execution_id: str) -> dict:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        row = (await client.get(f"{API}/executions/{execution_id}", headers=admin.headers)).json()["data"]
        if row["status"] in {"completed", "failed", "cancelled", "timed_out"}:
            return row
        await asyncio.sleep(0.1)
    pytest.fail(f"{row['status']} after 90 s")


async def _read_all(client, admin, ids: dict[str, str], hits: Hits) -> None:
    """Every reading operation of the OpenAPI document."""
    schema = client.app.openapi_schema.to_schema()
    for path, item in schema["paths"].items():
        if "get" not in item or path.endswith("/stream"):
            continue
        where = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "rest"), path)
        answer = await client.get(where, headers=admin.headers)
        hits.search(f"answers {where}", answer.content + str(answer.headers).encode())
    for where in ("/health", "/metrics", f"{API}/connections?q={MARKER}"):
        hits.search(f"answers {where}", (await client.get(where, headers=admin.headers)).content)


def _stored_in_valkey(url: str, hits: Hits) -> None:
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(count=500):
            hits.search("valkey key", key)
            hits.search(f"valkey {key!r}", client.dump(key) or b"")


def _tables(name: str, hits: Hits) -> None:
    """As a dump would have them: every row of every table."""
    with psycopg.connect(with_database(needs("postgres"), name)) as connection:
        tables = connection.execute(
            "select c.oid::regclass::text, c.relname from pg_class c where c.relkind = 'r'"
            " and c.relnamespace = 'public'::regnamespace"
        ).fetchall()
        for _, table in tables:
            query = sql.SQL("select t::text from {} t").format(sql.Identifier(table))
            for (row,) in connection.execute(query):
                hits.search(f"tables {table}", row)
                hits.search(f"tables {table}", row.replace('""', '"').replace("\\\\", "\\"))


PASSWORD = "correct horse battery staple 9"
