"""A page of 50 flows through token, permission and row-level security, beside the same page without any of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx
from headrace.accounts import service as accounts
from headrace.accounts import sign_in
from headrace.accounts.permissions import system_actor
from headrace.accounts.tokens import Signer
from headrace.flows import service as flows
from headrace.infra.crypto import KeyRing, generate_key
from headrace.infra.database import Database
from headrace.sdk.config import Secret
from headrace.testing.services import as_role, fresh_database, needs
from headrace.workspaces import service as workspaces
from headrace_web.api.flows import FlowOut
from headrace_web.envelope import Envelope, Paging, page_of, shown
from litestar import Litestar, get
from msgspec import Struct

CONNECTIONS = 16
PAGE = 50
_BARE, _ORGANIZATION = "HEADRACE_TEST_BARE_URL", "HEADRACE_TEST_ORGANIZATION"


class Speed(Struct, frozen=True):
    """Of one side."""

    per_s: float
    p50_ms: float
    p95_ms: float


def measured(*, seconds: float = 4.0, rounds: int = 3) -> dict[str, Speed]:
    """`guarded` and `bare`, turn about: what else the machine does hits both. Medians of the rounds."""
    with tempfile.TemporaryDirectory() as home, fresh_database(migrated=True) as admin:
        key = generate_key()
        token, organization_id = asyncio.run(_seeded(as_role(admin, "headrace_app"), key))
        own = {
            "HEADRACE_HOME": home, "HEADRACE_DATABASE_URL": as_role(admin, "headrace_app"),
            "HEADRACE_REDIS_URL": needs("redis"), "HEADRACE_MASTER_KEYS": key,
            "HEADRACE_RATE_LIMITS": "user=0/h,route=0/m",  # it is not their speed that is asked for
        }  # fmt: skip
        bare = {**own, _BARE: admin, _ORGANIZATION: organization_id}
        with _server("headrace_web.server:build", own) as ours, _server("tests.bench.flow_list:build", bare) as theirs:
            sides = {"guarded": f"{ours}/api/v1/flows?per_page={PAGE}", "bare": f"{theirs}/flows"}
            work = {name: partial(_asked, url, token) for name, url in sides.items()}
            for one in work.values():
                asyncio.run(one(seconds=1.0))
            times = {name: [] for name in work}
            for _ in range(rounds):
                for name, one in work.items():
                    times[name].append(asyncio.run(one(seconds=seconds)))
            return {name: _speed(several, seconds) for name, several in times.items()}


def _speed(several: list[list[float]], seconds: float) -> Speed:
    ordered = [sorted(each) for each in several]
    at = [[each[int(len(each) * share)] * 1000 for each in ordered] for share in (0.5, 0.95)]
    return Speed(statistics.median(len(each) / seconds for each in ordered), *(statistics.median(each) for each in at))


async def _asked(url: str, token: str, *, seconds: float) -> list[float]:
    """Seconds of each answer, with so many connections that ask again as soon as they are answered."""
    parts = httpx.URL(url)
    asked = (
        f"GET {parts.raw_path.decode()} HTTP/1.1\r\nhost: {parts.netloc.decode()}\r\n"
        f"authorization: Bearer {token}\r\n\r\n"
    ).encode()
    until, times = time.perf_counter() + seconds, []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(parts.host, parts.port)
        while (started := time.perf_counter()) < until:
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            if b" 200 " not in head[:20] or body.count(b'"pipeline_type"') != PAGE:
                raise RuntimeError(f"{url} answered {head[:60]!r} {body[:200]!r}")
            times.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return times


async def _seeded(url: str, key: str) -> tuple[str, str]:
    """Two organizations with 50 flows each. Returns a token of the first one's viewer, and its id."""
    database, signer = Database.from_url(url, pool_size=2), Signer(KeyRing([Secret(key)]))
    try:
        for number in range(2):
            async with database.transaction() as session:
                user = await accounts.create_user(session, email=f"v{number}@example.org", password=None)
                organization = await accounts.create_organization(session, name=f"Bench {number}")
                member = await accounts.add_member(session, organization.id, user.id, "viewer")
                actor = system_actor(organization.id)
                place = await workspaces.create_workspace(session, actor, name="W", description="")
                for one in range(PAGE):
                    await flows.create(session, actor, workspace_id=place.id, name=f"Flow {one}")
                signed_in = await sign_in.open_session(session, signer, user, member, kind="program")
    finally:
        await database.close()
    return signed_in.access_token, str(organization.id)


def build() -> Litestar:
    """The bare application: the same query, rows and answer, as the administrator of the database."""
    actor = system_actor(accounts.UUID(os.environ[_ORGANIZATION]))

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.database = Database.from_url(os.environ[_BARE], pool_size=10)
        yield
        await app.state.database.close()

    app = Litestar([], lifespan=[lifespan], openapi_config=None)

    @get("/flows")
    async def list_flows() -> Envelope[list[FlowOut]]:
        async with app.state.database.transaction() as session:
            rows, total = await flows.list_(session, actor, limit=PAGE)
        return page_of([shown(FlowOut, row) for row in rows], total, Paging(PAGE, 0))

    app.register(list_flows)
    return app


@contextlib.contextmanager
def _server(target: str, environment: dict[str, str]) -> Iterator[str]:
    """Its address; granian with one process, as the API is served."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--no-access-log",
               "--host", "127.0.0.1", "--port", port, target]  # fmt: skip
    process = subprocess.Popen(
        command, env={**kept, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(400):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)
