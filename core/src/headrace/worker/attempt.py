"""One attempt at one segment: give it to a runner, watch it, decide what it came to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
import structlog
from msgspec import Struct

from headrace.engine.messages import (
    Cancel,
    LogLine,
    NodeFinished,
    NodeProgress,
    NodeStarted,
    Problem,
    Report,
    Responded,
    SegmentDone,
    SegmentFailed,
    SegmentParked,
    SegmentRequest,
)
from headrace.executions.leases import Claim
from headrace.executions.live import Feed
from headrace.executions.settle import NodeOutcome
from headrace.executions.state import timeout_s
from headrace.infra.clock import now
from headrace.infra.logs import redact, redact_text
from headrace.plugins.records import ConnectionSpec
from headrace.worker.pool import Runner

_log = structlog.get_logger("headrace.worker")
LOG_LINES_MAX = 5_000
LOG_CHARS_MAX = 10_000


class Crashed(Struct, frozen=True):
    """The runner died by itself."""

    reason: str


class Stopped(Struct, frozen=True):
    """The attempt was ended from outside: its execution stops, the lease is lost, or the worker stops."""

    why: Literal["cancelled", "lost", "released"]


Outcome: TypeAlias = SegmentDone | SegmentFailed | SegmentParked | Crashed | Stopped


class Attempt:
    """State of an attempt; `stop` may be called from anywhere in the loop.

    Attributes:
        log_rows: Lines that wait to be written.
        remember: Outputs to keep by content; written when the segment completes.
        response: What the steps answered to who started the execution; written with the logs.
        runner_idle: The runner has finished the segment and may take another.
    """

    def __init__(self, claim: Claim, feed: Feed, *, cancel_grace_s: float) -> None:
        self.claim = claim
        self.lease = claim.lease
        self.feed = feed
        self.log_rows: list[dict[str, Any]] = []
        self.runner_idle = False
        self.remember: list[dict[str, Any]] = []
        self.response: Responded | None = None
        self._grace_s = cancel_grace_s
        self._stop = asyncio.Event()
        self._why: Literal["cancelled", "lost", "released"] = "cancelled"
        self._started: dict[str, Any] = {}
        self._finished: dict[str, NodeOutcome] = {}
        self._lines = 0

    def stop(self, why: Literal["cancelled", "lost", "released"]) -> None:
        """End the attempt: cooperatively when cancelled, at once otherwise. A lost lease beats everything."""
        if not self._stop.is_set() or why == "lost":
            self._why = why
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stop.is_set()

    @property
    def nodes(self) -> list[NodeOutcome]:
        """Outcomes so far."""
        return list(self._finished.values())

    def request(self, connections: dict[str, ConnectionSpec], storage_url: str) -> SegmentRequest:
        """The order for the runner."""
        claim, lease = self.claim, self.lease
        return SegmentRequest(
            execution_id=str(lease.execution_id), organization_id=str(lease.organization_id),
            segment_no=lease.segment_no, attempt=lease.attempt, graph=claim.spec.graph, inputs=claim.inputs,
            keep=claim.spec.keep, observe="all" if claim.observe == "all" else "borders", connections=connections,
            params=claim.params, input_data=claim.input_data, resumed=claim.resumed, results=claim.results,
            row_limit=claim.row_limit, storage_url=storage_url,
            prefix=f"{lease.organization_id}/executions/{lease.execution_id}",
        )  # fmt: skip

    @property
    def reports(self) -> dict[str, NodeFinished]:
        """What nodes reported, by id."""
        return {node_id: node.report for node_id, node in self._finished.items()}

    def reuse(self, reports: Iterable[NodeFinished]) -> None:
        """Take outcomes of nodes that are not executed."""
        for report in reports:
            self._finish(report)

    def name(self, reports: Mapping[str, NodeFinished]) -> None:
        """Take reports again whose frames have got their names."""
        for node_id, report in reports.items():
            self._finished[node_id] = msgspec.structs.replace(self._finished[node_id], report=report)

    async def drive(self, runner: Runner, request: SegmentRequest) -> Outcome:
        """Execute the request until it is done, dead, late or stopped. The runner may be dead or busy afterwards."""
        limit = timeout_s(self.claim.spec.graph)
        late_at = time.monotonic() + limit if limit else None
        kill_at: float | None = None
        await runner.send(request)
        stop: asyncio.Task[Any] = asyncio.create_task(self._stop.wait())
        report: asyncio.Task[Any] = asyncio.create_task(runner.report())
        asked = False
        try:
            while True:
                until = min((at for at in (late_at, kill_at) if at is not None), default=None)
                left = None if until is None else max(0.0, until - time.monotonic())
                waiting = {report} if asked else {report, stop}
                done, _ = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if report in done:
                    outcome = self._take(report.result())
                    if outcome is not None:
                        return await self._named(runner, outcome)
                    report = asyncio.create_task(runner.report())
                elif not done:
                    return Stopped(self._why) if asked else self._too_late(limit or 0)
                elif self._why != "cancelled":
                    return Stopped(self._why)
                else:
                    asked = True
                    await runner.send(Cancel())
                    kill_at = time.monotonic() + self._grace_s
        finally:
            stop.cancel()
            report.cancel()

    def _take(self, report: Report | None) -> Outcome | None:
        match report:
            case None:
                return Crashed("the process ended")
            case SegmentDone() | SegmentFailed() | SegmentParked():
                self.runner_idle = True
                return report
            case NodeStarted(node_id=node_id):
                self._started[node_id] = now()
                self._show(node_id, {"status": "running", "started_at": self._started[node_id], "error": None})
            case NodeProgress(node_id=node_id, rows=rows):
                self._show(node_id, {"status": "running", "rows_out": rows})
            case NodeFinished(node_id=node_id):
                self._finish(report)
            case Responded():
                self.response = self.response or report
            case LogLine():
                self._line(report)
        return None

    def _finish(self, report: NodeFinished) -> None:
        started = self._started.get(report.node_id)
        outcome = NodeOutcome(report=report, started_at=started, completed_at=now())
        self._finished[report.node_id] = outcome
        row = outcome.row()
        row["has_output"] = bool(row.pop("outputs", None))
        self._show(report.node_id, row)

    def _show(self, node_id: str, data: dict[str, Any]) -> None:
        known = {"node_id": node_id, "segment_no": self.lease.segment_no, "attempt": self.lease.attempt}
        self.feed.node(node_id, {**known, "execution_id": str(self.lease.execution_id), **data})

    def _line(self, line: LogLine) -> None:
        self._lines += 1
        if self._lines > LOG_LINES_MAX:
            return
        text = line.message if self._lines < LOG_LINES_MAX else f"more than {LOG_LINES_MAX} lines; the rest is left out"
        row = {"node_id": line.node_id, "level": line.level, "message": redact_text(text)[:LOG_CHARS_MAX],
               "metadata": redact(line.fields), "created_at": now()}  # fmt: skip
        self.log_rows.append(row)
        self.feed.log({**row, "execution_id": str(self.lease.execution_id)})

    async def _named(self, runner: Runner, outcome: Outcome) -> Outcome:
        """Say how a crashed runner ended; tell an asked-for end from a failure."""
        if isinstance(outcome, Crashed):
            runner.kill()
            code = await runner.wait()
            return Stopped(self._why) if self._stop.is_set() else Crashed(_reason(code))
        if isinstance(outcome, SegmentFailed) and outcome.problem.code == "CANCELLED" and self._stop.is_set():
            return Stopped(self._why)
        return outcome

    def _too_late(self, limit_s: float) -> SegmentFailed:
        names = ", ".join(f"'{node.label or node.id}'" for node in self.claim.spec.graph.nodes if node.timeout_s)
        node_id = next((node.id for node in self.claim.spec.graph.nodes if node.timeout_s), "")
        message = f"step {names} took longer than its timeout of {limit_s:g} s and was stopped"
        return SegmentFailed(Problem(code="TIMED_OUT", message=message, node_id=node_id, retryable=True))


def _reason(code: int) -> str:
    if code < 0:
        hint = "; out of memory?" if code == -9 else ""
        return f"signal {-code}{hint}"
    return f"exit code {code}"
