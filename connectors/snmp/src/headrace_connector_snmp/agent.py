"""Requests to one agent, v2c or v3; the driver sends to a judged address only."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace.kits.records.place import Place
from headrace.sdk import ConfigError
from pysnmp.hlapi.v3arch import asyncio as driver
from pysnmp.proto import rfc1902

from headrace_connector_snmp import SnmpConfig
from headrace_connector_snmp.tables import Oid

AUTH = {
    "none": driver.USM_AUTH_NONE, "md5": driver.USM_AUTH_HMAC96_MD5, "sha": driver.USM_AUTH_HMAC96_SHA,
    "sha224": driver.USM_AUTH_HMAC128_SHA224, "sha256": driver.USM_AUTH_HMAC192_SHA256,
    "sha384": driver.USM_AUTH_HMAC256_SHA384, "sha512": driver.USM_AUTH_HMAC384_SHA512,
}  # fmt: skip
PRIVACY = {
    "none": driver.USM_PRIV_NONE, "des": driver.USM_PRIV_CBC56_DES, "aes128": driver.USM_PRIV_CFB128_AES,
    "aes192": driver.USM_PRIV_CFB192_AES, "aes256": driver.USM_PRIV_CFB256_AES,
}  # fmt: skip
Bound = tuple[Oid, Any]


class RefusedByAgent(Exception):
    """The agent answers with an error status.

    Attributes:
        status: Its name, e.g. `notWritable`.
        oid: Which of those asked for; empty if it does not say.
    """

    def __init__(self, status: str, oid: str) -> None:
        super().__init__(f"{status} {oid}".strip())
        self.status, self.oid = status, oid


class Agent:
    """Sends one request after the other; opened at first use."""

    def __init__(self, config: SnmpConfig) -> None:
        self._config = config
        self._runner: asyncio.Runner | None = None
        self._link: tuple[Any, ...] = ()

    def get(self, *oids: Oid) -> list[Bound]:
        """The values of these."""
        return self._ask(driver.get_cmd, _names(oids))

    def following(self, *oids: Oid) -> list[Bound]:
        """What comes after each of these."""
        return self._ask(driver.next_cmd, _names(oids))

    def bulk(self, repetitions: int, *oids: Oid) -> list[Bound]:
        """What comes after each of these, so many times; an agent may give fewer."""
        return self._ask(driver.bulk_cmd, [0, repetitions, *_names(oids)])

    def set(self, oid: Oid, value: Any) -> list[Bound]:
        """Set a value."""
        return self._ask(driver.set_cmd, [driver.ObjectType(driver.ObjectIdentity(oid), value)])

    def _ask(self, command: Any, given: list[Any]) -> list[Bound]:
        self._runner = self._runner or asyncio.Runner()
        return self._runner.run(self._asked(command, given))

    async def _asked(self, command: Any, given: list[Any]) -> list[Bound]:
        if not self._link:
            self._link = await self._opened()
        indication, status, index, bound = await command(*self._link, *given, lookupMib=False)
        if indication:
            raise indication
        if int(status):
            at = int(index) - 1
            raise RefusedByAgent(status.prettyPrint(), str(bound[at][0]) if 0 <= at < len(bound) else "")
        return [(tuple(name), value) for name, value in bound]

    async def _opened(self) -> tuple[Any, ...]:
        config, place = self._config, Place.of(self._config.host, self._config.port)
        kind = driver.Udp6TransportTarget if ":" in place.address else driver.UdpTransportTarget
        target = await kind.create((place.address, place.port), timeout=config.timeout_s, retries=config.retries)
        context = driver.ContextData(contextName=config.context.encode())
        return driver.SnmpEngine(), self._credentials(), target, context

    def _credentials(self) -> Any:
        config = self._config
        if config.version == "v2c":
            return driver.CommunityData("headrace", config.community.reveal(), mpModel=1)  # noqa: S508 - as chosen
        checked(config)
        return driver.UsmUserData(
            config.user, config.auth_password.reveal() if config.auth != "none" else None,
            config.privacy_password.reveal() if config.privacy != "none" else None,
            authProtocol=AUTH[config.auth], privProtocol=PRIVACY[config.privacy],
        )  # fmt: skip

    def close(self) -> None:
        """Close the socket and the loop; twice is fine."""
        runner, self._runner, link, self._link = self._runner, None, self._link, ()
        if runner is not None:
            if link:
                runner.run(_closed(link[0]))
            runner.close()


def checked(config: SnmpConfig) -> None:
    """Refuse what v3 cannot sign or encrypt with.

    Raises:
        ConfigError: naming the field.
    """
    if config.version == "v2c":
        return
    if config.auth == "none" and config.privacy != "none":
        raise ConfigError("encryption needs signing; choose a signing, or no encryption", field="auth")
    for field, used in (("auth_password", config.auth), ("privacy_password", config.privacy)):
        if used != "none" and len(getattr(config, field).reveal()) < 8:
            raise ConfigError("a password of SNMP v3 has 8 characters or more; enter it again", field=field)


async def _closed(engine: Any) -> None:
    engine.close_dispatcher()


def _names(oids: tuple[Oid, ...]) -> list[Any]:
    return [driver.ObjectType(driver.ObjectIdentity(oid), rfc1902.Null("")) for oid in oids]
