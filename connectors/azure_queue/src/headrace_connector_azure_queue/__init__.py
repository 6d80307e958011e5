"""Azure Queue Storage: messages of queues, deleted once they are stored."""

from typing import Annotated, Literal

from headrace.kits.records.declare import MESSAGES, NEW_MESSAGE, ReadOptions, WriteOptions
from headrace.sdk import Config, ConnectorManifest, EffectClass, Field, Secret, hookimpl, lazy

DOCS = """A stream is a queue. A read takes messages until none come: it gives them back at its end, or deletes
them once what the step gave is stored, as its options say; until then nobody else sees them, however long the read
takes. A message that has come too often is rejected with its reason, so that it does not come for ever. A queue that is
missing is made. The service keeps no ids: a repeated execution sends again."""


class AzureQueueConfig(Config, kw_only=True):
    """Which account, and with which key."""

    account: Annotated[
        str,
        Field(
            "Account",
            pattern=r"^[a-z0-9]{3,24}$",
            expected="3 to 24 small letters and digits",
            examples=["shop"],
            order=0,
        ),
    ]
    account_key: Annotated[Secret, Field("Account key", "Empty where a SAS token is given.", order=1)] = Secret("")
    sas_token: Annotated[Secret, Field("SAS token", "Instead of a key, e.g. `sv=...&sig=...`.", order=2)] = Secret("")
    encoding: Annotated[
        Literal["base64", "text"],
        Field("Encoding", "Of messages; Azure's own tools take base64.", advanced=True, order=3),
    ] = "base64"
    endpoint: Annotated[
        str, Field("Endpoint", "Of another cloud or an emulator; empty is Azure's public one.", advanced=True, order=4)
    ] = ""


class AzureQueueReadOptions(ReadOptions, kw_only=True):
    """What becomes of the messages."""

    take: Annotated[
        Literal["peek", "consume"], Field("Then", "Give them back, or delete them once the rows are stored.", order=3)
    ] = "peek"
    max_messages: Annotated[int, Field("Messages", "At most.", ge=1, le=10_000_000, order=4)] = 100_000
    hidden_s: Annotated[
        int, Field("Hidden for (s)", "Others do not see what is being read; it is renewed.", ge=10, le=604_800,
                   advanced=True, order=5)
    ] = 300  # fmt: skip
    reject_after: Annotated[
        int, Field("Too often", "Messages that came more often are rejected; 0 is never.", ge=0, advanced=True, order=6)
    ] = 0


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="azure_queue", title="Azure Queue Storage", category="nosql", summary="Queues of Azure Storage",
            config=AzureQueueConfig, factory=lazy("headrace_connector_azure_queue.connector:AzureQueueConnector"),
            capabilities=MESSAGES, triggers=(NEW_MESSAGE,),
            read_options=AzureQueueReadOptions, write_options=WriteOptions,
            effect_class=EffectClass.OTHER, icon="lucide:inbox", docs=DOCS, proof="emulator",
        )
    ]  # fmt: skip
