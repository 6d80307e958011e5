"""The work: a reader leaves a topic as it is, a subscription is acknowledged when rows were handed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from headrace.kits.records.connector import After, Given, Write
from headrace.kits.records.frames import Record
from headrace.kits.records.messages import bodies, fields_of, text_of
from headrace.kits.records.place import Place
from headrace.kits.records.spool import Part, Spool
from headrace.kits.records.taking import MessagesConnector
from headrace.sdk import AuthError, Column, ConfigError, DataType, HeadraceError

from headrace_connector_pulsar import PulsarConfig, PulsarReadOptions, PulsarWriteOptions

BODY_BYTES = 5_000_000
WAIT_S = 15
_DENIED = ("Authentication", "Authorization")
_WRONG = ("TopicNotFound", "InvalidTopicName", "ConsumerBusy", "ProducerBusy", "Incompatible", "UnsupportedVersion",
          "InvalidConfiguration", "InvalidUrl", "MessageTooBig", "NotAllowed")  # fmt: skip
"""Parts of the names of the driver's errors, which it has one for each answer of a broker."""


class PulsarConnector(MessagesConnector[PulsarConfig]):
    """One cluster."""

    service = "Pulsar"
    kind = "topic"
    key = ("_id",)
    facts = (
        Column("_id", DataType.TEXT, nullable=False), Column("_at", DataType.TIMESTAMP, zone="UTC"),
        Column("_key", DataType.TEXT), Column("_properties", DataType.JSON),
        Column("_redelivered", DataType.INTEGER, bits=64),
    )  # fmt: skip
    modes = ("append",)
    read_options = PulsarReadOptions
    write_options = PulsarWriteOptions
    _client: Any = None
    _reading: Any = None
    _producer: Any = None

    def __init__(self, config: PulsarConfig) -> None:
        super().__init__(config)
        self._held: list[Any] = []

    def url(self) -> str:
        """The service address; of a judged address, or by name where a certificate is checked."""
        config, place = self.config, Place.of(self.config.host, self.config.port)
        host = f"[{config.host}]" if ":" in config.host else config.host
        return f"pulsar+ssl://{host}:{config.port}" if config.tls else f"pulsar://{place.netloc}"

    def _link(self) -> Any:
        if self._client is None:
            url, driver = self.url(), _driver()
            token = self.config.token.reveal()
            opened = driver.Client
            self._client = opened(
                url, authentication=driver.AuthenticationToken(token) if token else None,
                operation_timeout_seconds=WAIT_S, connection_timeout_ms=5_000, logger=driver.ConsoleLogger(
                    driver.LoggerLevel.Error
                ), tls_trust_certs_file_path=self.config.authority_path or None, tls_validate_hostname=True,
            )  # fmt: skip
        return self._client

    def ping(self) -> None:
        """Partitions of a topic; any will do."""
        self.hang_up()
        self._link().get_topic_partitions((self.config.topics or ["persistent://public/default/headrace"])[0])

    def names(self) -> Iterable[str]:
        """As the connection says, once the cluster answers."""
        self.ping()
        return self.config.topics

    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """What is there now, or what a subscription has not acknowledged."""
        driver, self._held = _driver(), []
        take = self._subscribed(name, options.subscription) if options.subscription else self._read(name)
        for _ in range(options.max_messages):
            try:
                message = take()
            except driver.Timeout:
                return
            if message is None:
                return
            self._held.append(message)
            yield record_of(message)

    def _read(self, name: str) -> Any:
        self._reading = reader = self._link().create_reader(name, _driver().MessageId.earliest)
        return lambda: reader.read_next(WAIT_S * 1000) if reader.has_message_available() else None

    def _subscribed(self, name: str, subscription: str) -> Any:
        driver, quiet = _driver(), int(self.quiet_s * 1000)
        place = driver.InitialPosition
        self._reading = consumer = self._link().subscribe(
            name, subscription, consumer_type=driver.ConsumerType.Shared,
            initial_position=place.Latest if self._first_is == "new" else place.Earliest,
        )  # fmt: skip
        return lambda: consumer.receive(quiet)

    def handed(self, name: str, options: Any) -> None:
        """Acknowledge what was handed on, if there is a subscription."""
        held, self._held = self._held, []
        if options.subscription:
            for message in held:
                self._reading.acknowledge(message)

    def released(self) -> None:
        """A subscription gets back what it did not acknowledge."""
        reading, self._reading, self._held = self._reading, None, []
        if reading is not None:
            reading.close()

    def begin(self, write: Write, spool: Spool) -> None:
        """A producer named by the effect, so that a broker knows a repeat."""
        self._producer = self._link().create_producer(
            write.name, producer_name=f"headrace-{spool.effect}", block_if_queue_full=True, batching_enabled=False,
            send_timeout_millis=WAIT_S * 1000,
        )  # fmt: skip

    def give(self, write: Write, part: Part) -> Given:
        """Send in order, each with the number of its row."""
        made, rejects = bodies(part, BODY_BYTES)
        for index, body in made.items():
            keyed = write.options.key_column
            key = text_of(part.records[index], keyed) if keyed else ""
            self._producer.send(body, partition_key=key or None, sequence_id=part.first + index,
                                properties={"headrace_id": part.ids[index]})  # fmt: skip
        return Given(0, rejects)

    def end(self, write: Write, spool: Spool) -> None:
        """Close the producer; all was answered."""
        producer, self._producer = self._producer, None
        producer.close()

    def trouble(self, error: Exception) -> HeadraceError | None:
        """By the name of the driver's error; it has one for each answer of a broker."""
        if not type(error).__module__.startswith(("_pulsar", "pulsar")):
            return None
        name = type(error).__name__
        if name.startswith(_DENIED):
            said = f"{self.where} refuses the token, or it does not allow this; correct it in the connection"
            return AuthError(said, detail=repr(error), field="token")
        if name.startswith(_WRONG):
            said = f"{self.where} refuses ({name}); correct the topic, or what else uses its subscription"
            return ConfigError(said, detail=repr(error), field="stream")
        return self.away(error)

    def hang_up(self) -> None:
        """Close the links."""
        client, self._client, self._reading, self._producer = self._client, None, None, None
        if client is not None:
            client.close()


def record_of(message: Any) -> Record:
    """A message as a row."""
    return {
        **fields_of(message.data()), "_id": str(message.message_id()),
        "_at": datetime.fromtimestamp(message.publish_timestamp() / 1000, UTC), "_key": message.partition_key() or None,
        "_properties": message.properties() or None, "_redelivered": message.redelivery_count(),
    }  # fmt: skip


def _driver() -> Any:
    try:
        return import_module("pulsar")
    except ImportError:
        raise ConfigError(
            "the driver of Apache Pulsar is not installed; install headrace-connector-pulsar[driver]"
        ) from None
