"""SOAP: records of an operation's answer, and operations as an action."""

from typing import Annotated, Any, Literal

from headrace.sdk import Action, Capability, Config, ConnectorManifest, Effect, Field, Secret, hookimpl, lazy
from msgspec import Struct

DOCS = """Parameters are sent as elements of the operation, in their order; lists repeat an element, objects nest. Of
the answer, names are taken without their namespaces: an element with children is an object, repeated ones are a list,
all others are texts. What `Records at` names is read as a list even when there is one."""


class SoapConfig(Config, kw_only=True):
    """How to reach the service."""

    base_url: Annotated[
        str, Field("Server", "Address of the service (of the port in its WSDL).",
                   examples=["https://example.org/soap/stock"], order=0)
    ]  # fmt: skip
    namespace: Annotated[
        str,
        Field("Namespace", "Of the operations: targetNamespace of the WSDL.", examples=["urn:example:stock"], order=1),
    ]
    version: Annotated[
        Literal["1.1", "1.2"],
        Field("SOAP version", widget="segmented", enum_labels={"1.1": "1.1", "1.2": "1.2"}, order=2),
    ] = "1.1"
    auth: Annotated[
        Literal["none", "basic", "wsse"],
        Field("Authentication", enum_labels={"none": "None", "basic": "User and password (HTTP)",
                                             "wsse": "UsernameToken (WS-Security)"}, order=3),
    ] = "none"  # fmt: skip
    user: Annotated[str, Field("User", visible_if={"auth": ["basic", "wsse"]}, order=4)] = ""
    password: Annotated[Secret, Field("Password", visible_if={"auth": ["basic", "wsse"]}, order=5)] = Secret("")
    action_prefix: Annotated[
        str,
        Field("SOAPAction prefix", "Goes before the operation; empty: namespace and a slash.", advanced=True, order=6),
    ] = ""
    qualified: Annotated[
        bool, Field("Qualified elements", "elementFormDefault of the WSDL is qualified.", advanced=True, order=7)
    ] = True


class SoapReadOptions(Config, kw_only=True):
    """What is sent, and where the records are."""

    parameters: Annotated[dict[str, Any], Field("Parameters", widget="json", order=0)] = {}
    records: Annotated[
        str, Field("Records at", "Dotted path below the answer's element, e.g. items.item.", order=1)
    ] = ""
    columns: Annotated[
        dict[str, str], Field("Columns", "Name to type, or `integer at stock.count`. Empty: texts, learned.",
                              widget="key-value", order=2)
    ] = {}  # fmt: skip
    primary_key: Annotated[list[str], Field("Key columns", widget="tags", advanced=True, order=3)] = []


class CallInput(Config, kw_only=True):
    """A call."""

    operation: Annotated[str, Field("Operation", "Name of its element.", examples=["SetStock"], order=0)]
    parameters: Annotated[dict[str, Any], Field("Parameters", widget="json", order=1)] = {}


class CallOutput(Struct):
    """What is below the answer's element."""

    result: Any = None


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    call = Action(id="call", title="Call an operation", input=CallInput, output=CallOutput, effect=Effect.UPDATE)
    return [
        ConnectorManifest(
            id="soap", title="SOAP", category="development", summary="Operations of a SOAP service", config=SoapConfig,
            read_options=SoapReadOptions, factory=lazy("headrace_connector_soap.connector:SoapConnector"),
            actions=(call,), capabilities=frozenset({Capability.READ}), waits=True, docs=DOCS, icon="lucide:braces",
            proof="real server",
        )
    ]  # fmt: skip
