"""Tables of agents: the usual ones, and those that a user declares in the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headrace.sdk import ConfigError
from msgspec import Struct

Oid = tuple[int, ...]
KINDS = ("integer", "text", "float", "timestamp")
_OID = re.compile(r"\.?\d{1,10}(?:\.\d{1,10}){1,127}")
_COLUMN = re.compile(rf"(\d{{1,10}})\s+(\S{{1,100}})(?:\s+({'|'.join(KINDS)}))?")


class Column(Struct, frozen=True):
    """A column by its number below the entry, or a value by its whole identifier."""

    oid: Oid
    name: str
    kind: str


class Table(Struct, frozen=True):
    """Columns below an entry; `single` has one row, of values that stand alone."""

    entry: Oid
    columns: tuple[Column, ...]
    single: bool = False

    @property
    def kinds(self) -> dict[str, str]:
        """Types by name, as `columns` of the read options has them."""
        return {column.name: column.kind for column in self.columns}


def oid_of(text: str, field: str) -> Oid:
    """An object identifier.

    Raises:
        ConfigError: it is none.
    """
    if not _OID.fullmatch(text.strip()):
        raise ConfigError(f"'{text[:100]}' is no object identifier; write it in numbers, as 1.3.6.1.2.1.1.3.0",
                          field=field)  # fmt: skip
    return tuple(int(part) for part in text.strip().lstrip(".").split("."))


def is_oid(name: str) -> bool:
    """Whether a stream is named by an object identifier."""
    return _OID.fullmatch(name) is not None


def table_of(name: str, text: str) -> Table:
    """The table that a user describes.

    Raises:
        ConfigError: it cannot be read.
    """
    oid, _, columns = text.partition(":")
    entry = oid_of(oid, "tables")
    found = [_COLUMN.fullmatch(part.strip()) for part in columns.split(",")]
    if not all(found):
        raise ConfigError(
            f"the table '{name}' is '{text[:200]}'; write it as '1.3.6.1.2.1.43.11.1.1: 6 description text, 9 level'",
            field="tables",
        )
    return Table(entry, tuple(Column((*entry, int(one[1])), one[2], one[3] or "integer") for one in found if one))


def values_of(texts: Mapping[str, str]) -> Table:
    """Values that stand alone, as a user describes them.

    Raises:
        ConfigError: one cannot be read.
    """
    columns = []
    for name, text in texts.items():
        oid, _, kind = text.strip().partition(" ")
        if (kind.strip() or "integer") not in KINDS:
            raise ConfigError(f"the value '{name}' is '{text[:200]}'; choose {', '.join(KINDS)}", field="values")
        columns.append(Column(oid_of(oid, "values"), name, kind.strip() or "integer"))
    return Table((), tuple(columns), single=True)


def _single(entry: str, columns: str) -> Table:
    made = table_of("", f"{entry}: {columns}")
    return Table(made.entry, tuple(Column((*one.oid, 0), one.name, one.kind) for one in made.columns), single=True)


USUAL = {
    "system": _single("1.3.6.1.2.1.1", "1 sysDescr text, 2 sysObjectID text, 3 sysUpTime, 4 sysContact text, "
                      "5 sysName text, 6 sysLocation text, 7 sysServices"),
    "ifTable": table_of("", "1.3.6.1.2.1.2.2.1: 1 ifIndex, 2 ifDescr text, 3 ifType, 4 ifMtu, 5 ifSpeed, "
                        "6 ifPhysAddress text, 7 ifAdminStatus, 8 ifOperStatus, 9 ifLastChange, 10 ifInOctets, "
                        "11 ifInUcastPkts, 13 ifInDiscards, 14 ifInErrors, 15 ifInUnknownProtos, 16 ifOutOctets, "
                        "17 ifOutUcastPkts, 19 ifOutDiscards, 20 ifOutErrors"),
    "ifXTable": table_of("", "1.3.6.1.2.1.31.1.1.1: 1 ifName text, 6 ifHCInOctets, 7 ifHCInUcastPkts, "
                         "8 ifHCInMulticastPkts, 9 ifHCInBroadcastPkts, 10 ifHCOutOctets, 11 ifHCOutUcastPkts, "
                         "12 ifHCOutMulticastPkts, 13 ifHCOutBroadcastPkts, 15 ifHighSpeed, 17 ifConnectorPresent, "
                         "18 ifAlias text, 19 ifCounterDiscontinuityTime"),
    "ipAddrTable": table_of("", "1.3.6.1.2.1.4.20.1: 1 ipAdEntAddr text, 2 ipAdEntIfIndex, 3 ipAdEntNetMask text"),
    "tcpConnTable": table_of("", "1.3.6.1.2.1.6.13.1: 1 tcpConnState, 2 tcpConnLocalAddress text, 3 tcpConnLocalPort, "
                             "4 tcpConnRemAddress text, 5 tcpConnRemPort"),
    "hrSystem": _single("1.3.6.1.2.1.25.1", "1 hrSystemUptime, 2 hrSystemDate timestamp, 5 hrSystemNumUsers, "
                        "6 hrSystemProcesses, 7 hrSystemMaxProcesses"),
    "hrStorageTable": table_of("", "1.3.6.1.2.1.25.2.3.1: 1 hrStorageIndex, 2 hrStorageType text, 3 hrStorageDescr "
                               "text, 4 hrStorageAllocationUnits, 5 hrStorageSize, 6 hrStorageUsed, "
                               "7 hrStorageAllocationFailures"),
    "hrDeviceTable": table_of("", "1.3.6.1.2.1.25.3.2.1: 1 hrDeviceIndex, 2 hrDeviceType text, 3 hrDeviceDescr text, "
                              "5 hrDeviceStatus, 6 hrDeviceErrors"),
    "hrProcessorTable": table_of("", "1.3.6.1.2.1.25.3.3.1: 2 hrProcessorLoad"),
    "hrSWRunTable": table_of("", "1.3.6.1.2.1.25.4.2.1: 1 hrSWRunIndex, 2 hrSWRunName text, 4 hrSWRunPath text, "
                             "6 hrSWRunType, 7 hrSWRunStatus"),
    "entPhysicalTable": table_of("", "1.3.6.1.2.1.47.1.1.1.1: 2 entPhysicalDescr text, 4 entPhysicalContainedIn, "
                                 "5 entPhysicalClass, 7 entPhysicalName text, 11 entPhysicalSerialNum text, "
                                 "13 entPhysicalModelName text"),
    "laTable": table_of("", "1.3.6.1.4.1.2021.10.1: 1 laIndex, 2 laNames text, 5 laLoadInt, 6 laLoadFloat float"),
    "memory": _single("1.3.6.1.4.1.2021.4", "3 memTotalSwap, 4 memAvailSwap, 5 memTotalReal, 6 memAvailReal, "
                      "11 memTotalFree, 14 memBuffer, 15 memCached"),
    "dskTable": table_of("", "1.3.6.1.4.1.2021.9.1: 1 dskIndex, 2 dskPath text, 3 dskDevice text, 6 dskTotal, "
                         "7 dskAvail, 8 dskUsed, 9 dskPercent"),
}  # fmt: skip
"""Tables that agents have, with the columns that tell something (RFC 3418, 2863, 4293, 4022, 2790, 6933; UCD-SNMP)."""
