"""The contract, on net-snmp's own agent: v3 signed and encrypted, and v2c."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from functools import cache
from typing import Any

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, Taking, TransientError, parse_config
from headrace.testing.connector_base import rows
from headrace.testing.counterparts import binary, folder, started
from headrace.testing.records import RecordsContract
from headrace_connector_snmp.agent import Agent
from headrace_connector_snmp.tables import table_of
from headrace_connector_snmp.values import made, moment_of, plain
from headrace_connector_snmp.walk import rows_of

CONF = """
agentaddress udp:127.0.0.1:{port}
rocommunity public 127.0.0.1
rwcommunity private 127.0.0.1
sysName plant
sysLocation Hall 3
extend hello /bin/echo Gr\u00fc\u00dfe
createUser reader SHA-256 "s3cret-and-signed" AES "s3cret-and-hidden"
createUser writer SHA-256 "s3cret-and-signed" AES "s3cret-and-hidden"
rouser reader authPriv
rwuser writer authPriv
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    """Any v2c answer to a request for sysUpTime."""
    ask = bytes.fromhex("302902010104067075626c6963a01c02044c33a756020100020100300e300c06082b060102010103000500")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(0.2)
        try:
            link.sendto(ask, ("127.0.0.1", port))
            return bool(link.recv(2_000))
        except OSError:
            return False


@cache
def agent() -> int:
    port, place = free_port(), folder()
    (place / "snmpd.conf").write_text(CONF.format(port=port))
    program = binary("snmpd")
    command = [program, "-f", "-Lf", str(place / "log"), "-C", "-c", str(place / "snmpd.conf"), "-I", "-smux"]
    started(["env", f"SNMP_PERSISTENT_DIR={place}", "MIBS=", *command], port, answers)
    return port


def opened(config: dict[str, Any]) -> Any:
    return load_plugins(only=["connector-snmp"], strict=True).registry.connector("snmp").open(config)


@pytest.fixture
def config() -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": agent(), "version": "v3", "user": "writer", "auth": "sha256",
            "auth_password": "s3cret-and-signed", "privacy": "aes128", "privacy_password": "s3cret-and-hidden",
            "tables": {"storage": "1.3.6.1.2.1.25.2.3.1: 3 what text, 5 size, 6 used"},
            "values": {"up": "1.3.6.1.2.1.1.3.0", "place": "1.3.6.1.2.1.1.6.0 text", "none": "1.3.6.1.2.1.1.99.0"},
            }  # fmt: skip


@pytest.fixture
def plain_config(config: dict[str, Any]) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": config["port"], "community": "private"}


class TestSnmp(RecordsContract):
    connector_id = "snmp"
    example_rows = (3, 1)
    action_inputs = {"get": {"oids": ["1.3.6.1.2.1.1.6.0"]}, "set": {"oid": "1.3.6.1.2.1.1.4.0", "value": "x"}}
    skip_reasons = {
        "test_opens_a_new_link_after_a_dropped_one": "UDP has no link; an agent that is away is tested below",
        "test_after_gives_the_later_rows_in_order": "each read is of its own moment; the cursor is tested below",
        "test_what_was_taken_and_not_acknowledged_comes_again": "an agent keeps no traps; see below",
        "test_a_read_that_is_held_takes_nothing_away_before_it_is_acknowledged": "reading a table takes nothing away",
        "test_a_repeated_action_has_one_effect": "class C: the same value is set again; see below",
    }

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "auth_password": "s3cret-and-wrong"}


