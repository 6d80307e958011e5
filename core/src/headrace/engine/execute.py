"""Execute one segment on one engine. Knows neither database nor broker: a request in, reports out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.engine.blame import blame
from headrace.engine.context import Connections, StepContext
from headrace.engine.frame_store import FrameStore
from headrace.engine.hosts import Line
from headrace.engine.messages import (
    FrameRef,
    LetGo,
    LogLine,
    NodeFinished,
    NodeStarted,
    Problem,
    Report,
    SegmentDone,
    SegmentFailed,
    SegmentParked,
    SegmentRequest,
)
from headrace.engine.meter import NOTHING, Meter, Spent
from headrace.engine.narrow import narrowing
from headrace.engine.problems import Cancelled, problem_of
from headrace.engine.rejects import failure_frame
from headrace.engine.reuse import OBSERVED_MAX
from headrace.engine.ways import need_of, undone
from headrace.flows.graph import NodeSpec
from headrace.plugins.registry import NodeType, Registry, load
from headrace.sdk.config import parse_config
from headrace.sdk.connectors import Stream
from headrace.sdk.engines import Engine
from headrace.sdk.manifests import Effect
from headrace.sdk.narrowing import Narrowing
from headrace.sdk.waiting import Parked

if TYPE_CHECKING:
    import narwhals as nw

_T = TypeVar("_T", NodeFinished, Problem)
PATHS_MAX = 8
"""A frame to which more ways lead is stored before others build on it: an engine walks every way."""
TANGLED_MAX = 64
"""So many of these are stored together: what they have in common is computed once."""


def execute_segment(
    request: SegmentRequest,
    registry: Registry,
    emit: Callable[[Report], None],
    cancelled: Callable[[], bool],
    line: Line | None = None,
) -> SegmentDone | SegmentFailed | SegmentParked | LetGo:
    """Execute the nodes of a segment in order.

    Messages that were read are acknowledged once the line tells that the outcome is committed; a test takes none away.
    An output that a step leaves out is a branch that is not taken: steps that need it are skipped.

    Args:
        request: The segment.
        registry: Node types and connectors of this process.
        emit: Takes reports as they arise.
        cancelled: Polled at progress points.
        line: To the supervisor, for what open connections need of it.
    """
    scratch = Path(tempfile.mkdtemp(prefix="headrace-"))
    connections = Connections(registry, request.connections, line)
    work = _Work(request, registry, emit, cancelled, scratch, connections)
    try:
        outcome = work.execute()
        if connections.holds and isinstance(outcome, SegmentDone) and request.row_limit is None:
            if line is None or line.settled(outcome):  # who calls without a line keeps what is returned
                connections.acknowledge()
            return outcome if line is None else LetGo()
        return outcome
    finally:
        connections.close()
        shutil.rmtree(scratch, ignore_errors=True)


class _Work:
    """State of one segment's execution: lazy frames by `node.port`."""

    def __init__(
        self, request: SegmentRequest, registry: Registry, emit: Callable[[Report], None],
        cancelled: Callable[[], bool], scratch: Path, connections: Connections,
    ) -> None:  # fmt: skip
        self.request = request
        self.registry = registry
        self.emit = emit
        self.cancelled = cancelled
        self.scratch = scratch
        self.connections = connections
        self.store = FrameStore(request.storage_url, request.prefix, scratch)
        self.engine: Engine = registry.engines[request.engine].factory.load()()
        self.frames: dict[str, nw.LazyFrame[Any]] = {}
        self.paths: dict[str, int] = {}
        self.tangled: dict[str, None] = {}
        self.keep = frozenset(request.keep)
        self.given: dict[int, FrameRef] = {}
        self.outputs: dict[str, FrameRef] = {}
        self.finished: dict[str, NodeFinished] = {}
        self.observe = request.observe == "all" and len(request.graph.nodes) <= OBSERVED_MAX

    def execute(self) -> SegmentDone | SegmentFailed | SegmentParked:
        here = {node.id for node in self.request.graph.nodes}
        order = [node_id for node_id in self.request.graph.order() if node_id in here]
        if self.request.observe == "all" and not self.observe:
            self.emit(LogLine(message=f"{len(order)} steps are too many to keep every output; only borders are kept"))
        for name, ref in self.request.inputs.items():
            self.frames[name] = self._stored(ref)
            self.given[id(self.frames[name])] = ref
        for node_id in order:
            if self.cancelled():
                return SegmentFailed(problem_of(Cancelled(), node_id))
            try:
                problem = self._untangle(node_id) or self._node(self.request.graph.by_id[node_id])
            except Parked as parked:
                return SegmentParked(node_id, parked.wait)
            if problem is not None:
                return self._ended(problem)
        problem = self._store([name for name in self.request.keep if name not in self.outputs])
        if problem is not None:
            return self._ended(problem)
        own = _by_node(self.outputs)
        for node_id in order:
            if node_id not in self.finished:
                self._finish(node_id, NOTHING, own.get(node_id, {}))
        return SegmentDone({name: self.outputs[name] for name in self.request.keep if name in self.outputs})

    def _ended(self, problem: Problem) -> SegmentFailed:
        """The failure for whoever looks at the execution: it names the step."""
        node = self.request.graph.by_id.get(problem.node_id)
        if node is None or problem.code == "CANCELLED":
            return SegmentFailed(problem)
        return SegmentFailed(_with(problem, message=f"'{node.label or node.id}': {problem.message}"))

    def _node(self, node: NodeSpec) -> Problem | None:
        """Build one node's frames; store them when observed. Returns what ends the segment."""
        kind = self.registry.node(node.type)
        meter = Meter()
        inputs = self._inputs(node, kind)
        if inputs is None:
            self._report(NodeFinished(node_id=node.id, status="skipped"))
            return None
        if self.request.failure is not None and self.request.failure.node_id == node.id:
            self._without(node, kind, self.request.failure, NOTHING)
            return None
        if kind.manifest.role == "answer":  # what it tells is what goes on
            before = self.request.graph.incoming[node.id]
            if problem := self._store([f"{edge.source}.{edge.source_port}" for edge in before]):
                return problem
            inputs = self._inputs(node, kind) or {}
        self.emit(NodeStarted(node.id))
        context = self._context(node)
        paths = self._paths(node)
        try:
            made = self._call(node, kind, context, inputs)
            tangled = paths > PATHS_MAX
            self.paths.update(dict.fromkeys(made, 1 if tangled else paths))
            ends = kind.manifest.effect not in {Effect.NONE, Effect.READ} or node.on_error != "fail"
            if self.observe or ends or (tangled and context.rejects):
                refs = self._sink(made)
                self._finish(node.id, meter.spent(), refs, context)
            elif tangled:
                self.tangled.update(dict.fromkeys(made))
            elif context.rejects or (kind.manifest.control and not made):
                self._finish(node.id, meter.spent(), {}, context)
        except Parked:
            raise
        except Exception as error:
            return self._failed(node, kind, error, meter.spent())
        return None

    def _paths(self, node: NodeSpec) -> int:
        """How many ways lead to a node from what is stored or read."""
        edges = self.request.graph.incoming[node.id]
        return sum(self.paths.get(f"{edge.source}.{edge.source_port}", 1) for edge in edges) or 1

    def _context(self, node: NodeSpec) -> StepContext:
        connected = any(edge.source_port == "error" for edge in self.request.graph.outgoing.get(node.id, ()))
        known = {**self.request.inputs, **self.outputs}
        return StepContext(
            execution_id=self.request.execution_id, node_id=node.id, attempt=self.request.attempt,
            params=self.request.params, input_data=self.request.input_data, engine=self.engine, scratch=self.scratch,
            connections=self.connections,
            rejects_connected=connected or node.on_error != "fail" or f"{node.id}.error" in self.keep,
            emit=self.emit, cancelled=self.cancelled, resumed=self.request.resumed, results=self._results,
            narrowing=partial(self._narrowing, node.id),
            stored={edge.target_port: ref.rows for edge in self.request.graph.incoming[node.id]
                    if (ref := known.get(f"{edge.source}.{edge.source_port}"))},
        )  # fmt: skip

    def _narrowing(self, node_id: str, stream: Stream) -> Narrowing:
        if self.observe:  # every step's output is looked at whole
            return Narrowing()
        return narrowing(self.request, self.registry, self.keep, node_id, stream)

    def _stored(self, ref: FrameRef) -> nw.LazyFrame[Any]:
        return self.engine.scan([self.store.fetch(ref)], rows=(ref.offset, ref.rows) if ref.part else None)

    def _results(self) -> nw.LazyFrame[Any] | None:
        refs = self.request.results
        if not refs:
            return None
        if all(not ref.part and ref.columns == refs[0].columns for ref in refs):
            return self.engine.scan([self.store.fetch(ref) for ref in refs])
        import narwhals as nw

        return nw.concat([self._stored(ref) for ref in refs], how="diagonal")

    def _call(
        self, node: NodeSpec, kind: NodeType, context: StepContext, inputs: dict[str, nw.LazyFrame[Any]]
    ) -> dict[str, nw.LazyFrame[Any]]:
        from headrace.engine.references import filled_in

        shape = kind.manifest.config
        config = parse_config(shape, filled_in(node, shape, self.request, self.store))
        limit = self.request.row_limit if not kind.manifest.inputs else None
        if limit and isinstance(own := getattr(config, "limit", None), int):
            setattr(config, "limit", min(own or limit, limit))  # noqa: B010 - connectors then read no more
        step = load(kind.manifest.factory.load, kind.plugin)(config)
        made: dict[str, nw.LazyFrame[Any]] = dict(step.run(context, inputs))
        if limit:
            made = {port: frame if port == "error" else frame.head(limit) for port, frame in made.items()}
            context.log(f"a test reads the first {limit:,} rows here at most", row_limit=limit)
        if any(port.kind == "error" for port in kind.manifest.outputs) and "error" not in made:
            made["error"] = context.rejects.frame()
        named = {f"{node.id}.{port}": frame for port, frame in made.items()}
        self.frames.update(named)
        for name, frame in named.items():  # what is handed on as it came is not stored again
            if (same := self.given.get(id(frame))) is not None:
                self.outputs[name] = same
        return named

    def _inputs(self, node: NodeSpec, kind: NodeType) -> dict[str, nw.LazyFrame[Any]] | None:
        """Frames by input port; None when a branch that the node needs was not taken."""
        edges = self.request.graph.incoming[node.id]
        names = {f"{edge.source}.{edge.source_port}" for edge in edges}
        if undone([need_of(node.id, kind.manifest, edges)], names - self.frames.keys()):
            return None
        ports = {port.name: port for port in kind.manifest.inputs}
        found: dict[str, nw.LazyFrame[Any]] = {}
        for edge in edges:
            frame, port = self.frames.get(f"{edge.source}.{edge.source_port}"), ports.get(edge.target_port)
            if frame is not None and (port is None or port.kind != "control"):
                many = port is not None and port.many
                found[f"{edge.target_port}[{edge.source}]" if many else edge.target_port] = frame
        return found

    def _sink(self, frames: dict[str, nw.LazyFrame[Any]]) -> dict[str, FrameRef]:
        """Store frames and go on from what was stored."""
        from headrace.sdk.frames import remembered

        paths = {}
        known = {name: self.outputs[name] for name in frames if name in self.outputs}
        for name in frames.keys() - known.keys():
            node_id, _, port = name.rpartition(".")
            key = self.store.key(node_id, port, self.request.attempt)
            paths[self.store.path(key)] = (name, key)
        facts = self.engine.sink({path: frames[name] for path, (name, _) in paths.items()}) if paths else {}
        refs = known | {name: self.store.publish(key, facts[path]) for path, (name, key) in paths.items()}
        for path, (name, _) in paths.items():
            self.frames[name] = remembered(self.engine.scan([path]), facts[path].columns)
        self.outputs.update(refs)
        return refs

    def _untangle(self, node_id: str) -> Problem | None:
        """Store what has become tangled, once a node builds on some of it."""
        edges = self.request.graph.incoming[node_id]
        if not any(f"{edge.source}.{edge.source_port}" in self.tangled for edge in edges):
            return None
        names, self.tangled = list(self.tangled), {}
        for first in range(0, len(names), TANGLED_MAX):
            problem = self._store(names[first : first + TANGLED_MAX])
            if problem is not None:
                return problem
        return None

    def _store(self, names: Sequence[str]) -> Problem | None:
        """Store frames together, and report their nodes."""
        missing = [name for name in names if name in self.frames and name not in self.outputs]
        if not missing:
            return None
        meter = Meter()
        try:
            refs = self._sink({name: self.frames[name] for name in missing})
        except Exception as error:
            order = [node_id for node_id in self.request.graph.order() if node_id in self.request.graph.by_id]
            node_id = blame(self.engine, order, self.frames, self.request.graph) or missing[0].rpartition(".")[0]
            node = self.request.graph.by_id[node_id]
            return self._failed(node, self.registry.node(node.type), error, meter.spent())
        for node_id, own in _by_node(refs).items():
            if node_id not in self.finished:
                self._finish(node_id, meter.spent(), own)
        return None

    def _finish(
        self, node_id: str, spent: Spent, refs: dict[str, FrameRef], context: StepContext | None = None
    ) -> None:
        """Report a completed node with the counts that are known."""
        ports = {name.rpartition(".")[2]: ref for name, ref in refs.items()}
        result = context.result if context else None
        rejected = ports["error"].rows if "error" in ports else len(context.rejects) if context else 0
        main = [ref for port, ref in ports.items() if port != "error"]
        report = NodeFinished(
            node_id=node_id, status="completed", **spent._asdict(), rows_in=self._rows_in(node_id),
            rows_out=result.written if result else sum(ref.rows for ref in main) if main else None,
            rows_rejected=max(rejected, result.rejected if result else 0),
            bytes=sum(ref.bytes for ref in main) if main else None, outputs=ports,
        )  # fmt: skip
        if result is not None:
            report = _with(report, rows_in=result.written + result.rejected, asset=context.asset if context else None)
        self._report(report)

    def _report(self, report: NodeFinished) -> None:
        self.finished[report.node_id] = report
        self.emit(report)

    def _rows_in(self, node_id: str) -> int | None:
        names = [f"{e.source}.{e.source_port}" for e in self.request.graph.incoming[node_id]]
        refs = [self.outputs.get(name) or self.request.inputs.get(name) for name in names]
        return sum(ref.rows for ref in refs if ref) if refs and all(refs) else None

    def _failed(self, node: NodeSpec, kind: NodeType, error: Exception, spent: Spent) -> Problem | None:
        """Report a failed node; by its `on_error` the segment ends, or goes on with what there is."""
        if kind.manifest.effect not in {Effect.NONE, Effect.READ} and not self.observe:
            ids = [n.id for n in self.request.graph.nodes if n.id != node.id]
            guilty = blame(self.engine, ids, self.frames, self.request.graph)
            node = self.request.graph.by_id[guilty] if guilty else node
        problem = problem_of(error, node.id)
        if problem.code == "CANCELLED" or problem.retryable or node.on_error == "fail":
            if problem.code != "CANCELLED":
                self.emit(NodeFinished(node_id=node.id, status="failed", **spent._asdict(), error=problem))
                self._log(problem)
            return problem
        self._without(node, kind, problem, spent)
        return None

    def _without(self, node: NodeSpec, kind: NodeType, problem: Problem, spent: Spent) -> None:
        """Go on without the rows of a node that has failed: its failure is what there is."""
        for port in kind.manifest.outputs:
            self.frames.pop(f"{node.id}.{port.name}", None)
        self.frames[f"{node.id}.error"] = failure_frame(self.engine, problem, self.scratch)
        self._report(NodeFinished(node_id=node.id, status="failed", **spent._asdict(), error=problem))
        self._log(problem)

    def _log(self, problem: Problem) -> None:
        detail = {"detail": problem.detail} if problem.detail else {}
        self.emit(LogLine(message=problem.message, level="error", node_id=problem.node_id, fields=detail))


def _by_node(refs: Mapping[str, FrameRef]) -> dict[str, dict[str, FrameRef]]:
    found: dict[str, dict[str, FrameRef]] = {}
    for name, ref in refs.items():
        found.setdefault(name.rpartition(".")[0], {})[name] = ref
    return found


def _with(report: _T, **changes: Any) -> _T:
    import msgspec

    return msgspec.structs.replace(report, **changes)
