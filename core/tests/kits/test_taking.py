"""Messages that stay with the broker until they are stored: the rules hold, and each catches who breaks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from headrace.kits.records.connector import After
from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, ReadOptions
from headrace.kits.records.frames import Record
from headrace.kits.records.taking import MessagesConnector
from headrace.plugins.poll_triggers import poll_triggers
from headrace.sdk import Column, Config, ConfigError, ConnectorManifest, DataType, lazy, parse_config
from headrace.testing.connector_messages import TakingRules
from msgspec import structs


class TrayConfig(Config, kw_only=True):
    """Messages by their id; they are the broker."""

    tray: dict[int, dict[str, Any]]


class TrayOptions(ReadOptions, kw_only=True):
    """What becomes of the messages."""

    take: str = "peek"
    max_messages: int = 1_000


class Tray(MessagesConnector[TrayConfig]):
    """A queue in memory: what is read is hidden until it is given back or removed."""

    service = "Tray"
    kind = "queue"
    key = ("_id",)
    facts = (Column("_id", DataType.INTEGER, nullable=False, bits=64),)
    modes = ("append",)
    read_options = TrayOptions
    where = "the tray"

    def __init__(self, config: TrayConfig) -> None:
        super().__init__(config)
        self._held: dict[int, Any] = {}

    def ping(self) -> None:
        """It is there."""

    def names(self) -> Iterable[str]:
        """One queue."""
        return ["city"]

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Take one after another out of the tray."""
        while self.config.tray:
            number = min(self.config.tray)
            self._held[number] = self.config.tray.pop(number)
            yield {**self._held[number], "_id": number}

    def handed(self, name: str, options: Any) -> None:
        """Remove what is held."""
        if options.take == "consume":
            self._held = {}

    def released(self) -> None:
        """Put back what is held."""
        self.config.tray.update(self._held)
        self._held = {}


class AcknowledgesAtOnce(Tray):
    """Takes messages away before they are stored."""

    def released(self) -> None:
        """What was taken is gone."""
        self._held = {}


class NeverAcknowledges(Tray):
    """Messages come for ever."""

    def handed(self, name: str, options: Any) -> None:
        """Keep them."""


class NamesThemAnew(Tray):
    """The same message has another key each time."""

    key = ()
    facts = ()

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Without the id."""
        for record in super().records(name, after, options):
            yield {field: value for field, value in record.items() if field != "_id"}


class HoldsTooMany(Tray):
    """Takes more than was asked for."""

    def hold(self, most: int = 0) -> None:
        """All of them."""
        super().hold(0)


class DoesNotHold(Tray):
    """Acknowledges while it reads."""

    def hold(self, most: int = 0) -> None:
        """Nothing."""


class _Entry:
    def __init__(self, kind: type[Tray]) -> None:
        self._kind = kind
        self.manifest = ConnectorManifest(
            id="tray", title="Tray", category="nosql", config=TrayConfig, factory=lazy("tray:Tray"),
            capabilities=MESSAGES,
        )  # fmt: skip

    def open(self, config: dict[str, Any]) -> Tray:
        made = self._kind(TrayConfig(tray={}))
        made.config = config["tray"]
        return made


class _Rules(TakingRules):
    connector_id = "tray"
    patience_s = 1.0
    kind: type[Tray] = Tray

    def entry(self) -> Any:
        return _Entry(self.kind)


TAKEN = "test_what_was_taken_and_not_acknowledged_comes_again"
HELD = "test_a_read_that_is_held_takes_nothing_away_before_it_is_acknowledged"


@pytest.mark.parametrize(("kind", "rule", "honest"), [
    (Tray, TAKEN, True), (Tray, HELD, True), (AcknowledgesAtOnce, TAKEN, False), (NeverAcknowledges, TAKEN, False),
    (NamesThemAnew, TAKEN, False), (HoldsTooMany, HELD, False), (DoesNotHold, HELD, False),
])  # fmt: skip
def test_each_rule_catches_its_mutant(kind: type[Tray], rule: str, honest: bool) -> None:
    rules = _Rules()
    rules.kind = kind
    tray = {"tray": TrayConfig(tray={1: {"id": 1}, 2: {"id": 2}, 3: {"id": 5}})}
    check = getattr(rules, rule)
    if honest:
        check(tray, rules.entry().manifest)
    else:
        with pytest.raises((AssertionError, ConfigError)):
            check(tray, rules.entry().manifest)


class _Context:
    trigger_id = "t1"

    def __init__(self, connector: Tray) -> None:
        self._connector = connector

    def connector(self, connection: str) -> Tray:
        assert connection == "Tray"
        return self._connector

    def log(self, message: str, **fields: Any) -> None:
        """Nowhere."""


def test_a_declared_trigger_starts_with_each_message_and_acknowledges_what_is_stored() -> None:
    manifest = structs.replace(_Entry(Tray).manifest, triggers=(NEW_MESSAGE,), read_options=TrayOptions)
    (kind,) = poll_triggers(manifest)
    assert (kind.id, kind.kind, kind.title) == ("tray_message", "message", "Tray: new message")
    config = parse_config(kind.config, {"connection": "Tray", "stream": "city", "batch": 2})
    tray = TrayConfig(tray={1: {"id": 1}, 2: {"id": 2}, 3: {"id": 5}})
    source = kind.factory.load()(config, None)
    context = _Context(Tray(tray))
    first = source.receive(context, {}, wait_s=0)
    assert [(event.key, event.rows) for event in first.events] == [
        ("1", [{"id": 1, "_id": 1}]), ("2", [{"id": 2, "_id": 2}]),
    ]  # fmt: skip
    assert first.more
    again = source.receive(context, {}, wait_s=0)
    assert [event.key for event in again.events] == ["1", "2"], "nobody has said that they are stored"
    source.accepted(again)
    last = source.receive(context, {}, wait_s=0)
    assert ([event.key for event in last.events], last.more) == (["3"], False)
    source.accepted(last)
    assert tray.tray == {}
    assert source.receive(context, {}, wait_s=0).events == []
