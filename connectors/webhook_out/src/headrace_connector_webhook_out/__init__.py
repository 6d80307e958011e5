"""Outgoing webhooks: events to an address, signed as Standard Webhooks has it."""

from typing import Annotated, Any

from headrace.sdk import Action, Config, ConnectorManifest, Effect, EffectClass, Field, Secret, hookimpl, lazy
from msgspec import Struct

DOCS = """Each event carries `webhook-id`, `webhook-timestamp` and `webhook-signature` (standardwebhooks.com). The id is
the same when a step is repeated, so the other side can tell that it has had the event."""


class WebhookOutConfig(Config, kw_only=True):
    """Where events go."""

    url: Annotated[str, Field("Address", "That takes the events.", examples=["https://example.org/hooks/in"], order=0)]
    secret: Annotated[
        Secret, Field("Secret", "Shared with the other side; `whsec_` and base64, or any text. Empty signs nothing.",
                      order=1)
    ] = Secret("")  # fmt: skip
    headers: Annotated[
        dict[str, str], Field("Headers", "More of them; no secrets.", widget="key-value", advanced=True, order=2)
    ] = {}


class EventInput(Config, kw_only=True):
    """An event."""

    type: Annotated[str, Field("Event", "What happened, e.g. order.created.", examples=["order.created"], order=0)]
    data: Annotated[Any, Field("Data", "Any JSON.", widget="json", order=1)] = None


class EventOutput(Struct):
    """What the other side answered."""

    status: int
    webhook_id: str


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    send = Action(id="send", title="Send an event", input=EventInput, output=EventOutput, effect=Effect.CREATE)
    return [
        ConnectorManifest(
            id="webhook_out", title="Webhook (outgoing)", category="development", summary="Events to an address",
            config=WebhookOutConfig, factory=lazy("headrace_connector_webhook_out.connector:WebhookOutConnector"),
            actions=(send,), capabilities=frozenset(), effect_class=EffectClass.IDEMPOTENT, waits=True, docs=DOCS,
            icon="lucide:webhook", proof="real server",
        )
    ]  # fmt: skip
