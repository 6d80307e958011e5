"""Messages of a NATS JetStream subject, through a durable consumer of the trigger's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from headrace.sdk import AuthError, ConfigError, Received, SourceContext, SourceTrigger, TransientError

from headrace_node_triggers.broker_configs import NatsConfig
from headrace_node_triggers.brokers import Place, event, tls_context


class Nats(SourceTrigger[NatsConfig]):
    """A message is named by its place in the stream, so one that comes again counts once."""

    def __init__(self, config: NatsConfig, secrets: Any) -> None:
        super().__init__(config, secrets)
        self._loop: asyncio.Runner | None = None
        self._client: Any = None
        self._pull: Any = None
        self._given: list[Any] = []

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next messages.

        Raises:
            AuthError, ConfigError, TransientError: as the server answers.
        """
        from nats.errors import Error, NoServersError
        from nats.js.errors import NotFoundError

        self._loop = self._loop or asyncio.Runner()
        try:
            self._given = self._loop.run(self._fetch(ctx.trigger_id, wait_s))
        except NotFoundError:
            raise ConfigError(
                f"NATS has no stream '{self.config.stream}' with this subject; make it first", field="stream"
            ) from None
        except (NoServersError, OSError, TimeoutError) as error:
            raise TransientError("NATS does not answer; it is tried again", detail=repr(error)) from None
        except Error as error:
            if "authorization" in str(error).lower():
                raise AuthError("NATS refused user name or password; enter them again") from None
            raise TransientError("NATS refused for now; it is tried again", detail=repr(error)) from None
        found = []
        for message in self._given:
            place = message.metadata.sequence.stream
            facts = {"subject": message.subject, "stream": self.config.stream, "sequence": place}
            found.append(event(f"{self.config.stream}:{place}", message.data, facts))
        return Received(events=found, cursor=dict(cursor), more=True)

    async def _fetch(self, trigger_id: str, wait_s: float) -> list[Any]:
        import nats
        from nats.errors import TimeoutError as NothingCame

        if self._client is None:
            place = Place.of(self.config, 4222)
            secured = {"tls": tls_context(), "tls_hostname": place.name} if self.config.tls else {}
            self._client = await nats.connect(
                f"nats://{place.address}:{place.port}", connect_timeout=5, allow_reconnect=False,
                max_reconnect_attempts=1, reconnect_time_wait=0.2,
                user=self.secrets.username.reveal() or None, password=self.secrets.password.reveal() or None, **secured,
            )  # fmt: skip
            self._pull = await self._client.jetstream().pull_subscribe(
                self.config.subject, durable=f"headrace-{trigger_id}", stream=self.config.stream
            )
        try:
            messages: list[Any] = await self._pull.fetch(self.config.batch, timeout=wait_s)
        except NothingCame:
            return []
        return messages

    def accepted(self, received: Received) -> None:
        """Acknowledge."""
        if self._loop is not None:
            self._loop.run(self._acknowledge())

    async def _acknowledge(self) -> None:
        for message in self._given:
            await message.ack()
        self._given = []

    async def _give_back(self) -> None:
        """What was not acknowledged comes again at once, not after the server's patience."""
        for message in self._given:
            await message.nak()
        await self._client.close()

    def close(self) -> None:
        """Hang up; what is not acknowledged comes again."""
        if self._loop is not None:
            if self._client is not None and not self._client.is_closed:
                with suppress(Exception):  # over a link that is broken the server sees to it
                    self._loop.run(self._give_back())
            self._loop.close()
        self._loop = self._client = self._pull = None
        self._given = []
