"""Child process: executes segments, each in a thread, reports over a pipe, may be killed at any time.

It gets no database address, no key and no secret of its parent; connections come with the order. What a plugin prints
goes to stderr: the pipe is ours.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sized
from functools import partial
from typing import BinaryIO

from headrace.engine.hosts import Line
from headrace.engine.messages import (
    Cancel,
    Committed,
    HostTold,
    NodeFinished,
    NodeProgress,
    NodeStarted,
    Report,
    SegmentFailed,
    SegmentRequest,
)
from headrace.infra.confine import close_to_others
from headrace.plugins.manager import Host, load_plugins
from headrace.worker.wire import FromRunner, Ready, Reported, frame, read_order

_PR_SET_PDEATHSIG = 1
PROGRESS_S, PROGRESS_EACH_S = 0.1, 0.005
"""Between reports of progress of a segment: at least so long, and so long for each that is in work."""
KEPT_S = 0.01
"""How long the report of a step may be kept for others."""
SWITCH_S = 0.001
"""How long one of many segments keeps the others, and who hears that one is to stop, from the interpreter."""


def main(parent: int) -> int:
    """Serve orders until the supervisor closes the pipe."""
    confine(parent)
    sys.setswitchinterval(SWITCH_S)
    orders, reports = take_pipes()
    writer = _Writer(reports)
    host = _load()
    writer.send(0, Ready(host.plugin_set_hash))
    stops: dict[int, threading.Event] = {}
    lines: dict[int, Line] = {}
    while True:
        asked = read_order(orders)
        if asked is None:
            os._exit(0)
        if isinstance(asked.order, Cancel):
            stop = stops.get(asked.no)
            if stop is not None:
                stop.set()
            continue
        if isinstance(asked.order, Committed):
            if asked.no in lines:
                lines[asked.no].committed(asked.order)
            continue
        if isinstance(asked.order, HostTold):
            if asked.no in lines:
                lines[asked.no].told(asked.order)
            continue
        stop = stops[asked.no] = threading.Event()
        lines[asked.no] = Line(partial(writer.send, asked.no))
        given = (asked.no, asked.order, host, writer, stop, stops, lines)
        threading.Thread(target=_serve, args=given, daemon=True).start()


def _serve(
    no: int, request: SegmentRequest, host: Host, writer: _Writer, stop: threading.Event,
    stops: dict[int, threading.Event], lines: dict[int, Line],
) -> None:  # fmt: skip
    """Execute one segment; how many there are at a time is the supervisor's to say."""
    from headrace.engine.execute import execute_segment
    from headrace.engine.problems import problem_of

    try:
        result: Report = execute_segment(request, host.registry, _Teller(writer, no, stops), stop.is_set, lines[no])
    except Exception as error:
        result = SegmentFailed(problem_of(error))
    del stops[no], lines[no]
    writer.send(no, result)


class _Teller:
    """Sends reports of a segment; progress every now and then, the more seldom the more segments there are."""

    def __init__(self, writer: _Writer, no: int, others: Sized) -> None:
        self._writer, self._no, self._others = writer, no, others
        self._next_at = 0.0
        self._first = True

    def __call__(self, report: Report) -> None:
        if isinstance(report, NodeProgress):
            if (now := time.monotonic()) < self._next_at:
                return
            self._next_at = now + max(PROGRESS_S, PROGRESS_EACH_S * len(self._others))
        self._writer.send(self._no, report, soon=self._first or not isinstance(report, NodeStarted | NodeFinished))
        self._first = False


class _Writer:
    """Sends reports from any thread: soon, or a little later together with others."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._kept = threading.Event()
        threading.Thread(target=self._send_kept, daemon=True).start()

    def send(self, no: int, report: FromRunner, *, soon: bool = True) -> None:
        body = frame(Reported(no, report))
        with self._lock:
            self._pipe.write(body)
            if soon:
                self._pipe.flush()
                self._kept.clear()
                return
        self._kept.set()

    def _send_kept(self) -> None:
        while self._kept.wait():
            time.sleep(KEPT_S)
            with self._lock:
                self._pipe.flush()
                self._kept.clear()


def confine(parent: int) -> None:
    """Nothing for others to read, death with the supervisor, no signals meant for it."""
    close_to_others()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Private copies of stdin and stdout; what plugins see there is nothing, and stderr."""
    orders, reports = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return orders, reports


def _load() -> Host:
    """Plugins, and the libraries that the first segment would wait for."""
    importlib.import_module("headrace.engine.execute")
    host = load_plugins()
    for engine in host.registry.engines.values():
        engine.factory.load()
    return host


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
