"""The closed vocabulary of a declarative connector: 15 kinds of parts, each a Struct, fields plain values.

7 ways to sign in and 4 ways to page (left out: nobody signs in, one answer has it all), and stream, action, trigger,
field. What does not fit subclasses `RestConnector`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from headrace.sdk.manifests import Effect, Grant, Proof

Plain: TypeAlias = str | int | float | bool
Category: TypeAlias = Literal[
    "database", "nosql", "file", "cloud", "genai", "agentic", "business_apps", "development"
]  # fmt: skip
Meaning: TypeAlias = Literal["config", "auth", "data", "transient"]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: an unknown field is an error that names its place."""


class Kind(Part, frozen=True, tag_field="type"):
    """Base of parts that are told apart by `type`."""


class BearerAuth(Kind, frozen=True, tag="bearer"):
    """`Authorization: Bearer ...`; `field` names the Config's Secret."""

    field: str = "token"


class HeaderAuth(Kind, frozen=True, tag="header"):
    """A header of its own, e.g. `X-Api-Key`."""

    name: str
    field: str = "token"
    prefix: str = ""


class QueryAuth(Kind, frozen=True, tag="query"):
    """A parameter of the query, e.g. `?api_key=`; no link of an answer may set it."""

    name: str
    field: str = "token"


class BasicAuth(Kind, frozen=True, tag="basic"):
    """User and password; both name fields of the Config."""

    user: str = "user"
    password: str = "password"  # noqa: S105 - the name of a field


class OAuth2(Kind, frozen=True, tag="oauth2"):
    """A token that is fetched and fetched again before it ends.

    Attributes:
        grant: `authorization_code` and `device_code` are connected by a person once; the host keeps their tokens.
            The others are fetched with what the Config has.
        token_url: With `{field}` of the Config in it, percent-encoded; a Config field `token_url` goes before it. The
            same for `authorize_url` and `device_url`.
        client_auth: How the client shows its secret: HTTP Basic, or in the form.
        params: More of the address that a person is sent to (`access_type = "offline"`).
        audience: More of the token request; of a JWT, the `aud` (default: the token address).
    """

    token_url: str = ""
    grant: Grant = "client_credentials"
    authorize_url: str = ""
    device_url: str = ""
    client_id: str = "client_id"
    client_secret: str = "client_secret"  # noqa: S105 - the name of a field
    refresh_token: str = "refresh_token"  # noqa: S105 - the name of a field
    private_key: str = "private_key"
    subject: str = ""
    scope: str = ""
    audience: str = ""
    client_auth: Literal["basic", "form"] = "basic"
    params: dict[str, str] = {}


class SigV4(Kind, frozen=True, tag="sigv4"):
    """AWS Signature Version 4; all but `service` name fields of the Config."""

    service: str
    access_key: str = "access_key_id"
    secret_key: str = "secret_access_key"  # noqa: S105 - the name of a field
    session_token: str = ""
    region: str = "region"


class Hmac(Kind, frozen=True, tag="hmac"):
    """A keyed hash over parts of the request, in a header.

    Attributes:
        field: The Config's Secret.
        signed: What is hashed, in order, joined by `separator`.
        time_header: Header with the seconds since 1970 that `time` is.
    """

    header: str
    field: str = "secret"
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: tuple[Literal["time", "method", "path", "body"], ...] = ("time", "method", "path", "body")
    separator: str = ""
    time_header: str = ""


Auth: TypeAlias = BearerAuth | HeaderAuth | QueryAuth | BasicAuth | OAuth2 | SigV4 | Hmac


class PageNumber(Kind, frozen=True, tag="page"):
    """`?page=1`, 2, 3 until a page is empty."""

    page_param: str = "page"
    start: int = 1
    size_param: str = ""
    size: int = 0


class Offset(Kind, frozen=True, tag="offset"):
    """`?offset=0&limit=100` until a page is empty; the offset grows by what came."""

    offset_param: str = "offset"
    size_param: str = "limit"
    size: int = 100


class Link(Kind, frozen=True, tag="link"):
    """The answer names the next page: at `next` in its body, or (empty) in the header `Link`."""

    next: str = ""
    size_param: str = ""
    size: int = 0