def test_tables_and_values_have_their_columns(config: dict[str, Any]) -> None:
    with closing(opened(config)) as connector:
        names = {stream.name for stream in connector.discover()}
        assert {"system", "ifTable", "ifXTable", "hrStorageTable", "laTable", "memory", "storage", "values"} <= set(
            names
        )
        (system,) = rows(connector, connector.stream("system"))
        assert (system["sysName"], system["sysLocation"], system["_index"]) == ("plant", "Hall 3", "0")
        assert system["sysObjectID"] == "1.3.6.1.4.1.8072.3.2.10"
        (values,) = rows(connector, connector.stream("values"))
        assert (values["place"], values["none"]) == ("Hall 3", None)
        assert 0 < values["up"] < 360_000
        loads = rows(connector, connector.stream("laTable"))
        assert [load["laNames"] for load in loads] == ["Load-1", "Load-5", "Load-15"]
        assert all(abs(load["laLoadFloat"] - load["laLoadInt"] / 100) < 0.02 for load in loads), "net-snmp's floats"
        (host,) = rows(connector, connector.stream("hrSystem"))
        assert abs(host["hrSystemDate"] - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=30)
        links = {link["ifName"]: link for link in rows(connector, connector.stream("ifXTable"))}
        assert links["lo"]["ifHCInOctets"] > 0
        usual, own = (rows(connector, connector.stream(name)) for name in ("hrStorageTable", "storage"))
        assert [row["what"] for row in own] == [row["hrStorageDescr"] for row in usual]
        assert [row["_index"] for row in own] == sorted((row["_index"] for row in own), key=int)
        with pytest.raises(ConfigError, match="no table 'nowhere'"):
            connector.stream("nowhere")


def test_rows_are_the_same_however_many_at_once(config: dict[str, Any]) -> None:
    table = table_of("", "1.3.6.1.2.1.25.4.2.1: 1 id, 2 name text, 5 parameters text, 99 none")
    walked = table_of("", "1.3.6.1.2.1.25.3.2.1: 1 id, 3 name text, 5 status, 6 errors")
    with closing(opened(config)) as connector:
        agent = Agent(connector.config)
        each = [dict(rows_of(agent, walked, count)) for count in (1, 3, 100)]
        assert each[0].keys() == each[1].keys() == each[2].keys()
        assert len(each[0]) > 3
        processes = dict(rows_of(agent, table, 7))
        assert (os.getpid(),) in processes
        assert processes[os.getpid(),]["id"] == os.getpid()
        assert all("none" not in row for row in processes.values())
        assert list(processes) == sorted(processes)
        agent.close()


def test_a_sparse_column_keeps_its_rows() -> None:
    """A column that has gaps runs ahead of the others, and no row is torn or given twice."""

    class Sparse:
        """Column 1 at each index, column 2 at every tenth."""

        asked = 0
        held = {(1, 3, 1, 1, n): n for n in range(1, 301)} | {(1, 3, 1, 2, n): -n for n in range(10, 301, 10)}

        def bulk(self, repetitions: int, *after: tuple[int, ...]) -> Any:
            self.asked += 1
            every, found = sorted(self.held), []
            columns = [[oid for oid in every if oid > start][:repetitions] for start in after]
            for place in range(repetitions):
                for column in columns:
                    oid = column[place] if place < len(column) else (1, 4)
                    found.append((oid, made("integer", str(self.held.get(oid, 0)))))
            return found[: len(found) - self.asked % 2]  # every second answer is cut inside a row

    sparse: Any = Sparse()
    found = list(rows_of(sparse, table_of("", "1.3.1: 1 dense, 2 sparse"), 20))
    assert [index for index, _ in found] == [(n,) for n in range(1, 301)]
    assert all(row == {"dense": n} | ({"sparse": -n} if n % 10 == 0 else {}) for (n,), row in found)
    assert sparse.asked < 60


def test_all_below_an_identifier_is_walked(config: dict[str, Any]) -> None:
    with closing(opened(config)) as connector:
        found = rows(connector, connector.stream("1.3.6.1.2.1.1"))
        by_oid = {row["oid"]: row for row in found}
        assert (by_oid["1.3.6.1.2.1.1.5.0"]["value"], by_oid["1.3.6.1.2.1.1.5.0"]["kind"]) == ("plant", "OctetString")
        assert all(row["oid"].startswith("1.3.6.1.2.1.1.") for row in found)
        hello = rows(connector, connector.stream("1.3.6.1.4.1.8072.1.3.2.3.1.1"))
        assert [row["value"] for row in hello] == ["Gr\u00fc\u00dfe"]


def test_an_incremental_read_is_of_a_later_moment(config: dict[str, Any]) -> None:
    with closing(opened(config)) as connector:
        stream = connector.stream("laTable")
        assert stream.cursors == ("_at",)
        first = rows(connector, stream)
        assert len({row["_at"] for row in first}) == 1, "a table is of one moment"
        ahead = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        for after in (first[0]["_at"], ahead):
            (frame,) = connector.read(stream, after=after)
            assert frame.height == 3
            assert frame["_at"].min() > after


