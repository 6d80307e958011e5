"""The sender: due deliveries go out through the door, signed by Standard Webhooks. Any number of copies; none leads.

A delivery is taken for a minute, sent outside of any transaction, and recorded. Who dies in between sends it again:
at least once, always under the same `webhook-id`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import msgspec
import structlog

from headrace.connections.service import Vault
from headrace.infra.crypto import Sealed, Undecryptable
from headrace.infra.database import Database
from headrace.infra.notify import listen
from headrace.sdk.egress import EgressPolicy
from headrace.sdk.errors import HeadraceError, TransientError
from headrace.subscriptions import deliveries
from headrace.subscriptions.deliveries import Outcome, Taken
from headrace.subscriptions.service import open_secrets
from headrace.triggers.callers import sign

CHANNEL = "headrace_events"
DEADLINE_S = 15.0
ANSWER_BYTES = 64 * 1024
_log = structlog.get_logger("headrace.sender")


class Sender:
    """Sends what is due; woken by a notification, by the next due instant, and every `poll_s`."""

    def __init__(
        self, database: Database, database_url: str, vault: Vault, *, poll_s: float = 2.0,
        policy: EgressPolicy | None = None, threads: int = 8,
    ) -> None:  # fmt: skip
        self._database, self._url, self._vault = database, database_url, vault
        self._poll_s, self._policy, self._threads = poll_s, policy, threads
        self._wake = asyncio.Event()

    async def serve(self) -> None:
        """Send until cancelled."""
        listener = asyncio.create_task(listen(self._url, (CHANNEL,), lambda *_: self._wake.set()))
        try:
            while True:
                self._wake.clear()
                try:
                    pause = 0.0 if await self.send() else await self._pause()
                except TransientError as error:
                    _log.warning("sender waits", reason=error.message, detail=error.detail)
                    pause = self._poll_s
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
        finally:
            listener.cancel()

    async def send(self) -> int:
        """Send what is due once. Returns how many deliveries were tried."""
        async with self._database.transaction() as session:
            taken = await deliveries.take(session)
        taken = list(await self._database.served(taken, lambda one: one.organization_id))
        if taken:
            keys = await self._keys(taken)
            with ThreadPoolExecutor(self._threads, thread_name_prefix="headrace-sender") as threads:
                await asyncio.gather(*(self._one(threads, one, keys[one.subscription_id]) for one in taken))
        return len(taken)

    async def _pause(self) -> float:
        async with self._database.transaction() as session:
            seconds = await deliveries.due_in(session)
        return self._poll_s if seconds is None else min(self._poll_s, max(0.05, seconds))

    async def _keys(self, taken: list[Taken]) -> dict[UUID, list[str]]:
        """Signing keys by subscription; none where the secrets do not open."""
        found: dict[UUID, list[str]] = {}
        for one in taken:
            if one.subscription_id in found:
                continue
            found[one.subscription_id] = []
            with contextlib.suppress(Sealed, Undecryptable):
                async with self._database.transaction(one.organization_id) as session:
                    opened = await open_secrets(
                        session, self._vault, one.organization_id, one.subscription_id, one.secrets
                    )
                names = ("secret", "previous") if one.both else ("secret",)
                found[one.subscription_id] = [opened[name] for name in names if name in opened]
        return found

    async def _one(self, threads: ThreadPoolExecutor, taken: Taken, keys: list[str]) -> None:
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(threads, _post, taken, keys, self._policy)
        if outcome.error:
            _log.warning("an event was not delivered", subscription=str(taken.subscription_id), reason=outcome.error)
        async with self._database.transaction(taken.organization_id) as session:
            await deliveries.record(session, taken, outcome)


def _post(taken: Taken, keys: list[str], policy: EgressPolicy | None) -> Outcome:
    """One attempt."""
    from headrace.sdk.egress_http import EgressClient

    if not keys:
        return Outcome(error="the secret of this subscription cannot be opened; enter it again")
    body = msgspec.json.encode(taken.payload)
    stamp = int(time.time())
    began = time.monotonic()
    headers = {
        "content-type": "application/json", "webhook-id": str(taken.event_id), "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(sign(key, str(taken.event_id), stamp, body) for key in keys),
    }  # fmt: skip
    client = EgressClient(policy, answer_bytes=ANSWER_BYTES, deadline_s=DEADLINE_S)
    try:
        answer = client.request("POST", taken.url, headers=headers, body=body)
    except HeadraceError as error:
        return Outcome(error=error.message, ms=round(1000 * (time.monotonic() - began)))
    finally:
        client.close()
    ms = round(1000 * (time.monotonic() - began))
    said = "" if 200 <= answer.status < 300 else f"the receiver answered {answer.status}"
    if answer.status == 410:
        said += " (gone), so the subscription is switched off"
    return Outcome(status_code=answer.status, error=said, ms=ms)
