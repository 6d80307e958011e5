"""One attempt at one segment: give it to a runner, watch it, decide what it came to."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import msgspec
import structlog
from msgspec import Struct

from headrace.engine.messages import (
    HostAsked,
    HostTold,
    LetGo,
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
from headrace.executions.outcomes import NodeOutcome
from headrace.executions.state import timeout_s
from headrace.infra.clock import now
from headrace.plugins.records import ConnectionSpec
from headrace.worker.lines import Lines
from headrace.worker.runner_process import Runner, Work

ANSWER_S = 0.005
"""How long an answer waits for the end of its segment: what ends it then is written with it."""
LET_GO_S = 60.0
"""How long a segment may take to acknowledge its messages."""
_log = structlog.get_logger("headrace.worker")


class Crashed(Struct, frozen=True):
    """The runner died by itself."""

    reason: str


Why: TypeAlias = Literal["cancelled", "lost", "released", "displaced", "suspect"]


class Stopped(Struct, frozen=True):
    """The attempt was ended from outside.

    Its execution stops, the lease is lost, or the worker stops; or the runner that it shared was ended because of
    another segment (`displaced`), or died, and one of several in it is to blame (`suspect`).
    """

    why: Why


Outcome: TypeAlias = SegmentDone | SegmentFailed | SegmentParked | Crashed | Stopped


class Attempt:
    """State of an attempt; `stop` may be called from anywhere in the loop.

    Attributes:
        log_rows: Lines that wait to be written.
        remember: Outputs to keep by content; written when the segment completes.
        desk: Answers what its open connections ask.
        response: What the steps answered to who started the execution; written with the logs.
        runner_idle: The runner has finished the segment.
        stopped: Set when somebody asked for the end; `why` says who.
        over: Set at the end.
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
        self.stopped = asyncio.Event()
        self.why: Why = "cancelled"
        self._started: dict[str, Any] = {}
        self._finished: dict[str, NodeOutcome] = {}
        self.desk: Callable[[HostAsked], Awaitable[HostTold]] | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._work: Work | None = None
        self._lines = Lines()
        self._news = asyncio.Event()
        self._let_go = asyncio.Event()
        self.over = asyncio.Event()
        self._ended = False

    def stop(self, why: Why) -> None:
        """End the attempt: at once when the worker stops, else cooperatively. A lost lease beats everything."""
        if not self.stopped.is_set() or why == "lost":
            self.why = why
        self.stopped.set()

    def end(self) -> None:
        """Nothing more is reported."""
        self.log_rows += self._lines.rest()
        self._ended = True
        self.over.set()
        self._news.set()

    async def ended_within(self, seconds: float) -> bool:
        """Wait until the end, for an answer to write, or for so long; tells whether it was the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()
        return self._ended

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self.stopped.is_set()

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
            taken=claim.spec.taken, row_limit=claim.row_limit, failure=claim.failure, storage_url=storage_url,
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
        """Execute the request until it is done, dead, late or stopped. Unless it is done, the runner is ended."""
        spec, began = self.claim.spec, time.monotonic()
        limit = timeout_s(spec.graph) or spec.limits.hard_s
        late_at = began + limit if limit else None
        warn_at = began + spec.limits.soft_s if 0 < spec.limits.soft_s < (limit or math.inf) else None
        kill_at: float | None = None
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        work = self._work = runner.work(partial(self._hear, outcome))
        await work.begin(request)
        stop: asyncio.Task[Any] = asyncio.create_task(self.stopped.wait())
        asked = False
        try:
            while True:
                until = min((at for at in (late_at, kill_at, warn_at) if at is not None), default=None)
                left = None if until is None else max(0.0, until - time.monotonic())
                waiting: set[asyncio.Future[Any]] = {outcome} if asked else {outcome, stop}
                done, _ = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if outcome in done:
                    return await self._named(runner, outcome.result())
                if not done and warn_at is not None and time.monotonic() < (kill_at or late_at or math.inf):
                    warn_at = None
                    said = f"still at work after {spec.limits.soft_s:g} s"
                    busy = next((one for one in self._started if one not in self._finished), "")
                    self._line(LogLine(message=said, level="warning", node_id=busy))
                    continue
                if not done:
                    return Stopped(self.why) if asked else self._too_late(limit or 0)
                if self.why == "released" or (self.why == "lost" and runner.seats <= 1):
                    return Stopped(self.why)
                asked = True
                warn_at = None
                await work.cancel()
                kill_at = time.monotonic() + self._grace_s
        finally:
            stop.cancel()
            if not (outcome.done() and _holds(outcome)):
                work.close()
            if not self.runner_idle:
                await runner.end()

    async def commit(self, *, kept: bool) -> None:
        """What the segment came to is stored, or dropped: wait until it has acknowledged what it held."""
        work = self._work
        if work is None:
            return
        await work.commit(kept=kept)
        try:
            async with asyncio.timeout(LET_GO_S):
                await self._let_go.wait()
        except TimeoutError:
            await work.runner.end()
        finally:
            work.close()

    def _hear(self, outcome: asyncio.Future[Outcome], report: Report | None) -> None:
        """Take a report as it comes: there are many, and one that ends the attempt."""
        if outcome.done():
            if report is None or isinstance(report, LetGo):
                self._let_go.set()
            return
        try:
            found = self._take(report)
        except Exception as error:  # whoever reads the pipe goes on with the other segments
            outcome.set_exception(error)
        else:
            if found is not None:
                outcome.set_result(found)

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
                asyncio.get_running_loop().call_later(ANSWER_S, self._news.set)
            case LogLine():
                self._line(report)
            case HostAsked() if self.desk is not None and self._work is not None:
                answer = asyncio.create_task(self._answer(self.desk, self._work, report))
                self._answers.add(answer)
                answer.add_done_callback(self._answers.discard)
        return None

    async def _answer(self, desk: Callable[[HostAsked], Awaitable[HostTold]], work: Work, asked: HostAsked) -> None:
        await work.tell(await desk(asked))

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
        for row in self._lines.take(line):
            self.log_rows.append(row)
            self.feed.log({**row, "execution_id": str(self.lease.execution_id)})

    async def _named(self, runner: Runner, outcome: Outcome) -> Outcome:
        """Say how a crashed runner ended; tell an asked-for end from a failure."""
        if isinstance(outcome, Crashed):
            runner.kill()
            code = await runner.wait()
            if self.stopped.is_set():
                return Stopped(self.why)
            if runner.crowd == 1:
                return Crashed(_reason(code))
            return Stopped("suspect" if runner.crowd else "displaced")
        if isinstance(outcome, SegmentFailed) and outcome.problem.code == "CANCELLED" and self.stopped.is_set():
            return Stopped(self.why)
        return outcome

    def _too_late(self, limit_s: float) -> SegmentFailed:
        if not timeout_s(self.claim.spec.graph):
            names = ", ".join(f"'{node.label or node.id}'" for node in self.claim.spec.graph.nodes[:3])
            message = f"{names} took longer than the flow's limit of {limit_s:g} s and was stopped"
            hint = "give the step a timeout of its own, or raise 'hard_limit_s' in the flow's settings"
            return SegmentFailed(Problem(code="TIMED_OUT", message=message, hint=hint, retryable=False))
        names = ", ".join(f"'{node.label or node.id}'" for node in self.claim.spec.graph.nodes if node.timeout_s)
        node_id = next((node.id for node in self.claim.spec.graph.nodes if node.timeout_s), "")
        message = f"step {names} took longer than its timeout of {limit_s:g} s and was stopped"
        return SegmentFailed(Problem(code="TIMED_OUT", message=message, node_id=node_id, retryable=True))


def _holds(outcome: asyncio.Future[Outcome]) -> bool:
    result = None if outcome.cancelled() or outcome.exception() else outcome.result()
    return isinstance(result, SegmentDone) and result.holds


def _reason(code: int) -> str:
    if code < 0:
        hint = "; out of memory?" if code == -9 else ""
        return f"signal {-code}{hint}"
    return f"exit code {code}"
