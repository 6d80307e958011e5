"""The life of an execution as a pure function: `step(state, event)` gives the next state and what follows from it.

This is what the SQL of `statements.py` and `settle.py` must do; a test applies the same operations to both and
compares. It knows no time: `Due` says that a moment has come, `Lost` that a lease is over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from headrace.engine.segments import Segment
from headrace.engine.ways import Need, undone
from headrace.executions.state import CRASHES_MAX, SEGMENT_TERMINAL, TERMINAL

CLAIMABLE = frozenset({"ready", "retry_wait", "parked"})
_UNBEGUN = CLAIMABLE | {"waiting"}
_OPEN_STATES = frozenset({"queued", "running", "waiting"})
_Closing: TypeAlias = Literal["failed", "cancelled", "timed_out"]


class Part(Struct, frozen=True, kw_only=True):
    """A segment. `due`: its moment has come; `live_needed`: inputs a join still waits for; `asks`: a wait is open.

    `forgives`: its step continues or routes its failure; `given_up`: it gets its last turn, which does only that.
    `keep` is what it is to give, `outputs` what it gave; the rest are ways not taken. `needs` says what they decide.
    """

    no: int
    depends_on: tuple[int, ...] = ()
    children: tuple[int, ...] = ()
    inputs: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()
    needs: tuple[Need, ...] = ()
    outputs: frozenset[str] = frozenset()
    status: str = "waiting"
    deps_open: int = 0
    live_needed: int | None = None
    attempt: int = 0
    fence: int = 0
    crashes: int = 0
    errors: int = 0
    due: bool = True
    asks: bool = False
    forgives: bool = False
    given_up: bool = False


class State(Struct, frozen=True, kw_only=True):
    """An execution and its segments. `fence` is the newest that was given out.

    `undoable`: segments with a compensation; `armed`: those of them that completed, in that order; `due`: what is still
    to be undone, the next first; `not_undone`: what could not be.
    """

    parts: tuple[Part, ...]
    status: str = "queued"
    closing: _Closing | None = None
    segments_open: int = 0
    held: bool = False
    fence: int = 0
    undoable: frozenset[int] = frozenset()
    armed: tuple[int, ...] = ()
    due: tuple[int, ...] = ()
    not_undone: tuple[int, ...] = ()
    compensation: Literal["running", "compensated", "incomplete"] | None = None


class Claim(Struct, frozen=True):
    """A worker asks for a segment."""

    no: int


class Report(Struct, frozen=True):
    """What became of an attempt; `outputs` of one that completed, `later` of a retry, `asks` of one that parks."""

    no: int
    fence: int
    what: Literal["complete", "fail", "retry", "crash", "release", "stopped", "park"]
    outputs: frozenset[str] = frozenset()
    later: bool = False
    asks: bool = False


class Lost(Struct, frozen=True):
    """The lease is over: no heartbeat came."""

    no: int
    fence: int


class Due(Struct, frozen=True):
    """The moment that a segment waits for has come."""

    no: int


class Resume(Struct, frozen=True):
    """Somebody answers."""

    no: int


class Cancel(Struct, frozen=True):
    """Somebody ends the execution."""


class Overdue(Struct, frozen=True):
    """Its deadline has passed."""


class Admit(Struct, frozen=True):
    """A slot that it was held for is free."""


class Undone(Struct, frozen=True):
    """A compensation has ended: the effect of the segment is undone, or it is not."""

    no: int
    ok: bool


Event: TypeAlias = Claim | Report | Lost | Due | Resume | Cancel | Overdue | Admit | Undone


class Granted(Struct, frozen=True):
    """The worker holds the segment with this fence."""

    no: int
    fence: int


class Ring(Struct, frozen=True):
    """Segments that may be claimed now."""

    nos: tuple[int, ...]


class Stale(Struct, frozen=True):
    """A report was refused: somebody else holds the segment, or it has ended."""

    fence: int


class Ended(Struct, frozen=True):
    """The execution is final."""

    status: str


class Undo(Struct, frozen=True):
    """The compensation of a segment begins."""

    no: int


Effect: TypeAlias = Granted | Ring | Stale | Ended | Undo
Next: TypeAlias = tuple[State, tuple[Effect, ...]]


def begin(
    segments: Sequence[Segment], *, held: bool = False, undoable: Collection[int] = (), forgiving: Collection[int] = ()
) -> Next:
    """An accepted execution."""
    parts = tuple(
        Part(
            no=s.no, depends_on=s.depends_on, inputs=frozenset(s.inputs), deps_open=len(s.depends_on),
            keep=frozenset(s.keep), needs=s.needs, forgives=s.no in forgiving,
            children=tuple(c.no for c in segments if s.no in c.depends_on), live_needed=s.needed,
            status="waiting" if s.depends_on else "ready",
        )
        for s in segments
    )  # fmt: skip
    state = State(parts=parts, segments_open=len(parts), held=held, undoable=frozenset(undoable))
    return _ring(state, [p.no for p in parts if p.status == "ready"]) if parts else _close(state)


def step(state: State, event: Event) -> Next:
    """What the event makes of the state. An event that comes twice, late, or from nobody changes nothing."""
    match event:
        case Claim(no):
            return _claim(state, no)
        case Report(no, fence):
            if not _holds(state, no, fence):
                return state, (Stale(fence),)
            return _settle(state, _part(state, no), event)
        case Lost(no, fence):
            return _crash(state, _part(state, no)) if _holds(state, no, fence) else (state, ())
        case Due(no):
            part = _part(state, no)
            return (_put(state, replace(part, due=True)) if part and part.status in CLAIMABLE else state), ()
        case Resume(no):
            part = _part(state, no)
            if part is None or not (part.status == "parked" and part.asks):
                return state, ()
            return _ring(_put(state, replace(part, status="ready", due=True, asks=False)), [no])
        case Cancel() | Overdue():
            if state.status not in _OPEN_STATES or state.closing:
                return state, ()
            return _pass(*_begin_closing(state, "cancelled" if isinstance(event, Cancel) else "timed_out"))
        case Undone(no, ok):
            if state.compensation != "running" or state.due[:1] != (no,):
                return state, ()
            return _undo(replace(state, due=state.due[1:], not_undone=state.not_undone + (() if ok else (no,))))
        case Admit():
            free = replace(state, held=False)
            return _ring(free, [p.no for p in state.parts if p.status == "ready"]) if state.held else (state, ())


def _part(state: State, no: int) -> Part:
    return state.parts[no]


def _put(state: State, *changed: Part) -> State:
    by_no = {part.no: part for part in changed}
    return replace(state, parts=tuple(by_no.get(part.no, part) for part in state.parts))


def _holds(state: State, no: int, fence: int) -> bool:
    part = _part(state, no)
    return part.status == "running" and part.fence == fence


def _ring(state: State, nos: Sequence[int]) -> Next:
    return state, ((Ring(tuple(nos)),) if nos and not state.held else ())


def _claim(state: State, no: int) -> Next:
    part = _part(state, no)
    if state.status not in _OPEN_STATES or state.closing or state.held or part.status not in CLAIMABLE or not part.due:
        return state, ()
    fence = state.fence + 1
    taken = replace(part, status="running", attempt=part.attempt + 1, fence=fence, asks=False)
    return replace(_put(state, taken), status="running", fence=fence), (Granted(no, fence),)


def _settle(state: State, part: Part, report: Report) -> Next:
    if report.what == "complete":
        return _complete(state, part, report.outputs)
    if report.what == "fail":
        return _give_up(state, part) or _fail(state, part, "failed")
    if report.what == "crash":
        return _crash(state, part)
    if report.what == "stopped" or state.closing:
        return _pass(_put(state, replace(part, status="cancelled")), 1)
    if report.what == "park":
        return _rest(_put(state, replace(part, status="parked", due=False, asks=report.asks))), ()
    errors = part.errors + (report.what == "retry")
    again = _put(state, replace(part, status="retry_wait", due=not report.later, errors=errors))
    return _ring(again, [] if report.later else [part.no])


def _complete(state: State, part: Part, outputs: frozenset[str]) -> Next:
    done = replace(part, status="completed", outputs=outputs)
    armed = state.armed + ((part.no,) if part.no in state.undoable else ())
    state, ended = replace(_put(state, done), armed=armed), [done]
    ready: set[int] = set()
    skipped = 0
    while ended:
        done = ended.pop(0)
        freed = [_freed(_part(state, no), done) for no in done.children if _part(state, no).status == "waiting"]
        state = _put(state, *freed)
        left_out = done.keep - done.outputs
        off = [replace(child, status="skipped") for child in freed if child.inputs & left_out and lost(state, child)]
        ready = (ready | {child.no for child in freed if child.status == "ready"}) - {child.no for child in off}
        state, ended, skipped = _put(state, *off), ended + off, skipped + len(off)
    state, rung = _ring(state, sorted(ready))
    state, closed = _pass(state, 1 + skipped)
    return state, rung + closed


def _freed(part: Part, done: Part) -> Part:
    """A segment that waits for one thing less."""
    needed = None if part.live_needed is None else part.live_needed - bool(part.inputs & done.outputs)
    goes = part.deps_open == 1 or (needed is not None and needed <= 0)
    status = "ready" if goes else "waiting"
    return replace(part, deps_open=part.deps_open - 1, live_needed=needed, status=status)


def lost(state: State, part: Part) -> bool:
    """Whether no step of a segment will be executed, because of ways that are not taken."""
    before = (_part(state, no) for no in part.depends_on)
    gone = {name for p in before if p.status in {"completed", "skipped"} for name in p.keep - p.outputs}
    return bool(part.needs) and len(undone(part.needs, gone & part.inputs)) == len(part.needs)


def _crash(state: State, part: Part) -> Next:
    died = replace(part, crashes=part.crashes + 1)
    if state.closing:
        return _pass(_put(state, replace(died, status="cancelled")), 1)
    if part.crashes >= CRASHES_MAX:
        return _give_up(state, died) or _fail(state, died, "dead")
    return _ring(_put(state, replace(died, status="retry_wait", due=True)), [part.no])


def _give_up(state: State, part: Part) -> Next | None:
    if state.closing or not part.forgives or part.given_up:
        return None
    return _ring(_put(state, replace(part, status="retry_wait", due=True, given_up=True)), [part.no])


def _fail(state: State, part: Part, status: str) -> Next:
    closing, dropped = _begin_closing(_put(state, replace(part, status=status)), state.closing or "failed")
    return _pass(closing, 1 + dropped)


def _begin_closing(state: State, closing: _Closing) -> tuple[State, int]:
    """Drop what has not begun. Returns how many were dropped."""
    status = "cancelled" if closing == "cancelled" else "skipped"
    dropped = [replace(p, status=status, asks=False) for p in state.parts if p.status in _UNBEGUN]
    shown = "cancelling" if closing == "cancelled" else state.status
    return replace(_put(state, *dropped), closing=closing, status=shown), len(dropped)


def _pass(state: State, ended: int) -> Next:
    left = state.segments_open - ended
    state = replace(state, segments_open=left)
    return (_rest(state), ()) if left else _close(state)


def _rest(state: State) -> State:
    """An execution of which all that is open is parked is waiting."""
    busy = any(part.status in {"ready", "running", "retry_wait"} for part in state.parts)
    parked = any(part.status == "parked" for part in state.parts)
    waits = state.status == "running" and state.closing is None and parked and not busy
    return replace(state, status="waiting") if waits else state


def _close(state: State) -> Next:
    if state.status in TERMINAL or any(part.status not in SEGMENT_TERMINAL for part in state.parts):
        return state, ()
    status = state.closing or "completed"
    state = replace(state, status=status)
    if status == "completed" or not state.armed:
        return state, (Ended(status),)
    state, undo = _undo(replace(state, due=state.armed[::-1]))
    return state, (Ended(status), *undo)


def _undo(state: State) -> Next:
    """One after the other, the newest effect first."""
    if state.due:
        return replace(state, compensation="running"), (Undo(state.due[0]),)
    return replace(state, compensation="incomplete" if state.not_undone else "compensated"), ()
