"""Asks the sources of triggers: any number of copies, each trigger held by one, plugins in processes of their own.

A process serves one organization, so that no tenant's driver sees another's secrets, and is replaced when it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from headrace.connections.resolver import Resolver
from headrace.connections.service import Vault
from headrace.connections.tokens import with_tokens
from headrace.infra.crypto import Sealed, Undecryptable
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.store import Store
from headrace.plugins.manager import Host
from headrace.sdk.errors import AuthError, ConfigError, HeadraceError, TransientError
from headrace.sdk.triggers import Received, file_key
from headrace.triggers import sources
from headrace.triggers.sources import Held, Question
from headrace.worker.runner_process import runner_environment
from headrace.worker.source_runner import Ask, FromSource, Shut, Stored, Told, Trouble, What
from headrace.worker.wire import Ready, frame, read_message

WAIT_S = 2.0
"""How long a source may wait for events in one call."""
LATE_S = 120.0
"""A source that answers no sooner hangs: its process is ended."""
HELD_BACK_S = 0.5
BROKEN_S = 60.0
RETIRE_AGAIN_S = 10.0
STANDING_S = 30.0
"""How often a source is asked how it stands, also while it is held back."""
BACK_OFF_S = (1, 2, 5, 15, 60, 300)
_reports: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(FromSource)
_log = structlog.get_logger("headrace.sources")


class Sources:
    """Claims triggers, asks them, stores what they give."""

    def __init__(
        self,
        database: Database,
        host: Host,
        vault: Vault,
        store: Store,
        *,
        lease_s: float = 15,
        poll_s: float = 0.5,
        secrets_file: str = "",
    ) -> None:
        self._database, self._host, self._vault, self._store = database, host, vault, store
        self._lease_s, self._poll_s = lease_s, poll_s
        self._resolver = Resolver(host.registry, secrets_file)
        self._owner = new_id()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._stood: dict[UUID, float] = {}
        self._processes: dict[UUID, _Process] = {}
        self._scratch = Path(tempfile.mkdtemp(prefix="headrace-sources-"))

    def _types(self) -> list[str]:
        """Kinds of triggers that are served: an admin may switch plugins off and on."""
        return [name for name, entry in self._host.registry.triggers.items() if entry.manifest.mode == "source"]

    async def serve(self) -> None:
        """Serve until cancelled; then give everything back."""
        try:
            while True:
                try:
                    await self._round()
                except TransientError as error:
                    _log.warning("sources wait", reason=error.message, detail=error.detail)
                await asyncio.sleep(self._poll_s)
        finally:
            tasks = [*self._tasks.values(), *self._ending]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for process in self._processes.values():
                await process.end()
            shutil.rmtree(self._scratch, ignore_errors=True)

    async def _round(self) -> None:
        """Keep what is held, drop what is lost, claim what is free."""
        self._tasks = {key: task for key, task in self._tasks.items() if not task.done()}
        async with self._database.transaction() as session:
            held_here = list(self._tasks)
            kept = await sources.keep(session, self._owner, held_here, lease_s=self._lease_s) if held_here else set()
            fresh = await sources.claim(session, self._owner, types=self._types(), lease_s=self._lease_s)
            gone = await sources.claim_retired(session, self._owner, types=self._types(), lease_s=LATE_S + 60)
        for lost in self._tasks.keys() - kept:
            self._drop(self._tasks.pop(lost))
        for held in fresh:
            old = self._tasks.pop(held.id, None)
            if old is not None:
                self._drop(old)
            self._tasks[held.id] = asyncio.create_task(self._hold(held))
        for held in gone:
            task = asyncio.create_task(self._retire(held, self._tasks.pop(held.id, None)))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _drop(self, task: asyncio.Task[None]) -> None:
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.cancel()

    async def _hold(self, held: Held) -> None:
        """Ask one trigger until it is lost or fails."""
        error: str | None = None
        after_s = 0.0
        try:
            while await self._once(held):
                continue
        except _Failed as failed:
            error, after_s = failed.message, failed.after_s
            _log.warning("a source failed", trigger=str(held.id), reason=error, again_s=after_s)
        except Exception:
            _log.exception("a source cannot be served", trigger=str(held.id))
            error, after_s = "internal error; the log of the scheduler has the trace", BROKEN_S
        finally:
            self._stood.pop(held.id, None)
            process = self._processes.get(held.organization_id)
            if process is not None:
                process.shut(str(held.id))
            with contextlib.suppress(HeadraceError):
                async with asyncio.timeout(10), self._database.transaction(held.organization_id) as session:
                    await sources.release(session, held, after_s=after_s, error=error)

    async def _once(self, held: Held) -> bool:
        """One question and what came of it. Returns False when the trigger is lost."""
        asked = await self._question(held)
        if time.monotonic() - self._stood.get(held.id, -STANDING_S) >= STANDING_S:
            await self._stand(held, asked)
        if asked.held_back:
            await asyncio.sleep(HELD_BACK_S)
            return True
        answer = await self._ask(held, asked, "receive")
        received = answer.received
        if received.events or received.cursor != asked.cursor or asked.failures:
            await asyncio.to_thread(self._keep_files, held, received)
            async with self._database.transaction(held.organization_id) as session:
                if not await sources.store(session, held, received):
                    return False
            (await self._process(held.organization_id)).stored(str(held.id))
        if answer.every_s and not received.more:
            await asyncio.sleep(answer.every_s)
        return True

    def _keep_files(self, held: Held, received: Received) -> None:
        """Files go before their events; an event that comes again writes the same files again."""
        for event in received.events:
            for number, file in enumerate(event.files):
                self._store.put(held.organization_id, file_key(str(held.id), event.key, number), file.content)

    async def _stand(self, held: Held, asked: Question) -> None:
        """Ask how it stands and store it; a new warning is logged once."""
        standing = (await self._ask(held, asked, "standing")).standing
        async with self._database.transaction(held.organization_id) as session:
            await sources.stands(session, held, standing)
        if standing.warning and not asked.warning:
            _log.warning("a source warns", trigger=str(held.id), reason=standing.warning)
        self._stood[held.id] = time.monotonic()

    async def _retire(self, held: Held, holder: asyncio.Task[None] | None) -> None:
        """Free what the source of a deleted trigger holds elsewhere; what cannot be freed is said."""
        if holder is not None:  # deleted since we last looked: it closes its source first
            holder.cancel()
            await asyncio.gather(holder, return_exceptions=True)
        error: str | None = None
        try:
            await self._ask(held, await self._question(held), "retire")
        except (_Failed, HeadraceError) as failed:
            error = failed.message
        except Exception as failed:
            _log.exception("a source cannot be retired", trigger=str(held.id))
            error = f"internal error: {type(failed).__name__}"
        process = self._processes.get(held.organization_id)
        if process is not None:
            process.shut(str(held.id))
        async with self._database.transaction(held.organization_id) as session:
            left = await sources.retired(session, held, error=error, after_s=RETIRE_AGAIN_S)
        if left:
            _log.error("a deleted trigger left something behind; free it by hand", trigger=str(held.id), left=left,
                       reason=error)  # fmt: skip

    async def _question(self, held: Held) -> Question:
        try:
            async with self._database.transaction(held.organization_id) as session:
                asked = await sources.question(session, self._vault, self._host.registry, held)
            specs = await with_tokens(
                self._database, self._vault, self._host.registry, held.organization_id, asked.connections
            )
            specs = await asyncio.to_thread(self._resolver.resolve, specs, held.organization_id)
        except (Sealed, Undecryptable, ConfigError, AuthError) as error:
            raise _Failed(error.message, BROKEN_S) from None
        return msgspec.structs.replace(asked, connections=specs)

    async def _ask(self, held: Held, asked: Question, what: What) -> Told:
        """The answer of the source.

        Raises:
            _Failed: it has none.
        """
        process = await self._process(held.organization_id)
        answer = await process.ask(str(held.id), asked, what)
        if isinstance(answer, Told):
            return answer
        problem = answer.problem if isinstance(answer, Trouble) else None
        retry = problem is None or problem.retryable
        pause = BACK_OFF_S[min(asked.failures, len(BACK_OFF_S) - 1)] if retry else BROKEN_S
        raise _Failed(problem.message if problem else "its process ended; it is started again", pause)

    async def _process(self, organization_id: UUID) -> _Process:
        process = self._processes.get(organization_id)
        if process is None or not process.alive:
            process = self._processes[organization_id] = _Process(self._scratch)
        await process.ready()
        return process


class _Failed(Exception):
    """Give the trigger back with a reason, for a while."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.message, self.after_s = message, after_s


