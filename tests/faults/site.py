"""A client of a stack: calls its API over loopback as a program would, and looks at its tables as an admin would."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import headrace.entitlements.service  # noqa: F401 - who makes users asks it how many there may be
import httpx
import sqlalchemy as sa
from headrace.accounts import service as accounts
from headrace.executions.invariants import check
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from msgspec import Struct

from tests.chaos.stack import Stack

ENDED = frozenset({"completed", "failed", "cancelled", "timed_out"})
WITHIN_S = 60
_PASSWORD = "correct horse battery staple 9"
_OPEN = "select count(*) as n from executions where status not in ('completed', 'failed', 'cancelled', 'timed_out')"


class Account(Struct, frozen=True):
    """An organization's owner."""

    organization_id: UUID
    email: str


async def new_account(stack: Stack) -> Account:
    """Make an organization with an owner and a workspace."""
    database = Database.from_url(stack.urls.app_url.reveal(), pool_size=1)
    async with database.transaction() as session:
        organization = await accounts.create_organization(session, name="Works")
        email = f"owner-{organization.id.hex[-12:]}@example.org"
        user = await accounts.create_user(session, email=email, password=_PASSWORD, full_name="Owner")
        await accounts.add_member(session, organization.id, user.id, "owner")
        found = Account(organization.id, email)
        await session.execute(
            sa.text("insert into workspaces (organization_id, id, name) values (:o, :w, 'W')"),
            {"o": found.organization_id, "w": new_id()},
        )
    await database.close()
    return found


async def until(look: Callable[[], Awaitable[Any] | Any], *, within_s: float = WITHIN_S, what: str = "") -> Any:
    """The first truthy answer of `look`."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = look()
        found = await found if isinstance(found, Awaitable) else found
        if found:
            return found
        await asyncio.sleep(0.03)
    raise AssertionError(f"not within {within_s} s: {what or look}")


class Site:
    """What a test does with a stack. Its folder is one that steps may read and write."""

    def __init__(self, stack: Stack, account: Account, folder: Path) -> None:
        self.stack, self.account, self.folder = stack, account, folder
        self.database = Database.from_url(stack.urls.worker_url.reveal(), pool_size=2, name="tests-faults")
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{stack.port}", timeout=30, trust_env=False)

    async def sign_in(self) -> None:
        """Get a token."""
        body = {"email": self.account.email, "password": _PASSWORD}
        answer = await self.client.post("/api/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        self.client.headers["Authorization"] = f"Bearer {answer.json()['data']['access_token']}"

    async def ready(self) -> bool:
        """Whether the API can serve."""
        try:
            return (await self.client.get("/health/ready", timeout=2)).status_code == 200
        except httpx.TransportError:
            return False

    async def close(self) -> None:
        await self.client.aclose()
        await self.database.close()

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def open(self, name: str = "open") -> None:
        """Let steps go on that wait for this file."""
        (self.folder / name).touch()

    async def post(self, path: str, body: Any = None, *, status: int = 201, **headers: str) -> Any:
        answer = await self.client.post("/api/v1" + path, json=body or {}, headers=headers)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        return answer.json()["data"]

    async def flow(self, *nodes: dict[str, Any], **settings: Any) -> str:
        """A flow of these steps in a row; `in_row` makes one."""
        edges = [
            {"id": f"e{n}", "source": a["id"], "target": b["id"]} for n, (a, b) in enumerate(itertools.pairwise(nodes))
        ]
        canvas = {"nodes": list(nodes), "edges": edges}
        body = {"name": f"F{time.monotonic_ns()}", "status": "active", "definition": canvas, **settings}
        return str((await self.post("/flows", body))["id"])

    async def gated(
        self, *, gate: dict[str, Any] | None = None, write: dict[str, Any] | None = None, **policy: Any
    ) -> str:
        """A flow rows -> gate -> write; `policy` is the gate's: timeout, retry, onError."""
        return await self.flow(
            step("rows", "lab.rows"),
            step("gate", "lab.gate", {"began": self.path("gate"), **(gate or {})}, **policy),
            step("write", "lab.write", {"began": self.path("write"), "target": self.path("target"), **(write or {})}),
        )

    async def start(self, flow_id: str, *, key: str = "") -> str:
        headers = {"Idempotency-Key": key} if key else {}
        return str((await self.post(f"/flows/{flow_id}/execute", status=202, **headers))["id"])

    async def insist(self, flow_id: str, key: str, *, within_s: float = WITHIN_S) -> str:
        """Start, again with the same key until it is answered, as a careful client does."""

        async def ask() -> str | None:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.client.post(f"/api/v1/flows/{flow_id}/execute", headers={"Idempotency-Key": key})
                if answer.status_code == 202:
                    return str(answer.json()["data"]["id"])
                assert answer.status_code in {409, 503}, answer.text
            return None

        return str(await until(ask, within_s=within_s, what="an accepted execution"))

    async def execution(self, execution_id: str) -> dict[str, Any]:
        """As the table has it."""
        (row,) = await self.rows("select * from executions where id = :id", id=execution_id)
        return dict(row._mapping)

    async def ended(self, execution_id: str, *, within_s: float = WITHIN_S) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            found = await self.execution(execution_id)
            return found if found["status"] in ENDED else None

        return dict(await until(look, within_s=within_s, what=f"the end of {execution_id}"))

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """Rows of every organization."""
        async with self.database.transaction() as session:
            return list((await session.execute(sa.text(query), values)).all())

    async def attempts(self, execution_id: str) -> list[str]:
        """Outcomes in order; `open` while one runs."""
        query = "select coalesce(outcome, 'open') as o from segment_attempts where execution_id = :id order by fence"
        return [row.o for row in await self.rows(query, id=execution_id)]

    async def calm(self) -> list[Any]:
        """Wait until everything has ended; what does not hold then."""

        async def look() -> bool:
            self.stack.revive()
            return not (await self.rows(_OPEN))[0].n

        await until(look, what="the end of all executions")
        async with self.database.transaction() as session:
            return await check(session)

    def one_effect(self, execution_id: str) -> None:
        """Its rows were written, once."""
        assert sorted(self.lines("target")) == [f"{execution_id}:write {n}" for n in range(3)]


def step(name: str, kind: str, config: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    """A node of a canvas."""
    return {"id": name, "position": {"x": 0, "y": 0}, "data": {"nodeType": kind, "config": config or {}, **data}}
