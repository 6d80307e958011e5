"""The contract, on moto's server."""

from __future__ import annotations

import secrets
from contextlib import closing
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from headrace.plugins.manager import load_plugins
from headrace.testing.aws import aws_config, client
from headrace.testing.connector_base import nasty, rows
from headrace.testing.records import RecordsContract


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-dynamodb"], strict=True).registry.connector("dynamodb").open(config)


class TestDynamodb(RecordsContract):
    connector_id = "dynamodb"

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        config = aws_config()
        service = client("dynamodb", config)
        for name in service.list_tables()["TableNames"]:
            service.delete_table(TableName=name)
        service.create_table(
            TableName="city", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        )  # fmt: skip
        for number, name, area in (
            ("1", "Bern", {"N": "51.6"}),
            ("2", "Oslo", {"NULL": True}),
            ("5", "Riga", {"N": "304"}),
        ):
            service.put_item(TableName="city", Item={"id": {"N": number}, "name": {"S": name}, "area": area})
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "endpoint_url": "http://169.254.169.254", "secret_access_key": "s3cret-and-wrong"}

    @pytest.fixture(autouse=True)
    def _numbers_that_it_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """1e300 is beyond its numbers; that such a row is told is tested below."""
        frame = nasty().with_columns(pl.when(pl.col("number") == 1e300).then(1e100).otherwise("number").alias("number"))
        for module in ("connector_write", "records"):
            monkeypatch.setattr(f"headrace.testing.{module}.nasty", lambda: frame)


def test_a_number_beyond_its_own_is_told() -> None:
    told: list[Any] = []
    with closing(opened({**aws_config(), "region": "eu-west-2"})) as connector:
        done = connector.write(f"t{secrets.token_hex(4)}", iter([nasty()]), reject=told.extend)
    assert (done.written, done.rejected, told[0].row) == (4, 1, 3)
    assert "1e+300" in told[0].reason


def test_numbers_are_exact_and_keys_are_those_of_the_table() -> None:
    config = {**aws_config(), "region": "eu-west-2"}
    table = f"t{secrets.token_hex(4)}"
    with closing(opened(config)) as connector:
        frame = pl.DataFrame({"k": ["a"], "n": pl.Series([Decimal("0.10")], dtype=pl.Decimal(38, 2)), "tags": [["x"]]})
        connector.write(table, iter([frame]), mode="upsert", keys=["k"])
        stream = connector.stream(table)
        assert stream.primary_key == ("k",)
        (row,) = rows(connector, stream)
        assert (row["k"], Decimal(str(row["n"])), row["tags"]) == ("a", Decimal("0.1"), '["x"]')
