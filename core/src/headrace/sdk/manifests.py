"""What plugins declare: typed records with an `id`. Importing this loads msgspec only."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import Any, Literal

import msgspec
from msgspec import Struct

from headrace.sdk.config import Config


class Lazy(Struct, frozen=True):
    """A dotted path `package.module:Name`, imported at first use."""

    path: str

    def load(self) -> Any:
        """Import and return the object.

        Raises:
            ImportError, AttributeError: as Python does; the host turns them into a PluginError.
        """
        module, _, name = self.path.partition(":")
        return getattr(import_module(module), name)


def lazy(path: str) -> Lazy:
    """Name the working class without importing it: `lazy("pkg.mod:Class")`."""
    if path.count(":") != 1:
        raise ValueError(f"lazy path {path!r} is not of the form 'package.module:Name'")
    return Lazy(path)


class Effect(StrEnum):
    """What a node or action does to the world; decides fusing and retrying."""

    NONE = "none"
    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class EffectClass(StrEnum):
    """Promise of a write: A exactly once in a transaction, B exactly once by key, C at least once."""

    TRANSACTIONAL = "A"
    IDEMPOTENT = "B"
    OTHER = "C"


class Capability(StrEnum):
    """What a connector can do; a test compares these with its methods, both ways."""

    READ = "read"
    WRITE = "write"
    UPSERT = "upsert"
    MERGE = "merge"
    SCD2 = "scd2"
    DRIFT = "drift"
    PLAN = "plan"
    PAGES = "pages"
    QUERY = "query"
    INCREMENTAL = "incremental"
    SCAN = "scan"
    RELATION = "relation"
    NARROW = "narrow"
    FINGERPRINT = "fingerprint"
    FILES = "files"
    MESSAGES = "messages"
    CHOICES = "choices"
    SYNC_FLOWS = "sync_flows"


Proof = Literal["real server", "engine", "emulator", "wire-compatible", "contract", "recorded", "unproven"]
NodeKind = Literal["trigger", "source", "transform", "logic", "ai", "quality", "sink"]


class Port(Struct, frozen=True, omit_defaults=True):
    """Where edges meet a node.

    Attributes:
        name: Handle id, e.g. `in`, `left`, `out`.
        title: For people; the name if empty.
        kind: `data` carries a frame, `error` rejected rows with reasons, `control` nothing; `compensate` leads to what
            undoes the step's effect, over the rows of its first output.
        many: Takes any number of edges; inputs then come as `name[source node id]`.
        required: Validation refuses the flow while nothing is connected.
    """

    name: str
    title: str = ""
    kind: Literal["data", "error", "control", "compensate"] = "data"
    many: bool = False
    required: bool = True


ERROR_PORT = Port("error", "Rejected rows", kind="error", required=False)
COMPENSATE_PORT = Port("compensate", "To undo it", kind="compensate", required=False)
"""Every node type with an effect has it; the host adds it where it is not declared."""


class NodeManifest(Struct, frozen=True, kw_only=True):
    """A node type. Its full id is `family.id`, the family being the package's id.

    Attributes:
        config: Struct that the user fills in.
        factory: The `Node` class.
        effect: `NONE` nodes fuse into one lazy plan; others end a segment.
        heavy: Ends a segment, and wants the `heavy` queue.
        waits: Waits for a distant service rather than computes, and carries few rows: many share one process, each in
            a thread of its own.
        control: Has a segment of its own; may wait (`headrace.sdk.waiting`), and leave outputs out: branches not taken.
        role: What the host does with a control node: `join` waits as its config field `wait_for` says (all, any, or
            `number`); `loop` holds steps, which its child executions execute, from its port `item` to its input
            `result`; `input` and `output` are where frames enter and leave a sub-flow; `on_error` and `finally` begin
            what is executed after the flow; `answer` is executed with the steps before it, once their rows are stored.
        blocks: Why no flow may be executed or made active while it has such a step, as the end of a sentence that
            begins with the step's name; empty for nodes that work.
    """

    id: str
    title: str
    kind: NodeKind = "transform"
    summary: str = ""
    config: type[Config]
    factory: Lazy
    inputs: tuple[Port, ...] = (Port("in", "Input"),)
    outputs: tuple[Port, ...] = (Port("out", "Output"),)
    effect: Effect = Effect.NONE
    heavy: bool = False
    waits: bool = False
    control: bool = False
    role: Literal["", "join", "loop", "input", "output", "on_error", "finally", "answer"] = ""
    icon: str = "lucide:box"
    docs: str = ""
    tags: tuple[str, ...] = ()
    version: int = 1
    feature: str = ""
    blocks: str = ""


class Action(Struct, frozen=True, kw_only=True):
    """One declared call of a connector with an effect; becomes the node type `connector.action`."""

    id: str
    title: str
    input: type[Config]
    output: type[Struct] | None = None
    effect: Effect = Effect.CREATE
    summary: str = ""


class Trigger(Struct, frozen=True, kw_only=True):
    """A declared source of events of a connector.

    Attributes:
        mode: `poll` reads what is new in `stream` every `every_s` seconds; `message` takes the messages of a stream
            that the user chooses (MESSAGES), and looks again after so long when there were none.
        stream: A stream with a cursor; empty for messages.
    """

    id: str
    title: str
    mode: Literal["poll", "message"] = "poll"
    stream: str = ""
    every_s: int = 60


Grant = Literal["client_credentials", "authorization_code", "device_code", "refresh_token", "jwt_bearer"]


class OAuthFlow(Struct, frozen=True, kw_only=True):
    """How a person connects a connection (OAuth 2): the host sends them there, and keeps what comes back.

    Attributes:
        grant: `authorization_code` (with PKCE) or `device_code`.
        token_url: `{field}` of the config is filled in, percent-encoded; a config field `token_url` goes before it. So
            with `authorize_url` and `device_url`.
        client_id: Field of the config; so is `client_secret`, which may be empty there (a public client).
        client_auth: How the client shows its secret: HTTP Basic, or in the form.
        params: More of the address that the person is sent to.
    """

    grant: Grant = "authorization_code"
    token_url: str = ""
    authorize_url: str = ""
    device_url: str = ""
    client_id: str = "client_id"
    client_secret: str = "client_secret"  # noqa: S105 - the name of a field
    scope: str = ""
    client_auth: Literal["basic", "form"] = "basic"
    params: dict[str, str] = {}


class ConnectorManifest(Struct, frozen=True, kw_only=True):
    """A connector. READ gives the node type `id.read`, WRITE `id.write`, QUERY `id.query`.

    Attributes:
        category: database, nosql, file, cloud, genai, agentic or business_apps.
        config: Struct of a connection.
        read_options: More fields of the read node (a file's format, say), under `options`.
        write_options: The same for the write node.
        effect_class: What a write promises.
        waits: Its nodes wait for a distant service rather than compute, as `NodeManifest.waits` says.
        proof: How it is tested (connectors.md, 4).
        oauth: How a person connects it, where one does; a config field `auth`, if there is one,
            must then be `oauth2_code`.
    """

    id: str
    title: str
    category: Literal["database", "nosql", "file", "cloud", "genai", "agentic", "business_apps", "development"]
    config: type[Config]
    factory: Lazy
    capabilities: frozenset[Capability]
    actions: tuple[Action, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    read_options: type[Config] | None = None
    write_options: type[Config] | None = None
    effect_class: EffectClass = EffectClass.OTHER
    waits: bool = False
    summary: str = ""
    icon: str = "lucide:plug"
    docs: str = ""
    proof: Proof = "unproven"
    oauth: OAuthFlow | None = None
    version: int = 1
    feature: str = ""


class EngineManifest(Struct, frozen=True, kw_only=True):
    """An execution engine for frames."""

    id: str
    title: str
    factory: Lazy
    summary: str = ""


class Feature(Struct, frozen=True, kw_only=True):
    """A switch that editions and overrides turn on or off."""

    id: str
    title: str
    default: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """Features and limits that a subscription gets.

    Attributes:
        features: `*` is every feature, `-key` all but this one.
        limits: By key; one that is absent is unlimited. `executions` counts those of a calendar month, `api_requests`
            those of an hour.
        price: As people read it; empty where it is on request.
    """

    id: str
    title: str
    features: frozenset[str] = frozenset()
    limits: dict[str, int] = {}
    price: str = ""


class EditionManifest(Struct, frozen=True, kw_only=True):
    """An edition: its features, and its plans; the first plan is the edition's default.

    Attributes:
        license_key: Public Ed25519 key (base64) of who publishes the edition; it is there for those only whose
            installation has a licence signed by it. Empty: for everybody.
    """

    id: str
    title: str
    plans: tuple[Plan, ...]
    features: frozenset[str] = frozenset()
    license_key: str = ""


class MigrationBranch(Struct, frozen=True, kw_only=True):
    """An Alembic branch with label `id`; `package` holds its revision files."""

    id: str
    package: str


class Chore(Struct, frozen=True, kw_only=True):
    """What the scheduler does now and then for every organization.

    Attributes:
        every_s: Seconds between two rounds.
        function: `async def (session, organization_id)`, in a transaction of that organization; a repeat does no harm.
    """

    id: str
    title: str
    every_s: float
    function: Lazy


class Command(Struct, frozen=True, kw_only=True):
    """A CLI command, mounted as `headrace <plugin> <id>`; the function takes the remaining arguments."""

    id: str
    title: str
    function: Lazy


class FlowTemplate(Struct, frozen=True, kw_only=True):
    """A ready flow.

    Attributes:
        package: Package that holds the file.
        file: The flow's text form inside that package.
        demo: Created in the demo workspace by `headrace up --demo`.
    """

    id: str
    title: str
    summary: str
    package: str
    file: str
    demo: bool = False

    def text(self) -> str:
        """Read the flow's YAML text."""
        from importlib.resources import files

        return files(self.package).joinpath(self.file).read_text(encoding="utf-8")


def encodable(manifest: Struct) -> dict[str, Any]:
    """A manifest as JSON-ready data: types by name, lazy paths as text."""

    def plain(value: Any) -> Any:
        return value.__qualname__ if isinstance(value, type) else str(value)

    result: dict[str, Any] = msgspec.to_builtins(manifest, enc_hook=plain)
    return result
