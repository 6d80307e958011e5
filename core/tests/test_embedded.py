"""The bundled services: start, keep data, survive kill -9, explain what is wrong."""

import os
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from headrace.infra.embedded import EmbeddedServices
from headrace.infra.processes import command_line
from headrace.sdk.errors import ConfigError

CHILD = """
import sys, time
from pathlib import Path
from headrace.infra.embedded import EmbeddedServices
services = EmbeddedServices(Path(sys.argv[1]))
urls = services.start()
print(*services.pids.values(), urls.warehouse_url.reveal(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a home with spaces" / "%x"


def test_it_starts_keeps_data_and_stops(home: Path) -> None:
    services = EmbeddedServices(home)
    try:
        urls = services.start()
        pids = services.pids
        assert "headrace_app:" not in repr(urls)
        with psycopg.connect(urls.warehouse_url.reveal()) as connection:
            connection.execute("create table kept (n int)")
        with redis.Redis.from_url(urls.redis_url.reveal()) as client:
            assert client.ping()
        with pytest.raises(ConfigError, match="already started"):
            EmbeddedServices(home).start()
        for url in (urls.app_url, urls.worker_url, urls.owner_url):
            with pytest.raises(psycopg.OperationalError, match=r"permission denied|not permitted"):
                psycopg.connect(url.reveal().rpartition("/")[0] + "/warehouse").close()
    finally:
        services.stop()
        services.stop()
    assert all(not command_line(pid) for pid in pids.values())
    secrets = list((home / "secrets").iterdir())
    assert len(secrets) == 2
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in secrets)
    try:
        again = services.start()
        with psycopg.connect(again.warehouse_url.reveal()) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
        assert again.master_key == urls.master_key
    finally:
        services.stop()


def test_after_kill_9_nothing_stays_and_the_next_start_recovers(home: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(home)], stdout=subprocess.PIPE, text=True)
    *pids, url = child.stdout.readline().split()
    with psycopg.connect(url) as connection:
        connection.execute("create table kept (n int)")
    handles = [os.pidfd_open(int(pid)) for pid in pids]
    child.kill()
    child.wait()
    child.stdout.close()
    for handle in handles:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        assert poll.poll(20_000), "a server outlived its parent"
        os.close(handle)
    services = EmbeddedServices(home)
    try:
        with psycopg.connect(services.start().warehouse_url.reveal()) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
    finally:
        services.stop()


def test_what_falls_is_started_again_at_its_address(home: Path) -> None:
    services = EmbeddedServices(home)
    try:
        urls = services.start()
        assert services.revive() == []
        for pid in services.pids.values():
            handle = os.pidfd_open(pid)
            os.kill(pid, signal.SIGKILL)
            select.select([handle], [], [], 20)
            os.close(handle)
        assert services.revive() == ["PostgreSQL", "Valkey"]
        with psycopg.connect(urls.warehouse_url.reveal()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        with redis.Redis.from_url(urls.redis_url.reveal()) as client:
            assert client.ping()
    finally:
        services.stop()


def test_a_pid_file_of_another_process_harms_nobody(home: Path) -> None:
    services = EmbeddedServices(home)
    services.start()
    services.stop()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        (home / "postgres" / "postmaster.pid").write_text(f"{bystander.pid}\n{home}\n")
        (home / "valkey" / "pid").write_text(str(bystander.pid))
        services.start()
        assert bystander.poll() is None
    finally:
        services.stop()
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()


def test_a_broken_home_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is not usable"):
        EmbeddedServices(tmp_path / "file").start()


def test_data_of_another_version_is_said(home: Path) -> None:
    services = EmbeddedServices(home)
    services.start()
    services.stop()
    (home / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(ConfigError, match="another PostgreSQL version"):
        services.start()
    assert services.pids == {}
