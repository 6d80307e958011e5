"""REST: records of any JSON service, page by page."""

from typing import Annotated, Any, Literal

from headrace.sdk import Capability, Config, ConnectorManifest, Field, Secret, hookimpl, lazy
from headrace.sdk.manifests import OAuthFlow

DOCS = """Reads lists of records from a JSON service. The stream is a path below the server's address, e.g. `v1/users`.

Under Options say where the records are in the answer, how the service pages, and which columns to take. Without columns
they are learned from the first 1,000 records; a later field that is new is rejected, not dropped. A path such as
`text at user.login` takes a value from deeper in the record.

Private addresses are reached where the operator has opened them (`HEADRACE_EGRESS_ALLOW`)."""


class RestConfig(Config, kw_only=True):
    """How to reach the service."""

    base_url: Annotated[
        str, Field("Server", "Address that all paths are below.", examples=["https://api.example.org/v1"], order=0)
    ]
    auth: Annotated[
        Literal["none", "bearer", "header", "query", "basic", "oauth2", "oauth2_code", "sigv4"],
        Field(
            "Authentication", order=1,
            enum_labels={"none": "None", "bearer": "Bearer token", "header": "Header", "query": "Query parameter",
                         "basic": "User and password", "oauth2": "OAuth 2 client credentials",
                         "oauth2_code": "OAuth 2, connected by a person", "sigv4": "AWS signature"},
        ),
    ] = "none"  # fmt: skip
    token: Annotated[Secret, Field("Token", visible_if={"auth": ["bearer", "header", "query"]}, order=2)] = Secret("")
    header: Annotated[
        str, Field("Name", "Header or parameter that takes the token.", visible_if={"auth": ["header", "query"]},
                   order=3)
    ] = "X-Api-Key"  # fmt: skip
    user: Annotated[str, Field("User", visible_if={"auth": "basic"}, order=4)] = ""
    password: Annotated[Secret, Field("Password", visible_if={"auth": "basic"}, order=5)] = Secret("")
    authorize_url: Annotated[
        str, Field("Authorization address", "Where a person agrees.", visible_if={"auth": "oauth2_code"}, order=6)
    ] = ""
    token_url: Annotated[str, Field("Token address", visible_if={"auth": ["oauth2", "oauth2_code"]}, order=6)] = ""
    client_id: Annotated[
        str, Field("Client id", "Of AWS, the access key id.", visible_if={"auth": ["oauth2", "oauth2_code", "sigv4"]},
                   order=7)
    ] = ""  # fmt: skip
    client_secret: Annotated[
        Secret, Field("Client secret", "Of AWS, the secret access key.",
                      visible_if={"auth": ["oauth2", "oauth2_code", "sigv4"]}, order=8)
    ] = Secret("")  # fmt: skip
    scope: Annotated[str, Field("Scope", visible_if={"auth": ["oauth2", "oauth2_code"]}, order=9)] = ""
    service: Annotated[str, Field("Service", "E.g. execute-api.", visible_if={"auth": "sigv4"}, order=9)] = ""
    region: Annotated[str, Field("Region", "E.g. eu-central-1.", visible_if={"auth": "sigv4"}, order=9)] = ""
    endpoints: Annotated[
        list[str], Field("Endpoints", "Paths to offer where a stream is chosen; the first one tests the connection.",
                         widget="tags", examples=[["users", "orders"]], order=10),
    ] = []  # fmt: skip
    headers: Annotated[
        dict[str, str],
        Field("Headers", "Sent with every request; no secrets.", widget="key-value", advanced=True, order=11),
    ] = {}
    requests_per_s: Annotated[
        float, Field("Requests per second", "At most so many; 0 is unlimited.", ge=0, advanced=True, order=12)
    ] = 0
    timeout_s: Annotated[float, Field("Timeout", "Of a request.", ge=1, le=600, unit="s", advanced=True, order=13)] = 60


class RestReadOptions(Config, kw_only=True):
    """What an answer looks like."""

    records: Annotated[
        str, Field("Records at", "Dotted path to the list, e.g. data.items; empty: the answer is the list.", order=0),
    ] = ""  # fmt: skip
    key_column: Annotated[
        str,
        Field("Key column", "When the records are the values of an object, its keys go here.", advanced=True, order=1),
    ] = ""
    params: Annotated[dict[str, str], Field("Query", "Parameters of every request.", widget="key-value", order=2)] = {}
    method: Annotated[
        Literal["GET", "POST"], Field("Method", "POST has its parameters in the body.", advanced=True, order=2)
    ] = "GET"
    body: Annotated[
        dict[str, Any], Field("Body", "Of a POST; what pages goes into it.", widget="json", advanced=True, order=2)
    ] = {}
    pages: Annotated[
        Literal["single", "page", "offset", "link", "token"],
        Field(
            "Pages", order=3,
            enum_labels={"single": "One answer", "page": "Page number", "offset": "Offset",
                         "link": "Link to the next page", "token": "Token of the next page"},
        ),
    ] = "single"  # fmt: skip
    page_param: Annotated[
        str, Field("Page parameter", "Takes number, offset or token; empty is page, offset or token.",
                   visible_if={"pages": ["page", "offset", "token"]}, order=4),
    ] = ""  # fmt: skip
    first_page: Annotated[int, Field("First page", ge=0, visible_if={"pages": "page"}, advanced=True, order=5)] = 1
    next: Annotated[
        str, Field("Next page at", "Dotted path to link or token; an empty one reads the header Link.",
                   visible_if={"pages": ["link", "token"]}, order=6),
    ] = ""  # fmt: skip
    last: Annotated[
        str, Field("Last record's field", "The token is this field of the last record.", visible_if={"pages": "token"},
                   advanced=True, order=6),
    ] = ""  # fmt: skip
    size_param: Annotated[str, Field("Size parameter", "E.g. limit or per_page.", order=7)] = ""
    size: Annotated[int, Field("Page size", "Sent in the size parameter.", ge=0, order=8)] = 100
    columns: Annotated[
        dict[str, str],
        Field("Columns", "Name to type: text, integer, float, decimal(10,2), boolean, date, time, timestamp, json, "
              "uuid; `text at user.login` takes it from deeper. Empty learns them.", widget="key-value", order=9),
    ] = {}  # fmt: skip
    primary_key: Annotated[
        list[str], Field("Key columns", "That identify a record.", widget="tags", advanced=True, order=10)
    ] = []
    cursor: Annotated[str, Field("Cursor column", "For reading what is new.", advanced=True, order=11)] = ""
    after_param: Annotated[
        str, Field("After parameter", "Query parameter that takes the cursor's last value.", advanced=True, order=12)
    ] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="rest",
            title="REST",
            category="development",
            summary="Records of a JSON service",
            config=RestConfig,
            read_options=RestReadOptions,
            factory=lazy("headrace_connector_rest.connector:GenericRestConnector"),
            capabilities=frozenset({Capability.READ, Capability.INCREMENTAL}),
            icon="lucide:globe",
            docs=DOCS,
            waits=True,
            oauth=OAuthFlow(),
            proof="real server",
        )
    ]
