"""Calls of webhooks that wait for the flow, through the whole stack, beside a bare handler under the same server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import httpx
from headrace.accounts.permissions import system_actor
from headrace.accounts.setup import first_organization
from headrace.cli.first_run import demo_workspace
from headrace.cli.stack import Stack
from headrace.connections.service import Vault
from headrace.flows import files
from headrace.flows import service as flows
from headrace.flows.text import parse
from headrace.infra.crypto import KeyRing
from headrace.infra.database import Database
from headrace.infra.settings import Settings
from headrace.plugins.manager import load_plugins
from headrace.triggers import service as triggers
from litestar import Litestar, post

WARM_UP = 10
BODY = [{"id": 1, "amount": 12.5}, {"id": 2, "amount": 99.0}]
RESPONSES = ("last_node", "respond_node")
"""What the webhook answers with, and so what the flow ends with."""
_ENDS = {
    "last_node": "{id: end, type: transform.derive, inputs: {in: keep}, "
    "config: {columns: [{name: double, expression: amount * 2}]}}",
    "respond_node": "{id: end, type: control.respond, inputs: {in: keep}}",
}
_FLOW = """
headrace: 1
name: Answers with NAME
nodes:
- {id: hook, type: triggers.webhook, config: {authentication: none, url_path: NAME, response: NAME}}
- {id: keep, type: transform.filter, inputs: {in: hook}, config: {where: amount > 10}}
- END
"""


def waits(rounds: int) -> dict[str, list[float]]:
    """Seconds of each call, one after the other: of the bare handler (`bare`), and by the kind of response."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ |= {"HEADRACE_HOME": home, "HEADRACE_RATE_LIMITS": "webhook=0/s,user=0/h,route=0/m"}
        with Stack(port=_free_port(), say=lambda text: None) as stack, _bare_server() as bare:
            stack.start(web=True, demo=False)
            urls = {"bare": f"{bare}/answer", **asyncio.run(_hooks(stack.settings, stack.url))}
            return {name: _calls(url, rounds) for name, url in urls.items()}


@post("/answer", status_code=200)
async def answer(data: list[dict[str, float]]) -> list[dict[str, float]]:
    """What the flow does, in a line."""
    return [{**row, "double": row["amount"] * 2} for row in data if row["amount"] > 10]


def build() -> Litestar:
    """The bare application."""
    return Litestar([answer])


def _serve(port: str) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian("tests.bench.webhook:build", factory=True, address="127.0.0.1", port=int(port),
            interface=Interfaces.ASGI, log_access=False).serve()  # fmt: skip


@contextlib.contextmanager
def _bare_server() -> Iterator[str]:
    """Its address; started and served like the API."""
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.webhook", str(port)], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _hooks(settings: Settings, url: str) -> dict[str, str]:
    """Make a flow for each kind of response. Returns where each is called."""
    host, vault = load_plugins(), Vault(KeyRing(settings.master_keys))
    database = Database.from_url(settings.database_url.reveal(), pool_size=1)
    try:
        async with database.transaction() as session:
            actor = system_actor((await first_organization(session)).id)
        for response in RESPONSES:
            text = parse(_FLOW.replace("NAME", response).replace("END", _ENDS[response]))
            async with database.transaction(actor.organization_id) as session:
                flow = await files.bring_in(session, actor, await demo_workspace(session, actor), text)
                await flows.update(session, actor, flow.id, {"status": "active"}, flow.row_version)
                await triggers.sync(session, actor, vault, host.registry, flow.id)
    finally:
        await database.close()
    return {response: f"{url}/hooks/{actor.organization_id}/{response}" for response in RESPONSES}


def _calls(url: str, rounds: int) -> list[float]:
    times = []
    with httpx.Client(timeout=60) as client:
        for _ in range(rounds + WARM_UP):
            started = time.perf_counter()
            answered = client.post(url, json=BODY)
            times.append(time.perf_counter() - started)
            if answered.status_code != 200 or "99.0" not in answered.text:
                raise RuntimeError(f"{url} answered {answered.status_code}: {answered.text[:200]}")
    return times[WARM_UP:]


if __name__ == "__main__":
    _serve(sys.argv[1])
