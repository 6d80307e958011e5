"""Traps and informs of the one agent, heard at a port of this machine; others that send there are not heard."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import Any

import msgspec
from headrace.kits.records.frames import Record
from headrace.kits.records.place import Place
from headrace.sdk import ConfigError
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config as setup
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.proto import rfc1902

from headrace_connector_snmp import SnmpConfig
from headrace_connector_snmp.agent import AUTH, PRIVACY, checked
from headrace_connector_snmp.values import plain

_RECEIVED = "rfc3412.receiveMessage:request"
_MODELS = {"v2c": 2, "v3": 3}
_UPTIME, _TRAP = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"
KINDS = {"_from": "text", "trap": "text", "uptime": "integer", "values": "text"}
_MOST = 100_000


class Traps:
    """Listens from the first `wait` to `close`; what comes while nobody listens is gone."""

    def __init__(self, config: SnmpConfig) -> None:
        self._config = config
        self._runner: asyncio.Runner | None = None
        self._engine: Any = None
        self._came = asyncio.Event()
        self._address = ""
        self.heard: deque[Record] = deque(maxlen=_MOST)

    def wait(self, seconds: float) -> None:
        """Until something has come, or the time is over."""
        if self._runner is None:
            self._runner = asyncio.Runner()
            self._runner.run(self._opened())
        self._runner.run(self._waited(seconds))

    async def _waited(self, seconds: float) -> None:
        self._came.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._came.wait()
                await asyncio.sleep(0)
        except TimeoutError:
            return

    async def _opened(self) -> None:
        config = self._config
        if not config.trap_port:
            raise ConfigError("the connection has no port for traps; enter it", field="trap_port")
        self._address = Place.of(config.host, config.port).address
        checked(config)
        kind, everywhere = (udp6, "::") if ":" in self._address else (udp, "0.0.0.0")  # noqa: S104 - the default is said
        self._engine = engine = SnmpEngine()
        transport = kind.Udp6Transport() if kind is udp6 else kind.UdpTransport()
        transport.open_server_mode((config.trap_address or everywhere, config.trap_port))
        try:
            await transport._lport
        except OSError as error:
            raise ConfigError(
                f"port {config.trap_port} cannot be listened at: {error.strerror}; another program has it, or it is "
                "below 1024; choose another",
                field="trap_port", detail=repr(error),
            ) from None  # fmt: skip
        setup.add_transport(engine, kind.DOMAIN_NAME, transport)
        if config.version == "v2c":
            setup.add_v1_system(engine, "headrace", config.community.reveal())
        else:
            self._add_user(engine)
        ntfrcv.NotificationReceiver(engine, self._arrived)

    def _add_user(self, engine: Any) -> None:
        """The user, at this engine (informs) and at the agent's (traps)."""
        config = self._config
        said = (
            AUTH[config.auth], config.auth_password.reveal() if config.auth != "none" else None,
            PRIVACY[config.privacy], config.privacy_password.reveal() if config.privacy != "none" else None,
        )  # fmt: skip
        setup.add_v3_user(engine, config.user, *said)
        if config.engine_id:
            there = rfc1902.OctetString(hexValue=config.engine_id.lower().removeprefix("0x").replace(":", ""))
            setup.add_v3_user(engine, config.user, *said, securityEngineId=there)

    def _arrived(self, engine: Any, _: Any, __: Any, ___: Any, bound: Any, ____: Any) -> None:
        """Keep a notification of the agent, if it is as well protected as the connection says."""
        about = engine.observer.get_execution_context(_RECEIVED)
        host = str(about["transportAddress"][0]).partition("%")[0]
        level = 1 + (self._config.auth != "none") + (self._config.privacy != "none")
        protected = self._config.version == "v2c" or int(about["securityLevel"]) >= level
        if host != self._address or not protected or int(about["securityModel"]) != _MODELS[self._config.version]:
            return
        values = {str(name): plain(value, "text") for name, value in bound}
        uptime = values.pop(_UPTIME, None)
        self.heard.append(
            {"_at": datetime.now(UTC), "_from": host, "trap": values.pop(_TRAP, None),
             "uptime": int(uptime) if uptime else None, "values": msgspec.json.encode(values).decode()}
        )  # fmt: skip
        self._came.set()

    def close(self) -> None:
        """Close the socket and the loop; twice is fine."""
        runner, self._runner, engine, self._engine = self._runner, None, self._engine, None
        if runner is not None:
            if engine is not None:
                runner.run(_closed(engine))
            runner.close()


async def _closed(engine: Any) -> None:
    engine.close_dispatcher()
