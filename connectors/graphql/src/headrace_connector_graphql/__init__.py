"""GraphQL: records of a query, page by page, and mutations."""

from typing import Annotated, Any, Literal

from headrace.sdk import Action, Capability, Config, ConnectorManifest, Effect, Field, Secret, hookimpl, lazy
from msgspec import Struct

DOCS = """The stream of a read node is a name for it; its query goes under Options. Lists that page as connections
(`edges`, `nodes`, `pageInfo`) are followed when the query takes the cursor as a variable: `query($after: String)`.

Variables are sent beside the text, never pasted into it."""


class GraphqlConfig(Config, kw_only=True):
    """How to reach the service."""

    base_url: Annotated[str, Field("Server", "Address of the endpoint.", examples=["https://example.org/graphql"],
                                   order=0)]  # fmt: skip
    auth: Annotated[
        Literal["none", "bearer", "header"],
        Field("Authentication", enum_labels={"none": "None", "bearer": "Bearer token", "header": "Header"}, order=1),
    ] = "none"
    token: Annotated[Secret, Field("Token", visible_if={"auth": ["bearer", "header"]}, order=2)] = Secret("")
    header: Annotated[str, Field("Header", "That takes the token.", visible_if={"auth": "header"}, order=3)] = (
        "X-Api-Key"
    )
    requests_per_s: Annotated[
        float, Field("Requests per second", "At most so many; 0 is unlimited.", ge=0, advanced=True, order=4)
    ] = 0


class GraphqlReadOptions(Config, kw_only=True):
    """The query, and where its records are."""

    query: Annotated[str, Field("Query", widget="code", language="graphql", rows=10, order=0)] = ""
    variables: Annotated[dict[str, Any], Field("Variables", widget="json", order=1)] = {}
    records: Annotated[
        str, Field("Records at", "Dotted path below data, e.g. organization.repositories; edges and nodes are found.",
                   order=2)
    ] = ""  # fmt: skip
    after_variable: Annotated[str, Field("Cursor variable", "Takes the cursor of the next page.", order=3)] = "after"
    columns: Annotated[
        dict[str, str], Field("Columns", "Name to type, or `text at owner.login`. Empty learns them.",
                              widget="key-value", order=4)
    ] = {}  # fmt: skip
    primary_key: Annotated[list[str], Field("Key columns", widget="tags", advanced=True, order=5)] = []


class MutationInput(Config, kw_only=True):
    """A mutation."""

    mutation: Annotated[str, Field("Mutation", widget="code", language="graphql", rows=8, order=0)]
    variables: Annotated[dict[str, Any], Field("Variables", widget="json", order=1)] = {}


class MutationOutput(Struct):
    """What it answered, below `data`."""

    data: Any = None


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    mutate = Action(
        id="mutate", title="Send a mutation", input=MutationInput, output=MutationOutput, effect=Effect.UPDATE
    )
    return [
        ConnectorManifest(
            id="graphql", title="GraphQL", category="development", summary="Records of a GraphQL service",
            config=GraphqlConfig, read_options=GraphqlReadOptions, waits=True, docs=DOCS, icon="lucide:share-2",
            factory=lazy("headrace_connector_graphql.connector:GraphqlConnector"), actions=(mutate,),
            capabilities=frozenset({Capability.READ}), proof="real server",
        )
    ]  # fmt: skip
