"""What can be proven without Athena: the declaration, and with the driver how SELECTs go to moto and come back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any
from urllib.request import Request, urlopen

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, TransientError
from headrace.testing.connector_unproven import UnprovenContract
from headrace.testing.counterparts import free_port, moto

CONFIG = {
    "region": "eu-central-1",
    "database": "shop",
    "results": "s3://acme-results/",
    "access_key": "AKIAEXAMPLE",
    "secret_key": "s3cret/@:word",
}
Inject = Callable[..., None]


class TestAthena(UnprovenContract):
    connector_id = "athena"
    config = CONFIG
    hidden = "secret_key"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """A connection that is led to a port of loopback."""
    pytest.importorskip("pyathena", reason="headrace-connector-athena[driver] is not installed")
    from headrace_connector_athena.connector import AthenaConnector

    def at(port: int) -> Any:
        monkeypatch.setattr(AthenaConnector, "judged", lambda _: ("127.0.0.1", port))
        monkeypatch.setattr(AthenaConnector, "connect_args", lambda _: {"endpoint_url": f"http://127.0.0.1:{port}"})
        entry = load_plugins(only=["connector-athena"], strict=True).registry.connector("athena")
        return entry.open(CONFIG)

    return at


@pytest.fixture
def connector(at: Callable[[int], Any]) -> Iterator[Any]:
    with closing(at(int(moto().rpartition(":")[2]))) as made:
        yield made


@pytest.fixture
def inject() -> Inject:
    """Give moto what it answers to the next statement: Athena's texts, below a row with the names."""

    def inject(columns: dict[str, str], *rows: tuple[str | None, ...]) -> None:
        told = [{"Data": [{} if text is None else {"VarCharValue": text} for text in row]} for row in (columns, *rows)]
        same = {"Precision": 8, "Scale": 2, "Nullable": "UNKNOWN"}
        kinds = [{"Name": name, "Label": name, "Type": kind, **same} for name, kind in columns.items()]
        body = {"region": CONFIG["region"], "results": [{"rows": told, "column_info": kinds}]}
        place = Request(
            f"{moto()}/moto-api/static/athena/query-results", json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        with urlopen(place) as answer:
            assert answer.status == 201

    return inject


def sent() -> list[str]:
    """Statements that moto was given."""
    from headrace.testing.aws import aws_config, client

    with closing(client("athena", aws_config(region=CONFIG["region"]))) as service:
        every = service.list_query_executions()["QueryExecutionIds"]
        return [service.get_query_execution(QueryExecutionId=one)["QueryExecution"]["Query"] for one in every]


def test_a_select_is_sent_with_its_values_and_awaited(connector: Any, inject: Inject) -> None:
    before = sent()
    inject({"n": "bigint"}, ("2",))
    (found,) = connector.query("select count(*) as n from city where name > :low", {"low": "it's"})
    assert found.to_dicts() == [{"n": 2}]
    (statement,) = sent()[len(before) :]
    assert "'it''s'" in statement
    with pytest.raises(ConfigError):
        list(connector.query("delete from city"))
    assert sent() == [*before, statement], "what the policy refuses is not sent"


def test_values_come_as_they_are(connector: Any, inject: Inject) -> None:
    kinds = {"n": "bigint", "name": "varchar", "d": "decimal", "x": "double", "day": "date", "at": "timestamp",
             "raw": "varbinary", "yes": "boolean"}  # fmt: skip
    full = ("9007199254740993", "Bern 😀", "1.25", "51.6", "1900-01-01", "2024-07-01 12:00:00.123", "62 65", "true")
    inject(kinds, full, (None,) * len(kinds))
    (found,) = connector.query("select * from city")
    moment = dt.datetime(2024, 7, 1, 12, 0, 0, 123_000)  # noqa: DTZ001 - Athena's timestamp has no zone
    assert found.rows() == [
        (9_007_199_254_740_993, "Bern 😀", Decimal("1.25"), 51.6, dt.date(1900, 1, 1), moment, b"be", True),
        (None,) * len(kinds),
    ]


def test_a_result_of_many_rows_is_whole(connector: Any, inject: Inject) -> None:
    inject({"n": "bigint"}, *((str(number),) for number in range(2_500)))
    assert [n for frame in connector.query("select n from t") for n in frame["n"]] == list(range(2_500))


def test_nobody_there_is_one_sentence(at: Callable[[int], Any]) -> None:
    with closing(at(free_port())) as connector, pytest.raises(TransientError, match="does not answer"):
        connector.check()


def test_errors_of_the_catalogue_are_ours(connector: Any) -> None:
    """Moto has no catalogue of tables and says 500, which the dialect hands on as an error of the driver."""
    with pytest.raises(TransientError, match="shop") as told:
        connector.stream("city")
    assert CONFIG["secret_key"] not in str(told.value)
