"""The closed vocabulary of a declarative connector: 15 kinds of parts, each a Struct, fields plain values.

5 ways to sign in, 5 ways to page, and stream, column, parent, action, trigger. What does not fit subclasses
`RestConnector`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from headrace.sdk.manifests import Effect, Proof

Plain: TypeAlias = str | int | float | bool


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: an unknown field is an error that names its place."""


class Kind(Part, frozen=True, tag_field="type"):
    """Base of parts that are told apart by `type`."""


class NoAuth(Kind, frozen=True, tag="none"):
    """Nothing is sent."""


class BearerAuth(Kind, frozen=True, tag="bearer"):
    """`Authorization: Bearer ...`; `field` names the Config's Secret."""

    field: str = "token"


class HeaderAuth(Kind, frozen=True, tag="header"):
    """A header of its own, e.g. `X-Api-Key`."""

    name: str
    field: str = "token"
    prefix: str = ""


class BasicAuth(Kind, frozen=True, tag="basic"):
    """User and password; both name fields of the Config."""

    user: str = "user"
    password: str = "password"  # noqa: S105 - the name of a field


class OAuth2(Kind, frozen=True, tag="oauth2"):
    """Client credentials: a token is fetched, kept until it ends, and fetched again."""

    token_url: str
    client_id: str = "client_id"
    client_secret: str = "client_secret"  # noqa: S105 - the name of a field
    scope: str = ""


Auth: TypeAlias = NoAuth | BearerAuth | HeaderAuth | BasicAuth | OAuth2


class SinglePage(Kind, frozen=True, tag="single"):
    """One answer has it all."""


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
    """The answer holds a token at `next`; it goes into `token_param` of the next request."""

    next: str
    token_param: str
    size_param: str = ""
    size: int = 0


Pages: TypeAlias = SinglePage | PageNumber | Offset | Link | Token


class ColumnPart(Part, frozen=True):
    """A column whose value lies deeper: `author = { type = "text", path = "user.login" }`."""

    type: str
    path: str = ""


class ParentPart(Part, frozen=True):
    """One request per row of another stream: `field` of it goes into `{param}` of the path and into column `param`."""

    stream: str
    field: str
    param: str


class StreamPart(Part, frozen=True):
    """An endpoint with records.

    Attributes:
        records: Dotted path to them in the answer; empty when the answer is the list.
        key_column: The records are the values of an object; its keys go into this column.
        columns: Name to type, or to a `ColumnPart`.
        cursor: Column by which a read continues.
        after_param: Query parameter that takes the cursor's last value.
        ordered: The service sends records in the order of the cursor, so that nothing needs sorting.
    """

    name: str
    path: str
    params: dict[str, Plain] = {}
    records: str = ""
    key_column: str = ""
    columns: dict[str, str | ColumnPart] = {}
    primary_key: tuple[str, ...] = ()
    cursor: str = ""
    after_param: str = ""
    ordered: bool = False
    pages: Pages = SinglePage()
    parent: ParentPart | None = None


class ActionPart(Part, frozen=True):
    """A call with an effect; `{field}` in the path takes an input, percent-encoded, the only substitution there is.

    Attributes:
        input: Field to type.
        query: Inputs that go into the query; the rest is the JSON body (GET and DELETE: all go into the query).
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
    output: dict[str, str] = {}
    idempotency_header: str = ""


class TriggerPart(Part, frozen=True):
    """New records of a stream with a cursor."""

    id: str
    title: str
    stream: str
    mode: Literal["poll"] = "poll"
    every_s: int = 60


class Declaration(Part, frozen=True):
    """A whole `connector.toml`.

    Attributes:
        base_url: Used where the Config has no `base_url`.
        check: Path that proves address and credentials; the first stream's when empty.
        headers: Sent with every request; no secrets.
        requests_per_s: Of one connection; 0 is unlimited.
        timeout_s: For a whole request.
        answer_bytes: Largest answer.
    """

    id: str
    title: str
    category: Literal["database", "nosql", "file", "cloud", "genai", "agentic", "business_apps", "development"]
    base_url: str = ""
    check: str = ""
    summary: str = ""
    icon: str = "lucide:globe"
    docs: str = ""
    proof: Proof = "unproven"
    headers: dict[str, str] = {}
    requests_per_s: float = 0
    timeout_s: float = 60
    answer_bytes: int = 64 * 1024 * 1024
    auth: Auth = NoAuth()
    streams: tuple[StreamPart, ...] = ()
    actions: tuple[ActionPart, ...] = ()
    triggers: tuple[TriggerPart, ...] = ()

    def stream(self, name: str) -> StreamPart | None:
        """The stream of that name."""
        return next((stream for stream in self.streams if stream.name == name), None)
