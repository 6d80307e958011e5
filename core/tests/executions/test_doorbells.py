"""Doorbells over Redis: who sleeps is woken, and one that there is no room for is told to the others."""

from __future__ import annotations

import queue

import pytest
from headrace.infra import wake
from headrace.infra.ids import new_id
from headrace.infra.queue import Bell, Doorbells, Ringer

WAITS_S = 20


@pytest.fixture
def hear(redis_url, monkeypatch):
    """Start a listener that never looks by itself; what it hears, and what it is called for."""
    monkeypatch.setattr(wake, "LOOK_S", 600)
    started = []
    namespace = f"headrace:test:{new_id()}"

    def start(*queues: str, room: bool = True):
        heard, called = queue.SimpleQueue(), queue.SimpleQueue()

        def handle(*bell) -> bool:
            heard.put(bell)
            return room

        doorbells = Doorbells(redis_url, handle, lambda: called.put("called"), queues=queues, namespace=namespace)
        doorbells.start()
        started.append(doorbells)
        return heard, called

    start.ringer = Ringer(redis_url, namespace=namespace)
    yield start
    for doorbells in started:
        doorbells.stop()
    start.ringer.close()


def ring(hear, name: str) -> tuple:
    bell = Bell(new_id(), new_id(), 3, name)
    hear.ringer.ring([bell])
    return (bell.organization_id, bell.execution_id, 3)


def test_who_sleeps_is_woken_by_each_ring(hear):
    heard, _ = hear("light", "io")
    for name in ("light", "io", "light", "light", "light"):
        bell = ring(hear, name)
        assert heard.get(timeout=WAITS_S) == bell


def test_what_was_rung_before_somebody_listened_is_heard(hear):
    bells = {ring(hear, "light") for _ in range(5)}
    heard, _ = hear("light")
    assert {heard.get(timeout=WAITS_S) for _ in bells} == bells


def test_no_room_for_a_doorbell_is_told_to_who_listens_to_its_queue(hear):
    _, called = hear("io")
    heard, mine = hear("light", room=False)
    bell = ring(hear, "light")
    assert heard.get(timeout=WAITS_S) == bell
    assert mine.get(timeout=WAITS_S) == "called"
    assert called.empty(), "it listens to another queue"