def test_values_are_got_and_set(plain_config: dict[str, Any], config: dict[str, Any]) -> None:
    manifest = load_plugins(only=["connector-snmp"], strict=True).registry.connector("snmp").manifest
    inputs = {action.id: action.input for action in manifest.actions}
    contact, place = "1.3.6.1.2.1.1.4.0", "1.3.6.1.2.1.1.6.0"

    def put(connector: Any, oid: str, value: str, kind: str = "text") -> Any:
        given = parse_config(inputs["set"], {"oid": oid, "value": value, "kind": kind})
        return connector.act("set", given, key="k")

    with closing(opened(plain_config)) as connector:
        asked = parse_config(inputs["get"], {"oids": ["1.3.6.1.2.1.1.5.0", "1.3.6.1.99.0"]})
        got = connector.act("get", asked, key="k")
        assert got.values == {"1.3.6.1.2.1.1.5.0": "plant", "1.3.6.1.99.0": None}
        assert put(connector, contact, "Gr\u00fc\u00dfe").value == "Gr\u00fc\u00dfe"
        assert put(connector, contact, "6f:70:73", "hex").value == "ops"
        (system,) = rows(connector, connector.stream("system"))
        assert system["sysContact"] == "ops"
        with pytest.raises(ConfigError, match="wrongType"):
            put(connector, contact, "5", "integer")
        with pytest.raises(ConfigError, match="is no integer"):
            put(connector, contact, "x", "integer")
        with pytest.raises(AuthError, match=rf"notWritable\) at {place}"):
            put(connector, place, "Hall 4")  # its configuration file says where it is
    with closing(opened({**config, "user": "reader"})) as reader, pytest.raises(AuthError, match="grant the right"):
        put(reader, contact, "x")


def test_who_may_not_or_does_not_answer_is_told(config: dict[str, Any], plain_config: dict[str, Any]) -> None:
    quick = {"timeout_s": 0.2, "retries": 0}
    for wrong, error, words in (
        ({**config, "user": "nobody"}, AuthError, "refuses user"),
        (
            {**config, "privacy_password": "s3cret-and-wrong"},
            (AuthError, TransientError),
            "refuses user|does not answer",
        ),
        ({**config, "auth": "none", "privacy": "none"}, AuthError, "refuses"),
        ({**config, "auth": "none"}, ConfigError, "needs signing"),
        ({**config, "auth_password": "short"}, ConfigError, "8 characters"),
        ({**plain_config, "community": "s3cret"}, TransientError, "community"),
        ({**config, "port": free_port()}, TransientError, "does not answer"),
        ({**config, "tables": {"x": "1.3.6: a"}}, ConfigError, "the table 'x'"),
        ({**config, "values": {"x": "system"}}, ConfigError, "no object identifier"),
        ({**config, "values": {"x": "1.3.6.1 blob"}}, ConfigError, "the value 'x'"),
    ):
        with closing(opened({**quick, **wrong})) as connector, pytest.raises(error, match=words) as caught:
            connector.check()
            connector.stream("x")
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("raw", "expected"), [
    (bytes.fromhex("07e8031f023b3b09"), dt.datetime(2024, 3, 31, 2, 59, 59, 900_000, dt.UTC).replace(tzinfo=None)),
    (bytes.fromhex("07e8031f023b3b092b0200"), dt.datetime(2024, 3, 31, 0, 59, 59, 900_000, dt.UTC)),
    (bytes.fromhex("07e80d1f023b3b09"), "07:e8:0d:1f:02:3b:3b:09"), (b"", None),
])  # fmt: skip
def test_moments_are_of_eight_or_eleven_octets(raw: bytes, expected: Any) -> None:
    assert moment_of(raw) == expected


def test_octets_are_text_or_hexadecimal() -> None:
    assert plain(made("text", "Gr\u00fc\u00dfe\0"), "text") == "Gr\u00fc\u00dfe"
    assert plain(made("hex", "02:42:ac:11:00:02"), "text") == "02:42:ac:11:00:02"
    assert plain(made("address", "10.0.0.1"), "text") == "10.0.0.1"
    assert plain(made("unsigned", str(2**32 - 1)), "integer") == 2**32 - 1


def test_the_driver_is_loaded_by_the_work_only() -> None:
    code = "import sys, headrace_connector_snmp; print('pysnmp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


