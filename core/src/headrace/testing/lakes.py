"""Rules of lakes: a write is one commit with the key of its effect, whoever else commits meanwhile."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import secrets
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from headrace.sdk import ConfigError, Connector, DataError, TransientError
from headrace.sdk.tables import QUARANTINE, TableOptions
from headrace.testing.aws import KEY, SECRET, client
from headrace.testing.connector import ConnectorContract
from headrace.testing.connector_base import ConnectorRules, rows
from headrace.testing.counterparts import moto

CITIES = pl.DataFrame(
    {
        "id": [1, 2, 5], "name": ["Bern", "Oslo", "Riga"], "area": [51.6, None, 304.0],
        "price": pl.Series([Decimal("1.25"), None, Decimal("0.01")], dtype=pl.Decimal(9, 2)),
    }
)  # fmt: skip


def new_bucket() -> dict[str, Any]:
    """Config of a bucket that is empty, on moto."""
    name = f"lake-{secrets.token_hex(6)}"
    s3().create_bucket(Bucket=name)
    return {"bucket": name, "endpoint": moto(), "access_key": KEY, "secret_key": SECRET, "root": "a lake"}


def s3() -> Any:
    """A client of botocore for the buckets."""
    return client("s3", {"region": "us-east-1", "endpoint_url": moto()})


def keys_of(bucket: str) -> list[str]:
    """All objects of a bucket."""
    return [one["Key"] for one in s3().list_objects_v2(Bucket=bucket).get("Contents", ())]


class LakeRules(ConnectorRules):
    """What rules of lakes share."""

    @pytest.fixture
    def add(self, connector: Connector[Any]) -> Any:
        """Writes one frame to the target."""

        def add(values: Any, *, drift: Any = "freeze", deletes: str = "", **asked: Any) -> Any:
            options = TableOptions(drift=drift, deletes=deletes)
            return connector.write(self.target, iter([pl.DataFrame(values)]), options=options, **asked)

        return add

    def there(self, connector: Connector[Any], name: str = "") -> list[dict[str, Any]]:
        """Rows of the target, or of another table."""
        return sorted(rows(connector, connector.stream(name or self.target)), key=lambda row: repr(row.get("id")))


class LakeContract(LakeRules, ConnectorContract):
    """The contract, and what all lakes keep."""

    memory_bytes = 400 * 2**20
    """The engines hold a file's rows, and what they pack of them."""

    def test_a_repeat_of_an_effect_asks_for_no_rows(self, connector: Connector[Any], add: Any) -> None:
        def never() -> Iterator[pl.DataFrame]:
            raise AssertionError("the rows were asked for")
            yield

        add({"id": [1, 2], "v": ["a", "b"]}, effect_key="first")
        done = add({"id": [2, 3], "v": ["c", "d"]}, mode="upsert", keys=["id"], effect_key="second")
        assert (done.written, done.updated) == (2, 1)
        merged = add({"id": [3, 9], "v": ["d", "z"]}, mode="merge", keys=["id"], effect_key="third")
        assert (merged.updated, merged.deleted) == (1, 2)
        for key, said in (("second", done), ("third", merged)):
            assert connector.write(self.target, never(), mode="upsert", keys=["id"], effect_key=key) == said
        assert [row["v"] for row in self.there(connector)] == ["d", "z"]

    def test_the_same_effect_twice_at_once_is_one(self, connector: Connector[Any], add: Any) -> None:
        """The second looks before the first has committed; its own commit is refused, and not tried again inside."""
        add({"id": [0]})

        def slow() -> Iterator[pl.DataFrame]:
            yield pl.DataFrame({"id": [1]})
            add({"id": [1]}, effect_key="same")

        with pytest.raises(TransientError, match="tried again"):
            connector.write(self.target, slow(), effect_key="same")
        assert connector.write(self.target, iter([pl.DataFrame({"id": [1]})]), effect_key="same").written == 1
        assert [row["id"] for row in self.there(connector)] == [0, 1]

    @pytest.mark.parametrize("mode", ["upsert", "merge"])
    def test_a_write_does_not_undo_another_writer(self, connector: Connector[Any], add: Any, mode: Any) -> None:
        add({"id": [1], "v": ["old"]})

        def slow() -> Iterator[pl.DataFrame]:
            yield pl.DataFrame({"id": [1], "v": ["mine"]})
            add({"id": [1], "v": ["theirs"]}, mode="upsert", keys=["id"])

        with pytest.raises(TransientError, match="another writer"):
            connector.write(self.target, slow(), mode=mode, keys=["id"])
        assert self.there(connector) == [{"id": 1, "v": "theirs"}]

    def test_two_that_make_a_table_at_once(self, connector: Connector[Any], add: Any) -> None:
        def slow() -> Iterator[pl.DataFrame]:
            yield pl.DataFrame({"id": [1]})
            add({"id": [2]})

        with pytest.raises((TransientError, ConfigError)):
            connector.write(self.target, slow())
        assert self.there(connector) == [{"id": 2}]

    def test_drift_and_merge_together(self, connector: Connector[Any], add: Any) -> None:
        """New columns come with a merge, lists pass through a sieve, and what does not fit is kept beside."""
        add({"id": [1, 2, 3], "v": ["a", "b", "c"], "l": [[1], [2], [3]]})
        came = {"id": [1, 2, 4], "v": ["x", "y", "z"], "late": [1, 2, 3], "gone": [True, False, False]}
        done = add(came, mode="merge", keys=["id"], drift="evolve", deletes="gone")
        assert (done.written, done.updated, done.deleted) == (3, 1, 1)
        misfits = {"id": [2, 7, 8], "late": ["5", "x", "6"], "l": [[4], [5], [6]]}
        for _ in range(2):
            done = add(misfits, mode="upsert", keys=["id"], drift="quarantine", effect_key="e")
            assert (done.written, done.updated, done.rejected) == (2, 1, 1)
        found = {row["id"]: (row["v"], row["late"], row["l"]) for row in self.there(connector)}
        assert found == {2: ("y", 5, [4]), 3: ("c", None, [3]), 4: ("z", 3, None), 8: (None, 6, [6])}
        (beside,) = self.there(connector, f"{self.target}{QUARANTINE}")
        assert beside["column_name"] == "late"

    @pytest.mark.parametrize(
        ("held", "given", "error", "said"),
        [
            (pl.Series([1], dtype=pl.Int32), [2**40], DataError, "does not fit"),
            (pl.Series([1]), [1.5], ConfigError, "no type keeps both"),
            (pl.Series([1]), ["12"], ConfigError, "cast it before"),
            (pl.Series([Decimal("1.5")], dtype=pl.Decimal(4, 1)), [Decimal("1.25")], DataError, "would change"),
            (pl.Series([1.0], dtype=pl.Float32), [0.1], DataError, "would change"),
        ],
    )
    def test_no_value_changes_on_its_way(
        self, connector: Connector[Any], add: Any, held: pl.Series, given: Any, error: type[Exception], said: str
    ) -> None:
        add({"v": held})
        with pytest.raises(error, match=said):
            add({"v": given})
        assert [row["v"] for row in self.there(connector)] == held.to_list()


class BucketRules(LakeRules):
    """What a lake in a bucket keeps besides."""

    def test_only_its_own_part_of_the_bucket_is_touched(
        self, connector: Connector[Any], config: dict[str, Any], add: Any
    ) -> None:
        add({"id": [1]})
        assert all(key.startswith("a lake/") for key in keys_of(config["bucket"]))

    def test_keys_of_the_machine_are_not_used(
        self, config: dict[str, Any], add: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What another program would take from the environment leads nowhere, and nothing is asked there."""
        for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_SESSION_TOKEN", "x"),
                            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("HTTP_PROXY", "http://127.0.0.1:9"),
                            ("ALL_PROXY", "http://127.0.0.1:9")):  # fmt: skip
            monkeypatch.setenv(name, value)
        assert add({"id": [1]}).written == 1

    def test_an_endpoint_that_is_not_opened_is_refused(
        self, connector: Connector[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "")
        with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW"):
            connector.check()
