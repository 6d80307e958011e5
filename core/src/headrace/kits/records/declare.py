"""What the declarations of record connectors share. Imports no driver."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from headrace.sdk.config import Config, Field, Secret
from headrace.sdk.manifests import Capability, Trigger

READ = frozenset({Capability.READ})
READ_WRITE = READ | {Capability.WRITE}
STORE = READ_WRITE | {Capability.UPSERT}
"""Records that are known by a key."""
DOCUMENTS = STORE | {Capability.MERGE, Capability.INCREMENTAL}
"""Records that are known by a key, can be removed by it, and have columns with an order."""
LOG = READ_WRITE | {Capability.INCREMENTAL}
"""Messages that keep their place."""
MESSAGES = READ_WRITE | {Capability.MESSAGES}
"""Messages that stay with the other side until they are acknowledged, or that a reader's cursor passes."""
NEW_MESSAGE = Trigger(id="message", title="New message", mode="message", every_s=1)

Host = Annotated[str, Field("Host", examples=["db.example.org"], min_length=1, order=0)]
Port = Annotated[int, Field("Port", ge=1, le=65_535, order=1)]
User = Annotated[str, Field("User", "Empty if the server asks for none.", order=3)]
Password = Annotated[Secret, Field("Password", order=4)]
Tls = Annotated[bool, Field("TLS", "Encrypt, and check the server's certificate.", order=5)]
Authority = Annotated[
    str, Field("Certificate authority", "PEM of a private one; empty trusts those of the system.", widget="textarea",
               advanced=True, order=6)
]  # fmt: skip


class PlainServer(Config, kw_only=True):
    """How to reach a server that asks nobody who they are; a connector adds `port: Port` with its default."""

    host: Host


class Server(PlainServer, kw_only=True):
    """How to reach a server; a connector adds `port: Port` with its default."""

    user: User = ""
    password: Password = Secret("")
    tls: Tls = False
    authority: Authority = ""


class ReadOptions(Config, kw_only=True):
    """How records become columns."""

    columns: Annotated[
        dict[str, str],
        Field("Columns", "Name and type, e.g. `amount: decimal(10,2)`; other fields are then left out. Empty: learned "
              "from the first records.", widget="key-value", order=0),
    ] = msgspec.field(default_factory=dict)  # fmt: skip
    sample: Annotated[
        int, Field("Records to look at", "From which columns are learned.", ge=1, le=100_000, advanced=True, order=1)
    ] = 1_000
    late: Annotated[
        Literal["reject", "keep"],
        Field("Fields that come later", "Reject records with a field that none of the first ones had, or keep such "
              "fields as JSON in the column `_late`.", advanced=True, order=2),
    ] = "reject"  # fmt: skip


class WriteOptions(Config, kw_only=True):
    """How columns become records."""

    json_columns: Annotated[
        list[str], Field("JSON columns", "Their text is written as nested values.", widget="columns", order=0)
    ] = msgspec.field(default_factory=list)


class MergeOptions(WriteOptions, kw_only=True):
    """How columns become records, and which are removed by a merge."""

    deletes: Annotated[
        str,
        Field("Deletion column", "Of a merge: a column of true and false; the rows marked true are deleted by key. "
              "Empty: the records whose key did not come are deleted.", widget="column", advanced=True, order=1),
    ] = ""  # fmt: skip