class _Opened(Struct):
    """What a source of the process was opened with, and the answer that is awaited."""

    question: Question
    answer: asyncio.Future[Told | Trouble | None] | None = None


class _Process:
    """The process of one organization's sources."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._open: dict[str, _Opened] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._started: asyncio.Task[None] = asyncio.create_task(self._start())
        self._reader: asyncio.Task[None] | None = None
        self._dead = False

    @property
    def alive(self) -> bool:
        """Whether it may be asked."""
        return not self._dead

    async def ready(self) -> None:
        """Wait until it has loaded its plugins.

        Raises:
            _Failed: it did not start.
        """
        try:
            await asyncio.shield(self._started)
        except (OSError, EOFError, TimeoutError):
            raise _Failed("its process did not start; the log of the scheduler has its output", 5) from None

    async def _start(self) -> None:
        home = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "headrace.worker.source_runner", str(os.getpid()),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=runner_environment(1, home),
                cwd=home, start_new_session=True, limit=1024 * 1024,
            )  # fmt: skip
            assert self._process.stdout is not None  # noqa: S101 - a pipe
            async with asyncio.timeout(60):
                loaded = isinstance(await read_message(self._process.stdout, _reports), Ready)
        except BaseException:
            await self.end()
            raise
        if not loaded:
            await self.end()
            raise EOFError
        self._reader = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, pipe: asyncio.StreamReader) -> None:
        while (report := await read_message(pipe, _reports)) is not None:
            opened = self._open.get(report.trigger_id)
            if isinstance(report, Trouble):
                self._open.pop(report.trigger_id, None)
            if opened is not None and opened.answer is not None and not opened.answer.done():
                opened.answer.set_result(report)
        self._dead = True
        for opened in self._open.values():
            if opened.answer is not None and not opened.answer.done():
                opened.answer.set_result(None)
        await self.end()

    async def ask(self, trigger_id: str, question: Question, what: What) -> Told | Trouble | None:
        """Ask a source, opened anew when it has changed; None when the process died or hangs."""
        before = self._open.get(trigger_id)
        if before is not None and not sources.same(before.question, question):
            self.shut(trigger_id)
        answer: asyncio.Future[Told | Trouble | None] = asyncio.get_running_loop().create_future()
        self._open[trigger_id] = _Opened(question, answer)
        self._send(Ask(
            trigger_id=trigger_id, kind=question.type, configuration=question.configuration,
            secrets={name: value for name, value in question.secrets.items() if not name.startswith("_")},
            connections=question.connections, cursor=question.cursor, wait_s=WAIT_S,
            what=what,
        ))  # fmt: skip
        try:
            async with asyncio.timeout(LATE_S):
                return await answer
        except TimeoutError:
            await self.end()
            return None

    def stored(self, trigger_id: str) -> None:
        """Tell a source that what it gave is stored."""
        self._send(Stored(trigger_id))

    def shut(self, trigger_id: str) -> None:
        """Close a source."""
        if self._open.pop(trigger_id, None) is not None:
            self._send(Shut(trigger_id))

    def _send(self, order: Struct) -> None:
        pipe = self._process.stdin if self._process else None
        if pipe is not None and not self._dead:
            with contextlib.suppress(ConnectionError):
                pipe.write(frame(order))

    async def end(self) -> None:
        """End the process, now."""
        self._dead = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
