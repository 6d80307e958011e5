"""Files that arrive, with the files connector and a real folder: each once, none half-written, the place bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, parse_config
from headrace_node_triggers import headrace_triggers
from headrace_node_triggers.files import Files

TYPE = next(one for one in headrace_triggers() if one.id == "file")
OLD = (1_500_000_000, 1_500_000_000)


class Context:
    """One connection, to one folder."""

    trigger_id = "t"

    def __init__(self, connector) -> None:
        self._connector = connector

    def connector(self, connection: str):
        return self._connector

    def log(self, message, **fields):
        pass


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def ctx(inbox: Path) -> Iterator[Context]:
    connector = load_plugins(only=["connector-local_files"], strict=True).registry.connector("local_files")
    opened = connector.open({"root": "."})
    yield Context(opened)
    opened.close()


class Clock:
    """Stands still until it is told."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("headrace_node_triggers.files.time", made)
    return made


def source(**config) -> Files:
    given = {"connection": "files", "path": "inbox/*.csv", "settle_seconds": 0, **config}
    return TYPE.factory.load()(parse_config(TYPE.config, given), None)


def look(watcher: Files, ctx: Context, cursor: dict) -> tuple[list[list[str]], dict]:
    """Names of each event, and the place after all of them."""
    found = []
    while True:
        received = watcher.receive(ctx, cursor, wait_s=0)
        found += [[row["name"] for row in event.rows] for event in received.events]
        cursor = msgspec.json.decode(msgspec.json.encode(received.cursor))
        if not received.more:
            return found, cursor


def test_what_is_there_at_first_is_known_and_each_new_file_comes_once(inbox, ctx):
    (inbox / "old.csv").write_text("a")
    _, place = look(source(), ctx, {})
    (inbox / "b.csv").write_text("b")
    (inbox / "a.csv").write_text("a")
    (inbox / "other.txt").write_text("no")
    (inbox / ".hidden.csv").write_text("no")
    os.utime(inbox / "a.csv", OLD)
    assert look(source(), ctx, place)[0] == [["a.csv"], ["b.csv"]], "an old time is no reason to miss one"
    found, place = look(source(), ctx, place)
    assert look(source(), ctx, place)[0] == []
    (inbox / "a.csv").write_text("changed")
    found, place = look(source(), ctx, place)
    assert found == [["a.csv"]]
    (inbox / "b.csv").unlink()
    _, place = look(source(), ctx, place)
    (inbox / "b.csv").write_text("b, once more")
    assert look(source(), ctx, place)[0] == [["b.csv"]]


def test_facts_of_the_file_and_the_key_of_its_event(inbox, ctx):
    (inbox / "a.csv").write_text("abc")
    os.utime(inbox / "a.csv", OLD)
    first, again = (source(first="all").receive(ctx, {}, wait_s=0).events for _ in range(2))
    assert msgspec.to_builtins(first[0].rows) == [{
        "path": "inbox/a.csv", "folder": "inbox", "name": "a.csv", "size_bytes": 3,
        "modified_at": "2017-07-14T02:40:00Z",
    }]  # fmt: skip
    assert first[0].key == again[0].key, "delivered twice, it is the same event"
    (inbox / "a.csv").write_text("abd")
    assert source(first="all").receive(ctx, {}, wait_s=0).events[0].key != first[0].key


def test_a_file_that_is_being_written_is_left_until_it_settles(inbox, ctx, clock):
    watcher = source(first="all", settle_seconds=0.2, every_seconds=60)
    with (inbox / "growing.csv").open("w") as out:
        for _ in range(4):
            out.write("more\n")
            out.flush()
            assert watcher.receive(ctx, {"known": ""}, wait_s=0).events == []
            clock.now += 0.1
    assert watcher.every_s == 1, "it is looked at again soon"
    assert watcher.receive(ctx, {"known": ""}, wait_s=0).events == []
    clock.now += 0.25
    (event,) = watcher.receive(ctx, {"known": ""}, wait_s=0).events
    assert event.rows[0]["size_bytes"] == 20
    assert watcher.every_s == 60


def test_what_has_settled_is_given_in_parts_from_one_look(inbox, ctx, clock, monkeypatch):
    monkeypatch.setattr("headrace_node_triggers.files.EVENTS_MAX", 2)
    for number in range(5):
        (inbox / f"{number}.csv").write_text("x")
    watcher = source(first="all", settle_seconds=0.2)
    found, place = look(watcher, ctx, {})
    assert found == []
    clock.now += 0.25
    found, place = look(watcher, ctx, place)
    assert sorted(found) == [[f"{number}.csv"] for number in range(5)]
    assert look(watcher, ctx, place)[0] == []


def test_changes_do_not_count_where_they_are_not_asked_for(inbox, ctx):
    (inbox / "a.csv").write_text("a")
    found, place = look(source(first="all", changed=False), ctx, {})
    assert found == [["a.csv"]]
    (inbox / "a.csv").write_text("longer")
    assert look(source(changed=False), ctx, place)[0] == []


def test_a_batch_is_one_event_of_bounded_size(inbox, ctx):
    for number in range(5):
        (inbox / f"{number}.csv").write_text("x")
        os.utime(inbox / f"{number}.csv", (number, number))
    found, _ = look(source(first="all", start="batch", batch_files=3), ctx, {})
    assert found == [["0.csv", "1.csv", "2.csv"], ["3.csv", "4.csv"]]


def test_ten_thousand_files_each_once_and_the_place_stays_small(inbox, ctx):
    (inbox / "deep").mkdir()
    for number in range(10_000):
        (inbox / ("deep" if number % 2 else "") / f"{number}.csv").touch()
    found, place = look(source(path="inbox/**/*.csv", first="all"), ctx, {})
    names = [name for event in found for name in event]
    assert len(names) == 10_000
    assert set(names) == {f"{number}.csv" for number in range(10_000)}
    assert len(msgspec.json.encode(place)) < 120_000
    for path in (inbox / "deep").iterdir():
        path.unlink()
    _, place = look(source(path="inbox/**/*.csv"), ctx, place)
    assert len(msgspec.json.encode(place)) < 60_000, "what is gone is forgotten"


def test_a_name_that_is_no_text_does_not_stop_the_others(inbox, ctx):
    (inbox / os.fsdecode(b"\xff.csv")).write_text("x")
    (inbox / "good.csv").write_text("x")
    received = source(first="all").receive(ctx, {}, wait_s=0)
    assert len(msgspec.json.decode(msgspec.json.encode(received))["events"]) == 2


@pytest.mark.parametrize(("path", "said"), [
    ("nowhere/*.csv", "there is no folder 'nowhere' in .*; create it or correct the path"),
    ("../*.csv", "leads out of the connection's folder"),
    ("/etc/*", "write a relative path"),
])  # fmt: skip
def test_a_wrong_place_is_told(ctx, path, said):
    with pytest.raises(ConfigError, match=said):
        source(path=path).receive(ctx, {}, wait_s=0)


def test_too_many_files_and_a_connection_without_files_are_told(inbox, ctx, monkeypatch):
    monkeypatch.setattr("headrace_node_triggers.files.FILES_MAX", 2)
    for number in range(3):
        (inbox / f"{number}.csv").touch()
    with pytest.raises(ConfigError, match="more than 2 files; narrow it"):
        source().receive(ctx, {}, wait_s=0)
    entry = load_plugins(only=["connector-sqlite"], strict=True).registry.connector("sqlite")
    with pytest.raises(ConfigError, match="this connection has no files"):
        source().receive(Context(entry.open({"path": "x.db"})), {}, wait_s=0)