ENGINE = "8000000001020304"
GOOD = ["-a", "SHA-256", "-A", "s3cret-and-signed", "-x", "AES", "-X", "s3cret-and-hidden"]


def send(port: int, *how: str) -> None:
    """A linkDown by net-snmp's own program."""
    what = [f"udp:127.0.0.1:{port}", "", "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.7", "i", "7",
            "1.3.6.1.2.1.2.2.1.2.7", "s", "eth7"]  # fmt: skip
    subprocess.run([binary("snmptrap", "snmp"), *how, *what], check=False, env={"MIBS": "", "PATH": os.environ["PATH"]},
                   capture_output=True)  # fmt: skip


@pytest.mark.parametrize(("version", "good", "bad"), [
    ("v2c", [["-v2c", "-c", "private"], ["-v2c", "-c", "private", "-Ci", "-r", "0", "-t", "0.1"]],
     [["-v2c", "-c", "guessed"], ["-v3", "-e", ENGINE, "-u", "writer", "-l", "authPriv", *GOOD]]),
    ("v3", [["-v3", "-e", ENGINE, "-u", "writer", "-l", "authPriv", *GOOD]],
     [["-v2c", "-c", "private"], ["-v3", "-e", ENGINE, "-u", "writer", "-l", "noAuthNoPriv"],
      ["-v3", "-e", ENGINE, "-u", "writer", "-l", "authNoPriv", *GOOD[:4]],
      ["-v3", "-e", ENGINE, "-u", "writer", "-l", "authPriv", *GOOD[:3], "s3cret-and-wrong", *GOOD[4:]],
      ["-v3", "-e", "8000000001020399", "-u", "writer", "-l", "authPriv", *GOOD]]),
])  # fmt: skip
def test_traps_of_the_agent_are_heard(
    config: dict[str, Any], plain_config: dict[str, Any], version: str, good: list[list[str]], bad: list[list[str]]
) -> None:
    """Those that are as well protected as the connection says, and no others."""
    port = free_port()
    own = {"trap_port": port, "trap_address": "127.0.0.1", "engine_id": ENGINE, "quiet_s": 0.5}
    with closing(opened({**(config if version == "v3" else plain_config), **own})) as connector:
        assert "traps" in {stream.name for stream in connector.discover()}
        ask = Taking(stream="traps", wait_s=0.2)
        assert not connector.take(ask).messages, "it listens from now on"
        for how in (*bad, *good):
            send(port, *how)
        found: list[Any] = []
        for _ in range(20):
            found += connector.take(ask).messages
            connector.acknowledge()
        assert len(found) == len(good)
        assert len({one.key for one in found}) == len(found)
        row = found[0].row
        assert (row["trap"], row["_from"]) == ("1.3.6.1.6.3.1.1.5.3", "127.0.0.1")
        assert json.loads(row["values"]) == {"1.3.6.1.2.1.2.2.1.1.7": "7", "1.3.6.1.2.1.2.2.1.2.7": "eth7"}
        send(port, *good[0])
        (read,) = rows(connector, connector.stream("traps"))
        assert (read["trap"], read["_index"]) == (row["trap"], "0")
        with pytest.raises(ConfigError, match="only 'traps'"):
            connector.take(Taking(stream="ifTable"))


def test_traps_of_others_are_not_heard(plain_config: dict[str, Any]) -> None:
    """The port is everybody's; what is heard is the agent's."""
    port = free_port()
    own = {"trap_port": port, "trap_address": "127.0.0.1", "host": "127.0.0.2"}
    with closing(opened({**plain_config, **own})) as connector:
        ask = Taking(stream="traps", wait_s=0.3)
        connector.take(ask)
        send(port, "-v2c", "-c", "private")
        assert not [one for _ in range(3) for one in connector.take(ask).messages]


def test_a_port_that_is_taken_is_told(plain_config: dict[str, Any]) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", 0))
        own = {"trap_port": other.getsockname()[1], "trap_address": "127.0.0.1"}
        with (
            closing(opened({**plain_config, **own})) as connector,
            pytest.raises(ConfigError, match="cannot be"),
        ):
            connector.take(Taking(stream="traps", wait_s=0.1))
    with closing(opened(plain_config)) as connector, pytest.raises(ConfigError, match="has no port for traps"):
        connector.take(Taking(stream="traps", wait_s=0.1))
