"""The kit of connectors without tables: columns, rejects, bounded batches, repeatable ids, a judged event loop."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from headrace.kits.records import frames as frames_module
from headrace.kits.records.frames import Frames, Unreadable
from headrace.kits.records.messages import bodies, body_of, fields_of
from headrace.kits.records.place import Runner, tls_context
from headrace.kits.records.schema import declared, learned
from headrace.kits.records.spool import Part, Spool
from headrace.sdk import ConfigError, DataError, Reject
from headrace.testing.http_server import Reply, http_server

MIXED = [
    {"i": 1, "f": 1, "t": "a", "n": {"a": [1]}, "m": 1, "d": Decimal("1.5"), "u": UUID(int=1), "b": b"x", "z": None},
    {"i": 2**62, "f": 0.5, "t": "b", "n": None, "m": "x", "d": Decimal("0.125"), "u": None, "b": None, "late": True},
]


def frames_of(
    records: list[dict[str, Any]], columns: Any = None, *, rows: int = 100, **more: Any
) -> list[pl.DataFrame]:
    made = columns or learned(records)
    names = [column.name for column in made]
    return list(Frames(made, names, more.pop("reject", None), **more).of(records, rows))


def test_columns_are_the_narrowest_that_hold_every_value() -> None:
    assert {column.name: str(column.type) for column in learned(MIXED)} == {
        "i": "integer", "f": "float", "t": "text", "n": "json", "m": "json", "d": "decimal", "u": "uuid", "b": "binary",
        "z": "json", "late": "boolean",
    }  # fmt: skip
    (frame,) = frames_of(MIXED)
    assert frame["i"].to_list() == [1, 2**62]
    assert frame["n"].to_list() == ['{"a":[1]}', None]
    assert frame["m"].to_list() == ["1", '"x"']
    assert frame["d"].to_list() == [Decimal("1.500"), Decimal("0.125")]
    assert frame["late"].to_list() == [None, True]


def test_what_cannot_be_read_is_rejected_with_its_reason() -> None:
    told: list[Reject] = []
    records: list[Any] = [{"i": 1}, Unreadable({"raw": "ff"}, "no payload"), {"i": 2}]
    (frame,) = frames_of(records, learned([{"i": 1}]), reject=told.extend)
    assert frame["i"].to_list() == [1, 2]
    assert [(one.row, one.reason, one.data) for one in told] == [(2, "no payload", '{"raw":"ff"}')]
    with pytest.raises(DataError, match="record 2: no payload"):
        frames_of(records, learned([{"i": 1}]))


def test_large_integers_beside_floats_are_not_rounded() -> None:
    records = [{"x": 2**53 + 1}, {"x": 0.5}]
    assert frames_of(records)[0]["x"].to_list() == ["9007199254740993", "0.5"]


def test_moments_keep_their_zone_or_have_none() -> None:
    there = dt.timezone(dt.timedelta(hours=2))
    records = [{"at": dt.datetime(2024, 7, 1, 12, tzinfo=there), "local": dt.datetime(2024, 7, 1, 12)}]  # noqa: DTZ001
    (frame,) = frames_of(records)
    assert frame["at"].to_list() == [dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)]
    assert frame.schema["local"] == pl.Datetime("us")


def test_what_does_not_fit_is_rejected_with_its_reason() -> None:
    records: list[dict[str, Any]] = [{"id": 1}, {"id": "x"}, {"id": 3, "new": 1}, {"id": None}, {"id": 5}]
    told: list[Reject] = []
    columns = learned(records[:1], ("id",))
    (frame,) = frames_of(records, columns, reject=told.extend)
    assert frame["id"].to_list() == [1, 5]
    assert [(reject.row, reject.column) for reject in told] == [(2, "id"), (3, "new"), (4, "id")]
    assert told[0].data == '{"id":"x"}'
    with pytest.raises(DataError, match=r"record 2: column .id. holds"):
        frames_of(records, columns)


def test_declared_columns_leave_the_rest_out_on_purpose() -> None:
    columns = declared({"at": "timestamp", "price": "decimal(10,2)"})
    (frame,) = frames_of([{"at": "2024-07-01T12:00:00Z", "price": "1.50", "other": 1}], columns, open_fields=True)
    assert frame.rows() == [(dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC), Decimal("1.50"))]
    with pytest.raises(ConfigError, match="column 'x' has the type 'varchar'"):
        declared({"x": "varchar"})


def test_frames_are_bounded_by_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [{"x": "a" * 100}] * 10
    assert [frame.height for frame in frames_of(records, rows=4)] == [4, 4, 2]
    monkeypatch.setattr(frames_module, "BATCH_BYTES", 250)
    handed: list[int] = []
    found = frames_of(records, made=lambda: handed.append(1))
    assert [frame.height for frame in found] == [3, 3, 3, 1]
    assert len(handed) == 4


def parts_of(*frames: pl.DataFrame, key: str = "e:n", rows: int = 2) -> list[Part]:
    with Spool(iter(frames), key) as spool:
        return list(spool.parts(rows))


def test_a_repeat_has_the_same_parts_however_the_frames_were_cut() -> None:
    frame = pl.DataFrame({"id": range(5)})
    whole = parts_of(frame)
    assert whole == parts_of(frame.head(3), frame.slice(3))
    assert [part.first for part in whole] == [0, 2, 4]
    ids = [one for part in whole for one in part.ids]
    assert len(set(ids)) == 5
    assert ids == sorted(ids)
    assert {part.ids[0] for part in whole}.isdisjoint(part.ids[0] for part in parts_of(frame, key="e:other"))
    assert parts_of(frame, key="")[0].ids != parts_of(frame, key="")[0].ids, "without a key each write is its own"


def test_json_columns_are_nested_and_wrong_ones_are_told() -> None:
    frame = pl.DataFrame({"id": [1, 2], "body": ['{"a":[1]}', None]})
    with Spool(iter([frame]), "e", ["body"]) as spool:
        assert [record["body"] for record in next(spool.parts()).records] == [{"a": [1]}, None]
    with (
        Spool(iter([frame.with_columns(body=pl.lit("{"))]), "e", ["body"]) as spool,
        pytest.raises(DataError, match="row 1"),
    ):
        next(spool.parts())


def test_messages_are_fields_text_or_bytes() -> None:
    assert fields_of(b'{"a": 1}') == {"a": 1}
    assert fields_of(b"[1]") == {"text": "[1]"}
    assert fields_of(b"\xff") == {"base64": "/w=="}
    assert body_of({"_key": 1, "at": dt.date(2024, 7, 1), "d": Decimal("1.50")}) == b'{"at":"2024-07-01","d":"1.50"}'
    part = Part(10, [{"x": float("nan")}, {"x": 1.0}, {"x": "a" * 100}], ["a", "b", "c"])
    made, rejects = bodies(part, 50)
    assert list(made) == [1]
    assert [reject.row for reject in rejects] == [11, 13]
    assert "JSON cannot hold" in rejects[0].reason


def test_an_event_loop_reaches_judged_addresses_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that a driver finds by itself, by name or as an address."""

    async def reach(host: str, port: int) -> None:
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()

    with http_server(lambda _: Reply()) as server:
        runner = Runner()
        runner.run(reach("127.0.0.1", server.port))
        monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", f"localhost:{server.port}")
        runner.run(reach("localhost", server.port))
        runner.close()
        runner = Runner()
        for host in ("127.0.0.1", "169.254.169.254"):
            with pytest.raises(ConfigError):
                runner.run(reach(host, server.port))
        monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
        runner.close()
        with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW="):
            runner.run(reach("localhost", server.port))
        runner.close()
        runner.close()


def test_an_authority_that_is_no_certificate_is_told() -> None:
    with pytest.raises(ConfigError, match="no PEM text"):
        tls_context("nonsense")
