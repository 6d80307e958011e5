"""The contract, on moto's server; what is published is looked at in a queue that has subscribed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, Connector, DataError, parse_config
from headrace.testing.aws import aws_config, client
from headrace.testing.connector_base import nasty
from headrace.testing.no_streams import no_streams
from headrace.testing.readme_flow import execute_readme
from headrace.testing.records import CITIES, RecordsContract

_NO_ROWS = "a topic keeps nothing to read; the tests below look into a queue that has subscribed"


class Inbox:
    """A queue behind a topic."""

    def __init__(self, config: dict[str, Any], topic: str) -> None:
        self.sns, self.sqs = client("sns", config), client("sqs", config)
        ends = ".fifo" if topic.endswith(".fifo") else ""
        self.arn = self.sns.create_topic(Name=topic, Attributes={"FifoTopic": "true"} if ends else {})["TopicArn"]
        attributes = {"FifoQueue": "true"} if ends else {}
        self.url = self.sqs.create_queue(QueueName=f"inbox_of_{topic}", Attributes=attributes)["QueueUrl"]
        queue = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(
            TopicArn=self.arn, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
        )  # fmt: skip

    def messages(self) -> list[dict[str, Any]]:
        """What has come, taken out."""
        found: list[dict[str, Any]] = []
        while got := self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", []):
            found += got
            for one in got:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"])
        return found

    def rows(self) -> list[Any]:
        """The bodies, decoded."""
        return [json.loads(one["Body"]) for one in self.messages()]


@pytest.fixture
def config() -> Iterator[dict[str, Any]]:
    config = aws_config(region="us-west-2")
    topics, queues = client("sns", config), client("sqs", config)
    for topic in topics.list_topics()["Topics"]:
        topics.delete_topic(TopicArn=topic["TopicArn"])
    for url in queues.list_queues().get("QueueUrls", ()):
        queues.delete_queue(QueueUrl=url)
    topics.create_topic(Name="city")
    yield config
    topics.close()
    queues.close()


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-sns"], strict=True).registry.connector("sns").open(config)


class TestSns(RecordsContract):
    connector_id = "sns"
    action_inputs = {"publish": {"topic": "city", "message": "Bern", "subject": "A city", "attributes": {"kind": "x"}}}
    skip_reasons = {
        **{rule: why for rule, why in no_streams(_NO_ROWS).items() if "discover" not in rule},
        **dict.fromkeys(
            (
                "test_nasty_values_come_back_equal", "test_decimals_are_exact", "test_time_zones_keep_the_instant",
                "test_append_adds_and_overwrite_replaces", "test_a_failing_source_leaves_nothing",
                "test_a_field_that_comes_late_is_told_or_kept", "test_batches_are_bounded",
                "test_many_rows_in_bounded_memory",
            ),
            _NO_ROWS,
        ),
        "test_the_same_effect_key_is_one_effect": "class C: a FIFO topic leaves out repeats, see below",
        "test_a_repeated_action_has_one_effect": "class C: a FIFO topic leaves out repeats, see below",
    }  # fmt: skip

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "endpoint_url": "http://169.254.169.254", "secret_access_key": "s3cret-and-wrong"}

    def effects(self, connector: Connector[Any], action: str) -> int:
        raise NotImplementedError(action)

    def test_the_readme_has_an_example_that_runs(self, config: dict[str, Any]) -> None:
        """Overrides the shared rule: rows come from a queue, as a topic has none."""
        inbox, queues = Inbox(config, "large_city"), client("sqs", config)
        url = queues.create_queue(QueueName="announced_city")["QueueUrl"]
        for one in CITIES:
            queues.send_message(QueueUrl=url, MessageBody=json.dumps(one))
        queues.close()
        here = {"Queues": ("sqs", config), "Topics": ("sns", config)}
        finished = execute_readme(Path(__file__).parents[1], here)
        assert finished["large"].rows_out == 1
        (message,) = inbox.messages()
        assert json.loads(message["Body"]) == CITIES[2]
        assert message["MessageAttributes"]["name"]["StringValue"] == "Riga"


def test_rows_reach_a_subscriber_whole_or_not_at_all(config: dict[str, Any]) -> None:
    inbox = Inbox(config, "rows")
    options = {"attribute_columns": ["name"]}
    with closing(opened(config)) as connector:
        odd = nasty()
        assert connector.write("rows", iter([odd.head(2), odd.slice(2)])).written == odd.height
        assert len(inbox.rows()) == odd.height

        def failing() -> Iterator[pl.DataFrame]:
            yield odd
            raise DataError("the source failed")

        with pytest.raises(DataError, match="the source failed"):
            connector.write("rows", failing())
        with pytest.raises(ConfigError, match="overwrite"):
            connector.write("rows", iter([odd]), mode="overwrite")
        assert inbox.rows() == []

        told: list[Any] = []
        entry = load_plugins(only=["connector-sns"], strict=True).registry.connector("sns")
        given = parse_config(entry.manifest.write_options, options)
        frame = pl.DataFrame({"id": range(25), "name": ["x"] * 22 + [None, "y" * 24_000, "z" * 13_000]})
        done = connector.write("rows", iter([frame]), options=given, reject=told.extend)
        assert (done.written, done.rejected) == (23, 2)
        assert [(one.row, "are allowed" in one.reason) for one in told] == [(24, True), (25, True)]
        found = {json.loads(one["Body"])["id"]: one for one in inbox.messages()}
        assert sorted(found) == list(range(23))
        assert found[0]["MessageAttributes"]["name"]["StringValue"] == "x"
        assert "MessageAttributes" not in found[22], "an empty value is no attribute"
        with pytest.raises(ConfigError, match="no column 'name'"):
            connector.write("rows", iter([pl.DataFrame({"id": [1]})]), options=given)
        assert connector.write("made", iter([frame.head(1)])).written == 1
        assert [stream.name for stream in connector.discover()] == ["city", "made", "rows"]


def test_a_fifo_topic_takes_a_repeat_once(config: dict[str, Any]) -> None:
    inbox = Inbox(config, "once.fifo")
    publish = load_plugins(only=["connector-sns"], strict=True).registry.connector("sns").manifest.actions[0]
    with closing(opened(config)) as connector:
        for _ in range(2):
            connector.write("once.fifo", iter([pl.DataFrame({"id": [1, 2, 3]})]), effect_key="e:n")
        assert [row["id"] for row in inbox.rows()] == [1, 2, 3]
        value = parse_config(publish.input, {"topic": inbox.arn, "message": "hello", "attributes": {"kind": "test"}})
        for key in ("a", "a", "b"):
            assert connector.act("publish", value, key=key).message_id
        assert [one["Body"] for one in inbox.messages()] == ["hello", "hello"]
        lost = parse_config(publish.input, {"topic": "nowhere", "message": "hello"})
        with pytest.raises(ConfigError, match="no topic 'nowhere'"):
            connector.act("publish", lost, key="c")