class Token(Kind, frozen=True, tag="token"):
    """What goes into `token_param` of the next request: found at `next`, or the field `last` of the last record.

    Attributes:
        more: Where the answer says whether there is more; empty: there is while a token or records come.
    """

    token_param: str
    next: str = ""
    last: str = ""
    more: str = ""
    size_param: str = ""
    size: int = 0


Pages: TypeAlias = PageNumber | Offset | Link | Token


class StreamPart(Part, frozen=True):
    """An endpoint with records.

    Attributes:
        method: `POST` sends `body` as JSON, and in it what pages; a dotted parameter goes deeper (`page.after`).
        records: Dotted path to them in the answer; empty when the answer is the list.
        key_column: The records are the values of an object; its keys go into this column.
        columns: Name to type, or to `type at path` when the value lies deeper: `text at user.login`. Empty: they are
            learned from the first records.
        cursor: Column by which a read continues.
        after_param: Parameter that takes the cursor's last value.
        ordered: The service sends records in the order of the cursor, so that nothing needs sorting.
        parent: One request per row of another stream: `{ repo = "repos.name" }` puts its column into `{repo}` of the
            path, and into the column `repo`.
    """

    name: str
    path: str
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, Plain] = {}
    body: dict[str, object] = {}
    records: str = ""
    key_column: str = ""
    columns: dict[str, str] = {}
    primary_key: tuple[str, ...] = ()
    cursor: str = ""
    after_param: str = ""
    ordered: bool = False
    pages: Pages | None = None
    parent: dict[str, str] = {}


class ActionPart(Part, frozen=True):
    """A call with an effect; `{field}` in the path takes an input, percent-encoded, the only substitution there is.

    Attributes:
        input: Field to type.
        query: Inputs that go into the query; the rest is the JSON body (GET and DELETE: all go into the query).
        result: Dotted path to what `output` is read from.
        output: Field to type.
        idempotency_header: Header in which the service takes a key that makes a repeat harmless.
    """

    id: str
    title: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    summary: str = ""
    effect: Effect = Effect.CREATE
    input: dict[str, str] = {}
    required: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    result: str = ""
    output: dict[str, str] = {}
    idempotency_header: str = ""


class TriggerPart(Part, frozen=True):
    """New records of a stream with a cursor."""

    id: str
    title: str
    stream: str
    mode: Literal["poll"] = "poll"
    every_s: int = 60


class FieldPart(Part, frozen=True):
    """A field of the connection; without a default it must be filled in."""

    title: str
    type: Literal["secret", "text", "integer", "boolean"] = "text"
    description: str = ""
    default: str | int | bool | None = None


class Declaration(Part, frozen=True):
    """A whole `connector.toml`.

    Attributes:
        base_url: Used where the Config has no `base_url`; `{field}` of the Config is filled in, percent-encoded.
        check: Path that proves address and credentials; the first stream's when empty.
        headers: Sent with every request; no secrets.
        requests_per_s: Of one connection, all workers together; 0 is unlimited.
        budget: The same over longer: `["100/m", "5000/h"]`.
        timeout_s: For a whole request.
        answer_bytes: Largest answer.
        errors: What a status means, or a status and a text in the answer: `{ "403 quota" = "transient" }`.
        error_at: Dotted path of an error's text in answers with status 200.
        config: Fields of the connection; when they are not in Python.
    """

    id: str
    title: str
    category: Category
    base_url: str = ""
    check: str = ""
    summary: str = ""
    icon: str = "lucide:globe"
    docs: str = ""
    proof: Proof = "unproven"
    headers: dict[str, str] = {}
    requests_per_s: float = 0
    budget: tuple[str, ...] = ()
    timeout_s: float = 60
    answer_bytes: int = 64 * 1024 * 1024
    errors: dict[str, Meaning] = {}
    error_at: str = ""
    config: dict[str, FieldPart] = {}
    auth: Auth | None = None
    streams: tuple[StreamPart, ...] = ()
    actions: tuple[ActionPart, ...] = ()
    triggers: tuple[TriggerPart, ...] = ()

    def stream(self, name: str) -> StreamPart | None:
        """The stream of that name."""
        return next((stream for stream in self.streams if stream.name == name), None)
