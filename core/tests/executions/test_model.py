"""The pure model under every order of events that hypothesis finds: late, twice, forged, reordered."""

from __future__ import annotations

from headrace.engine.segments import Segment
from headrace.engine.ways import Need
from headrace.executions import model
from headrace.executions.state import SEGMENT_TERMINAL, TERMINAL, allowed
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

KINDS = ("complete", "complete", "complete", "fail", "retry", "crash", "release", "park")


@st.composite
def plans(draw) -> tuple[Segment, ...]:
    """A random graph of segments; some join any or some of their parents."""
    found = []
    for no in range(draw(st.integers(1, 7))):
        parents = draw(st.sets(st.integers(0, no - 1), max_size=3)) if no else set()
        needed = draw(st.none() | st.integers(1, len(parents))) if parents else None
        inputs = tuple(f"n{p}.out" for p in sorted(parents))
        each = needed is None and draw(st.booleans())
        groups = tuple((name,) for name in inputs) if each else ((inputs,) if inputs else ())
        found.append(
            Segment(no=no, node_ids=(f"n{no}",), depends_on=tuple(sorted(parents)), needed=needed, inputs=inputs,
                    keep=(f"n{no}.out",), needs=(Need(f"n{no}", groups),))
        )  # fmt: skip
    return tuple(found)


class Life(RuleBasedStateMachine):
    """Any number of workers, each with leases that it may report late or twice."""

    def __init__(self) -> None:
        super().__init__()
        self.state: model.State | None = None
        self.leases: list[tuple[int, int]] = []
        self.ends: list[str] = []
        self.successes: dict[int, int] = {}
        self.completed_in: list[int] = []
        self.undoing: list[int] = []

    @initialize(plan=plans(), held=st.booleans(), undoable=st.sets(st.integers(0, 6)),
                forgiving=st.sets(st.integers(0, 6)))  # fmt: skip
    def accept(self, plan, held, undoable, forgiving):
        self.state, effects = model.begin(plan, held=held, undoable=undoable, forgiving=forgiving)
        assert held or effects, "what may be claimed is rung"

    def apply(self, event) -> tuple[model.Effect, ...]:
        before, (self.state, effects) = self.state, model.step(self.state, event)
        for effect in effects:
            if isinstance(effect, model.Granted):
                part = before.parts[effect.no]
                done = [p for p in part.depends_on if before.parts[p].status in {"completed", "skipped"}]
                enough = part.live_needed is not None and bool(done)
                assert enough or len(done) == len(part.depends_on), "I4"
                assert before.closing is None, "I8"
                assert not before.held
                assert effect.fence > before.fence, "I9"
                self.leases.append((effect.no, effect.fence))
            elif isinstance(effect, model.Ended):
                self.ends.append(effect.status)
            elif isinstance(effect, model.Undo):
                self.undoing.append(effect.no)
        for old, new in zip(before.parts, self.state.parts, strict=True):
            assert old.status not in SEGMENT_TERMINAL or old.status == new.status, "a segment's end is its end"
            if old.status != "completed" == new.status:
                self.completed_in.append(new.no)
            self.successes[new.no] = self.successes.get(new.no, 0) + (old.status != "completed" == new.status)
        old, new = before.status, self.state.status
        at_once = new == "cancelled" and allowed(old, "cancelling")
        assert old == new or allowed(old, new) or at_once, f"{old} became {new}"
        return effects

    @rule(no=st.integers(0, 6))
    def claim(self, no):
        if no < len(self.state.parts):
            self.apply(model.Claim(no))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), what=st.sampled_from(KINDS), outputs=st.booleans(), later=st.booleans(), asks=st.booleans())
    def report(self, data, what, outputs, later, asks):
        no, fence = data.draw(st.sampled_from(self.leases))
        kept = frozenset({f"n{no}.out"} if outputs else ())
        report = model.Report(no, fence, what, outputs=kept, later=later, asks=asks)
        self.apply(report)
        again = self.state
        assert self.apply(report) == (model.Stale(fence),), "a duplicate is refused"
        assert self.state == again, "and changes nothing"

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def forged(self, data):
        no, fence = data.draw(st.sampled_from(self.leases))
        before = self.state
        self.apply(model.Report(no, fence + 1_000, "complete"))
        assert self.state == before

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def lost(self, data):
        self.apply(model.Lost(*data.draw(st.sampled_from(self.leases))))

    @rule(no=st.integers(0, 6), answered=st.booleans())
    def wake(self, no, answered):
        if no < len(self.state.parts):
            self.apply(model.Resume(no) if answered else model.Due(no))

    @rule(event=st.sampled_from((model.Cancel(), model.Overdue(), model.Admit(), model.Admit(), model.Admit())))
    def outside(self, event):
        self.apply(event)

    @rule(no=st.integers(0, 6), ok=st.booleans())
    def undone(self, no, ok):
        before = self.state
        self.apply(model.Undone(no, ok))
        assert (before == self.state) or before.due[0] == no, "only what is being undone is told about"

    @invariant()
    def holds(self):
        if self.state is None:
            return
        still = [part for part in self.state.parts if part.status not in SEGMENT_TERMINAL]
        assert self.state.segments_open == len(still), "I5"
        assert (self.state.status in TERMINAL) == (not still), "I2"
        assert self.ends == ([self.state.status] if not still else []), "I6"
        assert all(n <= 1 for n in self.successes.values()), "I3"
        movable = {"ready", "running", "retry_wait", "parked"}
        assert not still or any(part.status in movable for part in still), "nothing is stuck"
        done = [no for no in self.completed_in if no in self.state.undoable]
        failed = self.state.status in TERMINAL - {"completed"}
        assert self.undoing == (done[::-1][: len(self.undoing)] if failed else []), "I17: in reverse, once each"
        assert (self.state.compensation is None) == (not done or not failed)
        assert (self.state.compensation == "running") == bool(self.state.due)
        for part in still:
            if part.status == "waiting":
                left = sum(self.state.parts[p].status not in {"completed", "skipped"} for p in part.depends_on)
                assert part.deps_open == left > 0, "I5b"
                assert not model.lost(self.state, part), "what has lost its way is skipped at once"
        if self.state.closing is None and still:
            parked = {part.status for part in still} <= {"parked", "waiting"}
            assert (self.state.status == "waiting") >= parked, "what only waits is waiting"
            assert self.state.status != "waiting" or all(part.status != "running" for part in still)

    def teardown(self):
        """In peace, everything ends, and nothing that completed is done again."""
        if self.state is None:
            return
        self.apply(model.Admit())
        for _ in range(200):
            for part in self.state.parts:
                if part.status == "running":
                    what = "stopped" if self.state.closing else "complete"
                    self.apply(model.Report(part.no, part.fence, what, outputs=frozenset({f"n{part.no}.out"})))
                else:
                    self.apply(model.Due(part.no))
                    self.apply(model.Claim(part.no))
            if self.state.status in TERMINAL:
                break
        assert self.state.status in TERMINAL
        self.holds()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=40, stateful_step_count=35, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
