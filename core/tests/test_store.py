"""Object store, health and logs."""

import io
import json
import logging
from pathlib import Path

import pytest
import structlog
from headrace.infra.health import database_check, migrations_check, redis_check, run_checks, store_check
from headrace.infra.ids import new_id
from headrace.infra.logs import configure_logs, redact
from headrace.infra.migrate import heads
from headrace.infra.settings import Settings
from headrace.infra.store import Store
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError, NotFound


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path: Path) -> Store:
    return Store(tmp_path.as_uri() + "/objects" if request.param == "file" else f"memory://t{new_id()}")


def test_objects_come_back(store: Store) -> None:
    one, two = new_id(), new_id()
    store.put(one, "frames/a.parquet", b"1")
    store.put(one, "frames/a.parquet", b"12")
    assert store.get(one, "frames/a.parquet") == b"12"
    assert store.size_bytes(one, "frames/a.parquet") == 2
    assert store.list(one) == store.list(one, "frames") == ["frames/a.parquet"]
    assert not store.exists(two, "frames/a.parquet")
    store.delete(one, "frames/a.parquet")
    store.delete(one, "frames/a.parquet")
    with pytest.raises(NotFound):
        store.get(one, "frames/a.parquet")
    store.put(one, "x/y/z", b"")
    store.delete_under(one, "x")
    assert store.list(one) == []


def test_a_failed_write_leaves_the_old_object(tmp_path: Path) -> None:
    store, one = Store(tmp_path.as_uri()), new_id()
    store.put(one, "a/b", b"old")
    with pytest.raises(RuntimeError), store.writer(one, "a/b") as out:
        out.write(b"half")
        raise RuntimeError
    assert store.get(one, "a/b") == b"old"
    assert store.list(one) == ["a/b"]


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/.hidden", "a b", "a\x00", "a/", "é", "x" * 300]
)
def test_keys_stay_in_the_organization(store: Store, key: str) -> None:
    with pytest.raises(ConfigError):
        store.put(new_id(), key, b"")


def test_an_unknown_storage_is_named() -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        Store("nowhere://x:canary@y/z")


async def test_health_tells_what_is_wrong(database, redis_url: str, tmp_path: Path) -> None:
    async def hangs() -> None:
        import asyncio

        await asyncio.Event().wait()

    results = await run_checks({
        "database": database_check(database), "migrations": migrations_check(database, heads()),
        "behind": migrations_check(database, ("9999",)), "redis": redis_check(redis_url),
        "away": redis_check("redis://:canary-pw@127.0.0.1:1/0"),
        "store": store_check(Store(tmp_path.as_uri())),
    }, deadline_s=60)  # fmt: skip
    results += await run_checks({"hangs": hangs}, deadline_s=0.1)
    assert {result.name: result.ok for result in results} == {
        "database": True,
        "migrations": True,
        "behind": False,
        "redis": True,
        "away": False,
        "store": True,
        "hangs": False,
    }
    assert "canary" not in repr(results)


@pytest.fixture
def restored_logging():
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_logs_mask_secrets(restored_logging) -> None:
    out = io.StringIO()
    configure_logs(Settings(log_format="json", log_level="debug"), process="api", stream=out)
    log = structlog.get_logger("t")
    log.info(
        "hello",
        password="canary-1",
        nested={"api_key": "canary-2", "list": [{"authorization": "canary-3"}]},
        secret=Secret("canary-4"),
    )
    log.info(
        "connect postgresql://u:canary-5@h/db password=canary-6 Bearer canary-7-abcdef", url="redis://:canary-8@h/0"
    )
    logging.getLogger("other").warning("token=%s", "canary-9")
    try:
        raise ValueError("mysql://root:canary-10@127.0.0.1/x")
    except ValueError:
        log.exception("failed\nforged line")
    text = out.getvalue()
    assert "canary" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"].split()[0] for line in lines[:2]] == ["hello", "connect"]
    assert {line["process"] for line in lines} == {"api"}
    assert "ValueError" in lines[-1]["exception"]


def test_ordinary_values_stay() -> None:
    value = {"count": 3, "name": "flights.csv", "ok": True, "none": None, "rows": [1, 2]}
    assert redact(value) == value
