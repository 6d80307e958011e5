"""Messages of a stream, as events: each is acknowledged once its event is stored, and starts one execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.sdk.connectors import Connector, Taking
from headrace.sdk.triggers import Event, Received, SourceContext, SourceTrigger


class Taker(SourceTrigger[Any]):
    """Takes from one stream of a connection."""

    _connector: Connector[Any] | None = None

    @property
    def every_s(self) -> float:
        """Between two looks when there was nothing."""
        return float(self.config.every_seconds)

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next messages.

        Raises:
            HeadraceError: as the connector says.
        """
        self._connector = ctx.connector(self.config.connection)
        taken = self._connector.take(Taking(
            stream=self.config.stream, reader=f"headrace-{ctx.trigger_id}", cursor=cursor, most=self.config.batch,
            wait_s=wait_s, first=self.config.first,
        ))  # fmt: skip
        about = {"stream": self.config.stream}
        events = [
            Event(key=one.key, rows=[one.row], data={"message": {**about, "key": one.key}}) for one in taken.messages
        ]
        return Received(events=events, cursor=dict(taken.cursor), more=taken.more)

    def accepted(self, received: Received) -> None:
        """The other side may forget them."""
        if self._connector is not None:
            self._connector.acknowledge()
